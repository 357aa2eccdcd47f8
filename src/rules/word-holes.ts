import type { PrincipalEntry } from "../policy/ast.js";
import { parsePrincipal } from "../semantics/arn.js";

/**
 * Words of a key policy that stand for themselves: its Id, the Sids of its statements, and the names of users and roles
 * among its principals. Policies that differ in nothing else say the same of other words, because a name is compared
 * with other names as a whole and with nothing else, and Id and Sids with nothing at all. So they are analysed once,
 * with stand-ins for those words (report/report-memo.ts). The conditions are here; why they suffice is said in
 * docs/decisions/shared-reports.md.
 */
export interface CutWords {
  /** The documents with stand-ins for the words: as long as before, and equal for documents that differ in words. */
  readonly text: string;
  /** What the stand-ins stand for, by number: all but the first character of each word. */
  readonly words: readonly string[];
  /** What stands in the text, by the same number. */
  readonly standIns: readonly string[];
  /** Some are names of users or roles. */
  readonly hasNames: boolean;
}

/** An Id or a Sid: the character after the quotation mark is the first of the word. */
const LABEL = /"(?:Id|Sid)"\s*:\s*"([A-Za-z][A-Za-z0-9_-]{3,63})"/g;
/** A user or role; group 1: whatever stands before its name. */
const NAMED =
  /("arn:aws[a-z-]*:iam::(?:[0-9]{12}|\0):(?:user|role)\/(?:[A-Za-z0-9_-]+\/)*)([A-Za-z][A-Za-z0-9_-]{3,63})"/g;

/** Words that keyward writes itself: a name like one of them could be taken for it. */
const OWN_WORDS = /outsider|session|autoscaling|servicerole|keyward|root/i;

/** No word begins like a stand-in; other text with this in it is left as it is. */
const MARK = "Kz";
const MARKED = /kz/i;
const NUMBERS = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * Cuts the words of documents.
 *
 * @param policyLength the first so many characters are the key policy; what follows names nothing that is cut
 * @param names whether names of users and roles are cut as well
 * @param isTaken whether a word means something outside these documents
 * @returns undefined where there is none
 */
export function cutWords(
  documents: string,
  policyLength: number,
  names: boolean,
  isTaken: (word: string) => boolean,
): CutWords | undefined {
  if (MARKED.test(documents)) return undefined;
  const policy = documents.slice(0, policyLength);
  /** Where each word begins. */
  const places = new Map<string, number[]>();
  const named = new Set<string>();
  const add = (word: string, at: number): void => {
    const known = places.get(word);
    if (known === undefined) places.set(word, [at]);
    else known.push(at);
  };
  for (const m of policy.matchAll(LABEL)) {
    const word = m[1] ?? "";
    add(word, m.index + m[0].length - 1 - word.length);
  }
  for (const m of names ? policy.matchAll(NAMED) : []) {
    const word = m[2] ?? "";
    add(word, m.index + m[0].length - 1 - word.length);
    named.add(word);
  }
  // A word that stands anywhere else as well could mean more there, but for within a longer one that is cut.
  let rest = documents;
  const words: string[] = [];
  for (const [word, at] of [...places].sort(([a], [b]) => b.length - a.length)) {
    if (OWN_WORDS.test(word) || isTaken(word) || occurrences(rest, word) !== at.length) continue;
    words.push(word);
    rest = rest.replaceAll(word, GONE);
  }
  words.sort();
  if (words.length === 0 || words.length > NUMBERS.length) return undefined;
  // In the order of the words, so that stand-ins are sorted as the words are.
  const standIns = words.map((word, i) => standIn(i, word.length - 1));
  const cuts = words
    .flatMap((word, i) => (places.get(word) ?? []).map((at) => ({ at: at + 1, text: standIns[i] ?? "" })))
    .sort((a, b) => a.at - b.at);
  let text = "";
  let end = 0;
  for (const cut of cuts) {
    text += documents.slice(end, cut.at) + cut.text;
    end = cut.at + cut.text.length;
  }
  return {
    text: text + documents.slice(end),
    words: words.map((word) => word.slice(1)),
    standIns,
    hasNames: words.some((word) => named.has(word)),
  };
}

/** Nothing that a word could hold. */
const GONE = "\u0001";

/** Stand-ins of any length differ before one of them ends. */
function standIn(number: number, length: number): string {
  return `${MARK}${NUMBERS[number] ?? ""}`.padEnd(length, "7");
}

function occurrences(text: string, word: string): number {
  let count = 0;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) count++;
  return count;
}

/** Whether something of a stand-in is left in a text from which they were cut: then it was used for more than itself. */
export function hasStandIn(text: string): boolean {
  return MARKED.test(text);
}

const STAND_IN = /Kz[0-9a-z]7*/g;

/**
 * Whether a policy has stand-ins only where nothing but the equality of words counts: as Id, as Sids, and as names of
 * principals that are sorted alike whatever the word is.
 */
export function areStandInsInert(policyText: string): boolean {
  let json: unknown;
  try {
    json = JSON.parse(policyText);
  } catch {
    return false;
  }
  if (!isObject(json) || !Array.isArray(json["Statement"])) return false;
  const statements: readonly unknown[] = json["Statement"];
  let inert = standInsIn(json["Id"]);
  for (const s of statements) {
    if (!isObject(s)) return false;
    inert += standInsIn(s["Sid"]);
    const principal = s["Principal"];
    if (!isObject(principal)) continue;
    const aws = principal["AWS"];
    const texts: readonly unknown[] = Array.isArray(aws) ? aws : [aws];
    const entries = texts.flatMap((t) => (typeof t === "string" ? (parsePrincipal(t) ?? []) : []));
    const cut = entries.filter((e) => standInsIn(e.text) > 0);
    if (!cut.every((e) => isName(e) && isSortedAlike(e.text, entries))) return false;
    inert += cut.length;
  }
  // A member that stands twice, or a stand-in anywhere else, is counted in the text only.
  return inert === standInsIn(policyText);
}

function isName(entry: PrincipalEntry): boolean {
  return (entry.kind === "user" || entry.kind === "role") && standInsIn(entry.text) === 1;
}

/** Texts that go along with this one up to its stand-in must have one in the same place: those are in order. */
function isSortedAlike(text: string, entries: readonly PrincipalEntry[]): boolean {
  const at = text.indexOf(MARK);
  const before = text.slice(0, at);
  return entries.every((e) => !e.text.startsWith(before) || e.text.startsWith(MARK, at));
}

function standInsIn(value: unknown): number {
  return typeof value === "string" ? (value.match(STAND_IN)?.length ?? 0) : 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

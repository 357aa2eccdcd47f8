import type { AccountId } from "../domain/ids.js";
import type { Grant } from "../domain/grant.js";
import type { Condition, Policy, PrincipalEntry, Statement } from "../policy/ast.js";
import { namedIds } from "./account-numbers.js";

/**
 * Everything that the documents of a key name: an account that is not named anywhere is like any other such account,
 * so a few representatives of "nobody named" stand for all of them.
 */
export interface Mentions {
  readonly accounts: ReadonlySet<string>;
  readonly organizations: ReadonlySet<string>;
  /** Unique ids of users and roles. */
  readonly uniqueIds: ReadonlySet<string>;
  /** Principals named in statements, conditions and grants. */
  readonly principals: readonly PrincipalEntry[];
  readonly services: ReadonlySet<string>;
  /** Patterns on accounts, principals and organizations, for the "pattern" class of callers. */
  readonly patterns: readonly string[];
  /** Some statement has NotPrincipal: it tells users, roles and root users of one account apart. */
  readonly notPrincipal: boolean;
  /** What stands before the last colon in the resources of source ARNs, such as `log-group:`. */
  readonly sourcePrefixes: ReadonlySet<string>;
  /** Condition keys that occur anywhere, in lower case. */
  readonly keys: ReadonlySet<string>;
  /**
   * Of the keys, those of pairs that services fill in the encryption context, where it may matter that a service does
   * not: a policy asks about the pair, or another grant wants a context without it.
   */
  readonly omissible: ReadonlySet<string>;
  /** Patterns on the names of services. */
  readonly servicePatterns: ReadonlySet<string>;
}

/** What may be the name of a service at all. */
export const SERVICE_FORM = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;
const SERVICE_NAME = /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/;

const ACCOUNT_KEYS = new Set([
  "kms:calleraccount",
  "aws:principalaccount",
  "aws:sourceaccount",
  "aws:sourceowner",
  "aws:userid",
]);
const ARN_KEYS = new Set([
  "aws:principalarn",
  "aws:sourcearn",
  "ec2:sourceinstancearn",
  "lambda:sourcefunctionarn",
  "ssm:sourceinstancearn",
]);
const ORG_KEYS = new Set([
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:sourceorgid",
  "aws:sourceorgpaths",
]);

/** Collects what policies and grants name. `tags`: those of the key, which variables can stand for. */
export function collectMentions(
  policies: readonly Policy[],
  grants: readonly Grant[],
  tags: Readonly<Record<string, string>> = {},
): Mentions {
  const m = {
    accounts: new Set<string>(),
    organizations: new Set<string>(),
    uniqueIds: new Set<string>(),
    principals: [] as PrincipalEntry[],
    services: new Set<string>(),
    patterns: [] as string[],
    keys: new Set<string>(),
    sourcePrefixes: new Set<string>(),
    notPrincipal: anyStatement(policies, (s) => s.principal.kind === "not-principal"),
    omissible: new Set<string>(),
    servicePatterns: new Set<string>(),
  };
  const tied = anyStatement(policies, (s) => s.conditions.some(tiesIdentity));
  if (tied) for (const v of Object.values(tags)) addIds(v, m);
  for (const p of policies) {
    for (const s of p.statements) {
      if (s.principal.kind !== "missing") for (const e of s.principal.entries) addEntry(e, m);
      for (const c of s.conditions) addCondition(c, m, tied);
      if (s.resource.kind !== "missing") addVariables(s.resource.patterns, m.keys);
    }
  }
  for (const k of m.keys) if (filledByService(k)) m.omissible.add(k);
  for (const g of grants) {
    const entry = granteeEntry(g);
    if (entry !== undefined) addEntry(entry, m);
    const arn = g.Constraints?.SourceArn;
    if (arn !== undefined) {
      addAccounts(arn, m.accounts);
      addSourcePrefix(arn, m.sourcePrefixes);
      m.keys.add("aws:sourcearn");
    }
    for (const pairs of [g.Constraints?.EncryptionContextEquals, g.Constraints?.EncryptionContextSubset]) {
      for (const [k, v] of Object.entries(pairs ?? {})) {
        m.keys.add(`kms:encryptioncontext:${k.toLowerCase()}`);
        addAccounts(v, m.accounts);
      }
    }
  }
  if (grants.length === 0) return m;
  const filled = [...m.keys].filter(filledByService);
  for (const { Constraints } of filled.length === 0 ? [] : grants) {
    const exact = Constraints?.EncryptionContextEquals;
    if (exact === undefined) continue;
    const wanted = new Set(Object.keys(exact).map((k) => `kms:encryptioncontext:${k.toLowerCase()}`));
    for (const k of filled) if (!wanted.has(k)) m.omissible.add(k);
  }
  return m;
}

function anyStatement(policies: readonly Policy[], test: (s: Statement) => boolean): boolean {
  for (const p of policies) for (const s of p.statements) if (test(s)) return true;
  return false;
}

/** Whether a service fills a pair of the encryption context, in a way that is tied to its source. */
export function filledByService(keyLower: string): boolean {
  return filling(keyLower) !== "free";
}

/**
 * What a service writes into a pair of the encryption context by itself, not as it is told: the ARN of a resource of
 * its caller, the caller's account, or the ARN of a bucket, which has no account in it. `free`: anything, such as the
 * name of a table, which somebody else's table may have as well. Ids that a service makes up cannot be had by others;
 * they are taken for the account that they belong to.
 */
export function filling(keyLower: string): "arn" | "account" | "bucket" | "free" {
  if (!keyLower.startsWith("kms:encryptioncontext:aws:") || keyLower.endsWith("name")) return "free";
  if (!keyLower.endsWith("arn")) return "account";
  return keyLower.startsWith("kms:encryptioncontext:aws:s3:") ? "bucket" : "arn";
}

function addEntry(
  e: PrincipalEntry,
  m: { accounts: Set<string>; principals: PrincipalEntry[]; services: Set<string>; uniqueIds: Set<string> },
): void {
  switch (e.kind) {
    case "account":
      m.accounts.add(e.account);
      break;
    case "user":
    case "role":
    case "session":
    case "federated-user":
      m.accounts.add(e.account);
      m.principals.push(e);
      break;
    case "service":
      m.services.add(e.name.toLowerCase());
      break;
    case "unique-id":
      m.uniqueIds.add(e.id);
      break;
    case "everyone":
    case "refused":
      break;
  }
}

/** Beginnings of resources, up to a colon, in what documents compare ARNs with. */
function addSourcePrefix(text: string, out: Set<string>): void {
  const at = resourceOf(text);
  if (at >= 0) addBeginning(text.slice(at), out);
  const wildcard = text.search(/[*?]/);
  if (wildcard < 0 || (at >= 0 && wildcard >= at)) return;
  // A wildcard may stand for colons: the resource may begin after any of those that follow.
  for (let i = text.indexOf(":", wildcard); i >= 0; i = text.indexOf(":", i + 1)) {
    if (i + 1 !== at) addBeginning(text.slice(i + 1), out);
  }
}

/** Where the sixth part begins, or -1. */
function resourceOf(text: string): number {
  let at = 0;
  for (let part = 0; part < 5; part += 1) {
    const colon = text.indexOf(":", at);
    if (colon < 0) return -1;
    at = colon + 1;
  }
  return at;
}

/** Of a resource, what stands before its last colon: as far as it is fixed, and with the shortest text for wildcards. */
function addBeginning(resource: string, out: Set<string>): void {
  if (!resource.includes(":") || out.size >= MOST_PREFIXES) return;
  const fixed = /^[^*?$]*:/.exec(resource)?.[0];
  if (fixed !== undefined && isBeginning(fixed)) out.add(fixed);
  const plain = /^[^$]*:/.exec(resource)?.[0].replaceAll("*", "").replaceAll("?", "x");
  if (plain !== undefined && isBeginning(plain)) out.add(plain);
}

/**
 * Whether resources may surely begin like this: with a kind of resource. What a pattern names behind an account is no
 * beginning, and that a resource has an account id in its name at such a place depends on the service.
 */
function isBeginning(text: string): boolean {
  return /^[A-Za-z]/.test(text) && !/(^|:)[0-9]{12}:/.test(text);
}

/** Each is looked at by itself, so a hostile policy gets no more. */
const MOST_PREFIXES = 16;

/** The keys that policy variables name. */
function addVariables(values: readonly string[], keys: Set<string>): void {
  for (const value of values) {
    if (!value.includes("${")) continue;
    for (const x of value.matchAll(/\$\{\s*([^,}]+)/g)) {
      const name = (x[1] ?? "").trim();
      if (name.length > 1) keys.add(name.toLowerCase());
    }
  }
}

/** A value, and what it is where its variables have their defaults. */
function withDefaults(value: string): readonly string[] {
  if (!value.includes("${")) return [value];
  const otherwise = value.replace(/\$\{[^}']*'([^']*)'\s*\}/g, "$1");
  return otherwise === value ? [value] : [value, otherwise];
}

function addAccounts(text: string, out: Set<string>): void {
  for (const x of text.matchAll(/(?<![0-9])[0-9]{12}(?![0-9])/g)) out.add(x[0]);
}

const isLinked = (key: string): boolean => ACCOUNT_KEYS.has(key) || ARN_KEYS.has(key) || ORG_KEYS.has(key);

/** Whether a variable compares an identity with another key: then what is asked of that key names identities, too. */
function tiesIdentity(c: Condition): boolean {
  if (!c.values.some((v) => v.includes("${"))) return false;
  const variables = [...c.values.join("\n").matchAll(/\$\{\s*([^,}\s]+)/g)].map((x) =>
    (x[1] ?? "").toLowerCase(),
  );
  return variables.length > 0 && [c.keyLower, ...variables].some(isLinked);
}

function addIds(
  text: string,
  m: { accounts: Set<string>; organizations: Set<string>; uniqueIds: Set<string> },
): void {
  addAccounts(text, m.accounts);
  const organization = /^o-[a-z0-9]{10,32}/.exec(text)?.[0];
  if (organization !== undefined) m.organizations.add(organization);
  const unique = /^A[A-Z]{3}[A-Z0-9]{12,}/.exec(text)?.[0];
  if (unique !== undefined) m.uniqueIds.add(unique);
}

function addCondition(
  c: Condition,
  m: {
    accounts: Set<string>;
    organizations: Set<string>;
    uniqueIds: Set<string>;
    services: Set<string>;
    principals: PrincipalEntry[];
    patterns: string[];
    keys: Set<string>;
    sourcePrefixes: Set<string>;
    servicePatterns: Set<string>;
  },
  tied: boolean,
): void {
  m.keys.add(c.keyLower);
  addVariables(c.values, m.keys);
  const linked = tied || isLinked(c.keyLower);
  const fold = c.operator.includes("IgnoreCase");
  for (const v of c.values.flatMap(withDefaults)) {
    if (linked || c.keyLower.startsWith("kms:encryptioncontext:")) addAccounts(v, m.accounts);
    if (tied) addIds(v, m);
    if (ORG_KEYS.has(c.keyLower)) {
      const id = /^o-[a-z0-9]{10,32}/.exec(fold ? v.toLowerCase() : v)?.[0];
      if (id !== undefined) m.organizations.add(id);
    }
    if (c.keyLower === "aws:userid") {
      const id = /^A[A-Z]{3}[A-Z0-9]{12,}/.exec(fold ? v.toUpperCase() : v)?.[0];
      if (id !== undefined) m.uniqueIds.add(id);
    }
    if (c.keyLower === "aws:sourcearn" || c.keyLower.startsWith("kms:encryptioncontext:aws:")) {
      addSourcePrefix(v, m.sourcePrefixes);
    }
    if (c.keyLower === "aws:principalarn") {
      const e = principalEntry(v);
      if (e !== undefined) m.principals.push(e);
    }
    if (c.keyLower === "aws:principalservicename" || c.keyLower === "aws:principalservicenameslist") {
      // What is compared with the name of a service is taken for one; all that AWS documents are in lower case.
      const name = fold ? v.toLowerCase() : v;
      if (SERVICE_FORM.test(name)) m.services.add(name);
      else if (/[*?]/.test(v) && c.operator.endsWith("Like")) m.servicePatterns.add(v);
    }
    if ((linked || (PART_OF_ID.test(v) && filledByService(c.keyLower))) && selectsIds(c, v))
      m.patterns.push(v);
  }
  if (ACCOUNT_KEYS.has(c.keyLower) || filledByService(c.keyLower)) {
    const named = namedIds(c);
    for (const id of named.ids) m.accounts.add(id);
    m.patterns.push(...named.patterns);
  }
}

/** Part of an account id beside a wildcard. */
const PART_OF_ID = /[0-9]{3}[*?]|[*?][0-9]{3}/;

/**
 * Whether a value tells accounts or organizations that nobody named apart. A wildcard elsewhere does not: before it, an
 * ARN has its account, an organization path its organization, and a unique id no account at all.
 */
function selectsIds(c: Condition, value: string): boolean {
  if (!/[*?]/.test(value)) return false;
  const arn = c.operator.startsWith("Arn");
  if (!arn && !c.operator.endsWith("Like")) return false;
  if (value.includes("${")) return true;
  if (ARN_KEYS.has(c.keyLower)) {
    // The parts of an ARN are compared one by one; elsewhere, only what stands before the first wildcard is fixed.
    // An account part of * takes every id: ids have no colon, so what follows is looked for behind the account.
    const fixed = arn
      ? /^arn:[^:]*:[^:]*:[^:]*:([0-9]{12}|\*)?:/
      : /^arn:[^:*?]*:[^:*?]*:[^:*?]*:([0-9]{12}|\*)?:/;
    return !fixed.test(value);
  }
  if (ORG_KEYS.has(c.keyLower)) return !/^o-[a-z0-9]{10,32}\//.test(value);
  // A user id with an account in it begins with the account's digits.
  if (c.keyLower === "aws:userid") return /^[0-9*?]/.test(value);
  return true;
}

const IAM_ARN = /^arn:([a-z-]+):iam::([0-9]{12}):(root|user\/(.+)|role\/(.+))$/;
const STS_ARN = /^arn:([a-z-]+):sts::([0-9]{12}):(assumed-role\/([^/]+)\/(.+)|federated-user\/(.+))$/;

/** What a principal ARN names, or undefined for a pattern or anything else. */
export function principalEntry(text: string): PrincipalEntry | undefined {
  if (/[*?$]/.test(text)) return undefined;
  const iam = IAM_ARN.exec(text);
  if (iam !== null) {
    const [, partition = "", account = "", what = "", user, role] = iam;
    const base = { text, partition, account: account as AccountId };
    if (what === "root") return { kind: "account", ...base };
    return user !== undefined
      ? { kind: "user", ...base, name: user }
      : { kind: "role", ...base, name: role ?? "" };
  }
  const sts = STS_ARN.exec(text);
  if (sts === null) return undefined;
  const [, partition = "", account = "", , role, session, federated] = sts;
  const base = { text, partition, account: account as AccountId };
  return federated !== undefined
    ? { kind: "federated-user", ...base, name: federated }
    : { kind: "session", ...base, role: role ?? "", session: session ?? "" };
}

/** Whom a grant names, in either of the shapes that ListGrants returns. */
export function granteeEntry(g: Grant): PrincipalEntry | undefined {
  if (g.GranteeServicePrincipal !== undefined) {
    return { kind: "service", text: g.GranteeServicePrincipal, name: g.GranteeServicePrincipal };
  }
  const text = g.GranteePrincipal;
  if (text === undefined) return undefined;
  if (SERVICE_NAME.test(text)) return { kind: "service", text, name: text };
  if (/^[0-9]{12}$/.test(text)) {
    return { kind: "account", text, account: text as AccountId, partition: undefined };
  }
  if (/^A[A-Z]{3}[A-Z0-9]{12,}$/.test(text)) return { kind: "unique-id", text, id: text };
  return principalEntry(text);
}

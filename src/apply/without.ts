import { type JSONPath, parseTree, findNodeAtLocation } from "jsonc-parser";
import { parsePolicy } from "../policy/parse.js";

/** A policy without some principals. */
export interface Without {
  /** The text, formatted as the old one. The same text where nothing was left out. */
  readonly text: string;
  /** What was left out, as it stood. */
  readonly left: readonly string[];
  /** Statements that named nobody else and were left out whole; positions in the old policy, from 0. */
  readonly statements: readonly number[];
}

/** What is left of a deleted user, role, … in a policy. Source: IAM User Guide, "IAM identifiers", unique ids. */
const UNIQUE_ID = /^(AROA|AIDA|AGPA|ANPA|AIPA|ASCA|APKA)[A-Z0-9]{8,}$/;

/** Whether a principal is the unique id of one that is gone. */
export function isUniqueId(text: string): boolean {
  return UNIQUE_ID.test(text);
}

/**
 * The policy without the principals that KMS would refuse. It allows nothing more: an Allow loses principals, and a Deny
 * only such as do not exist. A sentence where that cannot be said (NotPrincipal), or where nothing would remain.
 *
 * @param gone whether a principal, as it stands in the text, is to be left out
 */
export function withoutPrincipals(text: string, gone: (principal: string) => boolean): Without | string {
  const parsed = parsePolicy(text, { kind: "key" });
  const tree = parseTree(text);
  if (parsed.policy === undefined || tree === undefined) return "The old policy cannot be understood.";
  const root = findNodeAtLocation(tree, ["Statement"]);
  if (root === undefined) return { text, left: [], statements: [] };
  const list = root.type === "array";
  const count = list ? (root.children?.length ?? 0) : 1;
  let result = text;
  const left: string[] = [];
  const statements: number[] = [];
  // From the end: what was edited does not move what comes before it.
  for (let index = count - 1; index >= 0; index--) {
    const at: JSONPath = list ? ["Statement", index] : ["Statement"];
    const not = principalsAt(text, [...at, "NotPrincipal", "AWS"]);
    if (not.some((p) => gone(p.text))) {
      return `Statement ${index} names a deleted principal under NotPrincipal: leaving it out could allow more.`;
    }
    const there = principalsAt(text, [...at, "Principal", "AWS"]);
    const leaving = there.filter((p) => gone(p.text));
    if (leaving.length === 0) continue;
    left.unshift(...leaving.map((p) => p.text));
    const principal = findNodeAtLocation(tree, [...at, "Principal"]);
    const kinds = principal?.type === "object" ? (principal.children?.length ?? 0) : 0;
    const emptied = leaving.length === there.length;
    if (emptied && kinds <= 1) {
      if (!list || count - statements.length === 1)
        return "Nothing but deleted principals is in the old policy.";
      result = remove(result, at);
      statements.unshift(index);
    } else if (emptied) result = remove(result, [...at, "Principal", "AWS"]);
    else for (const p of leaving.reverse()) result = remove(result, p.path);
  }
  return { text: result, left, statements };
}

function principalsAt(
  text: string,
  path: JSONPath,
): readonly { readonly text: string; readonly path: JSONPath }[] {
  const tree = parseTree(text);
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, path);
  if (node === undefined) return [];
  if (node.type === "string") return [{ text: String(node.value), path }];
  return (node.children ?? []).flatMap((child, i) =>
    child.type === "string" ? [{ text: String(child.value), path: [...path, i] }] : [],
  );
}

/** Takes a list item or a member out, with the comma that belongs to it and the white space between. */
function remove(text: string, path: JSONPath): string {
  const tree = parseTree(text);
  const value = tree === undefined ? undefined : findNodeAtLocation(tree, path);
  const node = value?.parent?.type === "property" ? value.parent : value;
  const siblings = node?.parent?.children;
  if (node === undefined || siblings === undefined) return text;
  const at = siblings.indexOf(node);
  const [before, after] = [siblings[at - 1], siblings[at + 1]];
  const end = node.offset + node.length;
  if (before !== undefined) return text.slice(0, before.offset + before.length) + text.slice(end);
  return text.slice(0, node.offset) + text.slice(after?.offset ?? end);
}

import { parseTree, printParseErrorCode } from "jsonc-parser";
import type { Node, ParseError } from "jsonc-parser";
import type { JsonPath } from "./ast.js";
import { scanText } from "./scan.js";

/**
 * jsonc-parser recurses once a level. A text that JSON.parse accepted was measured for depth before; a broken text
 * cannot be, so the number of its opening brackets bounds it.
 */
const MAX_OPEN_IN_BROKEN_TEXT = 1500;

/** Levels that jsonc-parser is sure to have stack for. */
const MAX_DEPTH_OF_TREE = 1500;

const STRICT = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };

/** Where and why a text is not JSON. */
export interface SyntaxProblem {
  /** In words, without the text itself. */
  readonly reason: string;
  /** Character offset, where it is known. */
  readonly offset: number | undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  InvalidSymbol: "a word that JSON does not have",
  InvalidNumberFormat: "a badly written number",
  PropertyNameExpected: "a member name in quotation marks was expected",
  ValueExpected: "a value was expected",
  ColonExpected: "a colon was expected",
  CommaExpected: "a comma was expected",
  CloseBraceExpected: "a closing } was expected",
  CloseBracketExpected: "a closing ] was expected",
  EndOfFileExpected: "the text goes on after its end",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfComment: "JSON has no comments",
  UnexpectedEndOfString: "a string does not end",
  UnexpectedEndOfNumber: "a number does not end",
  InvalidUnicode: "a \\u escape needs four hexadecimal digits",
  InvalidEscapeCharacter: "a backslash before a character that needs none",
  InvalidCharacter: "a control character inside a string; write it as an escape",
};

/** Finds what JSON.parse stumbled over. `failure` is the message of its error, which often has the position. */
export function syntaxProblem(text: string, failure: string): SyntaxProblem {
  const errors: ParseError[] = [];
  if (opens(text) <= MAX_OPEN_IN_BROKEN_TEXT) parseTree(text, errors, STRICT);
  const [first] = errors;
  if (first !== undefined) {
    const reason = REASONS[printParseErrorCode(first.error)] ?? "not the syntax of JSON";
    return { reason, offset: Math.min(first.offset, text.length) };
  }
  const position = /position (\d+)/.exec(failure)?.[1];
  const offset = position === undefined ? undefined : Math.min(Number(position), text.length);
  return { reason: "not the syntax of JSON", offset };
}

function opens(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 91 || c === 123) count++;
  }
  return count;
}

/**
 * The syntax tree of a text that is JSON; for a broken text what could be read of it. Undefined for a text that is
 * too deep to be read by recursion.
 */
export function treeOf(text: string): Node | undefined {
  if (opens(text) > MAX_OPEN_IN_BROKEN_TEXT && (!isJson(text) || scanText(text).depth > MAX_DEPTH_OF_TREE)) {
    return undefined;
  }
  return parseTree(text, [], STRICT);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The numbers of a text as written, by {@link pathKey}. Of doubled members the last counts, as for JSON.parse. */
export function numberSources(text: string, tree: Node | undefined): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const walk = (node: Node, path: JsonPath): void => {
    if (node.type === "number") {
      sources.set(pathKey(path), text.slice(node.offset, node.offset + node.length));
      return;
    }
    (node.children ?? []).forEach((child, index) => {
      if (node.type === "array") {
        walk(child, [...path, index]);
        return;
      }
      const [nameNode, valueNode] = child.children ?? [];
      if (nameNode !== undefined && valueNode !== undefined)
        walk(valueNode, [...path, String(nameNode.value)]);
    });
  };
  if (tree !== undefined) walk(tree, []);
  return sources;
}

/** A path as the key of a map. */
export function pathKey(path: JsonPath): string {
  return JSON.stringify(path);
}

/** Paths of members whose name came before in the same object. */
export function duplicateMembers(
  tree: Node,
): readonly { readonly path: JsonPath; readonly offset: number }[] {
  const found: { path: JsonPath; offset: number }[] = [];
  const walk = (node: Node, path: JsonPath): void => {
    const seen = new Set<string>();
    (node.children ?? []).forEach((child, index) => {
      if (node.type === "array") {
        walk(child, [...path, index]);
        return;
      }
      const [nameNode, valueNode] = child.children ?? [];
      if (nameNode === undefined) return;
      const name = String(nameNode.value);
      const memberPath = [...path, name];
      if (seen.has(name)) found.push({ path: memberPath, offset: nameNode.offset });
      seen.add(name);
      if (valueNode !== undefined) walk(valueNode, memberPath);
    });
  };
  walk(tree, []);
  return found;
}

import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";
import type { JsonPath } from "../policy/ast.js";
import { escaped } from "./characters.js";

/** One edit of a JSON value: `undefined` takes the member or item out. The path starts at that value. */
export interface Edit {
  readonly path: JsonPath;
  readonly value: unknown;
}

/** What becomes of one statement: nothing of it is left, or it is edited and copies of it stand behind it. */
export interface StatementEdits {
  readonly index: number;
  /** Empty: the statement goes. The first is made in place; each further one is made to a copy. */
  readonly parts: readonly (readonly Edit[])[];
}

/**
 * Edits the text of a policy and leaves every other byte of it as it was: formatting, order and spelling are the
 * author's. What is new is written as its surroundings are: on lines of its own, or on one line.
 */
export function editPolicy(text: string, statements: readonly StatementEdits[]): string {
  if (statements.length === 0) return text;
  const root = JSON.parse(text) as unknown;
  const whole: unknown = isRecord(root) ? root["Statement"] : undefined;
  const list = Array.isArray(whole);
  let out = text;
  // From the last to the first: the places of those before do not move.
  for (const { index, parts } of [...statements].sort((a, b) => b.index - a.index)) {
    const at: JsonPath = list ? ["Statement", index] : ["Statement"];
    const original: unknown = list ? whole[index] : whole;
    const [inPlace, ...copies] = parts;
    if (inPlace === undefined) {
      out = change(out, list ? at : ["Statement"], list ? undefined : []);
      continue;
    }
    const values = copies.map((edits) => editValue(original, edits));
    if (!list && values.length > 0) {
      out = change(out, ["Statement"], [editValue(original, inPlace), ...values]);
      continue;
    }
    for (const value of [...values].reverse()) out = insertItem(out, ["Statement"], index + 1, value);
    for (const edit of inPlace) out = change(out, [...at, ...edit.path], edit.value);
  }
  return out;
}

/** Puts a statement behind all others. */
export function appendStatement(text: string, statement: unknown): string {
  const root = JSON.parse(text) as unknown;
  const whole: unknown = isRecord(root) ? root["Statement"] : undefined;
  if (!Array.isArray(whole)) return change(text, ["Statement"], [whole, statement]);
  return insertItem(text, ["Statement"], whole.length, statement);
}

/** The edits made to a value. */
export function editValue(value: unknown, edits: readonly Edit[]): unknown {
  let text = JSON.stringify(value);
  for (const edit of edits) text = change(text, edit.path, edit.value);
  return JSON.parse(text) as unknown;
}

/** An object of a JSON text. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sets or takes out one value. jsonc-parser's own formatting would touch the rest of the line, so it is not used. */
function change(text: string, path: JsonPath, value: unknown): string {
  const root = treeOf(text);
  if (value === undefined) return takeOut(text, findNodeAtLocation(root, [...path]));
  const there = findNodeAtLocation(root, [...path]);
  if (there !== undefined) {
    // A member is written as its object is; the member itself starts where its name does.
    const member = there.parent?.type === "property" ? there.parent : there;
    return splice(text, there.offset, there.length, written(text, value, layoutAt(text, member)));
  }
  const parentPath = path.slice(0, -1);
  const name = path.at(-1);
  const parent = parentPath.length === 0 ? root : findNodeAtLocation(root, [...parentPath]);
  if (typeof name !== "string") throw new Error(`no item ${String(name)} to set`);
  if (parent === undefined) return change(text, parentPath, { [name]: value });
  return insertBehind(text, parent, parent.children?.length ?? 0, (layout) => {
    return `${escaped(JSON.stringify(name))}${layout.colon}${written(text, value, layout)}`;
  });
}

/** Takes a member or an item out, with one comma; the white space before a closing bracket stays. */
function takeOut(text: string, there: Node | undefined): string {
  if (there === undefined) return text;
  const node = there.parent?.type === "property" ? there.parent : there;
  const siblings = node.parent?.children ?? [];
  const i = siblings.indexOf(node);
  const before = siblings[i - 1];
  const behind = siblings[i + 1];
  const end = node.offset + node.length;
  if (behind !== undefined) return splice(text, node.offset, behind.offset - node.offset, "");
  if (before !== undefined) {
    const from = before.offset + before.length;
    return splice(text, from, end - from, "");
  }
  const parent = node.parent;
  if (parent === undefined) throw new Error("the whole text cannot be taken out");
  return splice(text, parent.offset + 1, parent.length - 2, "");
}

function insertItem(text: string, path: JsonPath, index: number, value: unknown): string {
  const parent = findNodeAtLocation(treeOf(text), [...path]);
  if (parent === undefined) throw new Error("no list to insert into");
  return insertBehind(text, parent, index, (layout) => written(text, value, layout));
}

function treeOf(text: string): Node {
  const root = parseTree(text);
  if (root === undefined) throw new Error("a text that was parsed before is no JSON");
  return root;
}

/** Puts something behind the first `index` children of an object or list. */
function insertBehind(text: string, parent: Node, index: number, content: (l: Layout) => string): string {
  const children = parent.children ?? [];
  const before = children[index - 1];
  const [first] = children;
  if (before === undefined || first === undefined) {
    const layout = { ...layoutAt(text, parent), start: "" };
    const behind = index === 0 && first !== undefined ? "," : "";
    return splice(text, parent.offset + 1, 0, content(layout) + behind);
  }
  const layout = layoutAt(text, first);
  return splice(text, before.offset + before.length, 0, `,${layout.start}${content(layout)}`);
}

function splice(text: string, offset: number, length: number, content: string): string {
  return text.slice(0, offset) + content + text.slice(offset + length);
}

/** How things beside a node are written. */
interface Layout {
  /** What stands before a member or item, after the comma. */
  readonly start: string;
  readonly colon: string;
  /** The white space at the start of the node's line; undefined: it has no line of its own. */
  readonly indent: string | undefined;
}

function layoutAt(text: string, node: Node): Layout {
  const colon = /"\s*:\s+\S/.test(text) || !text.includes('":') ? ": " : ":";
  const line = /(\r?\n)([ \t]*)$/.exec(text.slice(0, node.offset));
  if (line !== null) return { start: `${line[1] ?? ""}${line[2] ?? ""}`, colon, indent: line[2] ?? "" };
  return { start: colon === ":" ? "" : " ", colon, indent: undefined };
}

/** A value as it is written at a place: over several lines where its surroundings are. */
function written(text: string, value: unknown, layout: Layout): string {
  if (layout.indent === undefined)
    return escaped(layout.colon === ":" ? JSON.stringify(value) : spaced(value));
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return escaped(JSON.stringify(value, null, unit))
    .split("\n")
    .join(`${eol}${layout.indent}`);
}

/** JSON on one line with a space behind commas and colons. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${spaced(v)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

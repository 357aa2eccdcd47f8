import { findNodeAtLocation } from "jsonc-parser";
import type { Node } from "jsonc-parser";
import type { JsonPath } from "./ast.js";
import { treeOf } from "./json.js";

/** A place in a text. Columns count UTF-16 code units, as editors do. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** From 0, in UTF-16 code units. */
  readonly offset: number;
}

/** Line and column of an offset. Lines end with LF, CR LF or CR. An offset outside the text means its nearest end. */
export function positionAt(text: string, offset: number): Position {
  const end = Math.max(0, Math.min(Math.trunc(offset) || 0, text.length));
  let line = 1;
  let start = 0;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 || (c === 13 && text.charCodeAt(i + 1) !== 10)) {
      line++;
      start = i + 1;
    }
  }
  return { line, column: end - start + 1, offset: end };
}

/** Where the value at a JSON path stands in a text; undefined if there is none, or the text cannot be read so far. */
export function locate(text: string, path: JsonPath): Position | undefined {
  return locator(text)(path);
}

/** Like {@link locate} for many paths of one text, which is read once. */
export function locator(text: string): (path: JsonPath) => Position | undefined {
  const shift = text.startsWith("\ufeff") ? 1 : 0;
  let tree: Node | undefined;
  let isRead = false;
  return (path) => {
    if (!isRead) {
      tree = treeOf(text.slice(shift));
      isRead = true;
    }
    const node = tree === undefined ? undefined : findNodeAtLocation(tree, [...path]);
    return node === undefined ? undefined : positionAt(text, node.offset + shift);
  };
}

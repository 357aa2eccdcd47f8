/**
 * Makes text that an attacker may have written (Sids, aliases, descriptions, principals) safe to print on a terminal
 * and unambiguous to a reader.
 *
 * Escaped: controls (C0, C1, ESC, DEL), line and paragraph separators, everything that takes no space or turns the
 * direction of writing (format characters, bidi controls, variation selectors, tag characters and the rest of Unicode's
 * Default_Ignorable_Code_Point), spaces other than U+0020, lone surrogates, private-use and unassigned code points, and
 * the backslash, so that an escape can never be faked. Letters, digits and punctuation of any script stay.
 */
const UNSAFE = /[\\\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

/** Combining marks that follow each other without end would be drawn over the lines above and below. */
const MAX_MARKS = 3;
const MARK = /\p{M}/u;

/** What nearly all text is made of: nothing to escape. */
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;

const ELLIPSIS = "…";

/** Options of {@link inert}. */
export interface InertOptions {
  /** The longest result, in code points, ellipsis included. At least 1. An escape is never cut in two. */
  readonly max?: number;
}

/**
 * The text with everything that is unsafe or invisible written as `\n`, `\r`, `\t`, `\\` or `\u{HEX}`.
 * A second use escapes the backslashes of the first: apply it once, where text is printed.
 */
export function inert(text: string, options: InertOptions = {}): string {
  const max = options.max;
  if (PLAIN.test(text)) {
    return max === undefined || text.length <= max ? text : text.slice(0, Math.max(0, max - 1)) + ELLIPSIS;
  }
  const pieces: string[] = [];
  let marks = MAX_MARKS; // a mark at the start would join what is printed before the text
  let room = max ?? Number.POSITIVE_INFINITY;
  for (const character of text) {
    let piece = character;
    if (UNSAFE.test(character)) {
      piece = escapeCharacter(character);
      marks = MAX_MARKS;
    } else if (MARK.test(character)) {
      if (marks >= MAX_MARKS) piece = escapeCharacter(character);
      else marks++;
    } else {
      marks = 0;
    }
    pieces.push(piece);
    room -= width(piece);
    if (room < 0) return shorten(pieces, max ?? 0);
  }
  return pieces.join("");
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

/**
 * A last guard for text of our own that may hold what others wrote: the same escapes as {@link inert}, but line feeds
 * stay, and backslashes, because parts of the text may have been escaped already. It does not replace {@link inert}
 * where the foreign text is put in: a line feed there can still fake a line.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => (c === "\n" ? c : escapeCharacter(c)));
}

/** Code points of a piece: an escape is ASCII, anything else is one character. */
function width(piece: string): number {
  return piece.startsWith("\\") ? piece.length : 1;
}

function shorten(pieces: string[], max: number): string {
  let used = pieces.reduce((sum, piece) => sum + width(piece), 0);
  while (used > max - 1) {
    const last = pieces.pop();
    if (last === undefined) break;
    used -= width(last);
  }
  return pieces.join("") + ELLIPSIS;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    case "\\":
      return "\\\\";
    default:
      return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  }
}

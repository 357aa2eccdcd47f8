/** What one pass over a JSON text tells without parsing it. Right only if the text is valid JSON. */
export interface TextFacts {
  /** Members of all objects: colons outside strings. */
  readonly members: number;
  /** Deepest nesting of objects and lists. */
  readonly depth: number;
  /** Whether every number is written as digits alone, so that its value has only one spelling. */
  readonly plainNumbers: boolean;
}

const QUOTE = 34;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const COLON = 58;
const UPPER_E = 69;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Reads the text once, character by character. Never throws, whatever the text. */
export function scanText(text: string): TextFacts {
  let members = 0;
  let level = 0;
  let depth = 0;
  let plainNumbers = true;
  const end = text.length;
  for (let i = 0; i < end; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE:
        for (i++; i < end; i++) {
          const c = text.charCodeAt(i);
          if (c === QUOTE) break;
          if (c === BACKSLASH) i++;
        }
        break;
      case COLON:
        members++;
        break;
      case OPEN_OBJECT:
      case OPEN_LIST:
        if (++level > depth) depth = level;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        level--;
        break;
      // `e` alone also stands in true and false; an exponent without sign or fraction has a digit before it.
      case DOT:
      case MINUS:
      case PLUS:
      case UPPER_E:
        plainNumbers = false;
        break;
      case 101: {
        const before = text.charCodeAt(i - 1);
        if (before >= 48 && before <= 57) plainNumbers = false;
        break;
      }
    }
  }
  return { members, depth, plainNumbers };
}

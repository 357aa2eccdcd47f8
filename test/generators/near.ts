import type { Random } from "./random.js";

/** A text that is nearly the given one: another case, a character more or less, another digit. */
export function nearMiss(r: Random, text: string): string {
  if (text === "") return "x";
  const at = r.int(text.length);
  switch (r.int(6)) {
    case 0:
      return text.toUpperCase() === text ? text.toLowerCase() : text.toUpperCase();
    case 1:
      return `${text}x`;
    case 2:
      return `x${text}`;
    case 3:
      return text.slice(0, -1);
    case 4: {
      const c = text[at] ?? "";
      const other = /[0-9]/.test(c) ? String((Number(c) + 1) % 10) : c === "x" ? "y" : "x";
      return text.slice(0, at) + other + text.slice(at + 1);
    }
    default:
      return text.slice(0, at) + text.slice(at + 1);
  }
}

/** A pattern that the text fits, with one or two wildcards put into it. */
export function patternise(r: Random, text: string): string {
  const at = r.int(text.length + 1);
  const to = at + r.int(text.length - at + 1);
  switch (r.int(7)) {
    case 0:
      return "*";
    case 1:
      return `${text.slice(0, at)}*`;
    case 2:
      return `*${text.slice(at)}`;
    case 3:
      return `${text.slice(0, at)}*${text.slice(to)}`;
    case 4:
      return at < text.length ? `${text.slice(0, at)}?${text.slice(at + 1)}` : `${text}?`;
    case 5:
      return `*${text.slice(at, to)}*`;
    default: {
      // A part between separators: how people write patterns of ARNs and paths.
      const parts = text.split(/([:/])/);
      const i = 2 * r.int(Math.ceil(parts.length / 2));
      return parts.map((p, n) => (n === i ? "*" : p)).join("");
    }
  }
}

/** A text that fits a pattern, or nearly does. */
export function instantiate(r: Random, pattern: string): string {
  const fills = ["", "x", "a", "9", "app", "x:y", "/"];
  const single = ["x", "a", "7", ":"];
  let out = "";
  for (const c of pattern) out += c === "*" ? r.pick(fills) : c === "?" ? r.pick(single) : c;
  return out;
}

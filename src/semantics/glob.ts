/**
 * Patterns of the policy language: `*` is any number of any characters (also `/` and `:`), `?` exactly one.
 * Source: IAM User Guide, "String condition operators" and "Using wildcards in resource ARNs" (texts of 2026 and 2023).
 */
export type GlobToken =
  | { readonly kind: "any" }
  | { readonly kind: "one" }
  | { readonly kind: "char"; readonly char: string };
export type Glob = readonly GlobToken[];

const ANY: GlobToken = { kind: "any" };
const ONE: GlobToken = { kind: "one" };

/** Every character stands for itself. */
export function literalGlob(text: string): Glob {
  return Array.from(text, (char) => ({ kind: "char", char }) as const);
}

/** `*` and `?` are wildcards. */
export function parseGlob(text: string): Glob {
  return Array.from(text, (char): GlobToken => {
    if (char === "*") return ANY;
    return char === "?" ? ONE : { kind: "char", char };
  });
}

/** The text that a pattern without wildcards stands for (a wildcard stands for its own sign). */
export function globText(glob: Glob): string {
  return glob.map((t) => (t.kind === "char" ? t.char : t.kind === "any" ? "*" : "?")).join("");
}

/** Whether the whole text fits the pattern; case counts. */
export function globMatches(glob: Glob, text: string): boolean {
  const chars = ASTRAL.test(text) ? Array.from(text) : text;
  let at = 0;
  let char = 0;
  // Where the last star stands, and from where on it has not taken anything yet: going back further gains nothing.
  let star = -1;
  let untaken = 0;
  while (char < chars.length) {
    const token = glob[at];
    if (token?.kind === "any") {
      star = at;
      untaken = char;
      at += 1;
    } else if (token !== undefined && (token.kind === "one" || token.char === chars[char])) {
      at += 1;
      char += 1;
    } else {
      if (star < 0) return false;
      untaken += 1;
      char = untaken;
      at = star + 1;
    }
  }
  while (glob[at]?.kind === "any") at += 1;
  return at === glob.length;
}

/** Characters that take two places in a string. */
const ASTRAL = /[\ud800-\udfff]/;

/** Whether some text fits both patterns. */
export function globsIntersect(left: Glob, right: Glob): boolean {
  // fits[j]: some text fits both left[i..] and right[j..]; one row for each i, from the end.
  let below = new Uint8Array(right.length + 2);
  let row = new Uint8Array(right.length + 2);
  for (let i = left.length; i >= 0; i--) {
    const a = left[i];
    let some = 0;
    row[right.length + 1] = 0;
    for (let j = right.length; j >= 0; j--) {
      const b = right[j];
      let fits = 0;
      if (a === undefined && b === undefined) fits = 1;
      // A `*` stands for nothing, or takes whatever the other side has next.
      else if (a?.kind === "any" || b?.kind === "any") fits = (below[j] ?? 0) | (row[j + 1] ?? 0);
      else if (a !== undefined && b !== undefined && sameCharacter(a, b)) fits = below[j + 1] ?? 0;
      row[j] = fits;
      some |= fits;
    }
    // Nothing fits from here on, so nothing will: a hostile pattern must not cost its length times the text's.
    if (some === 0) return false;
    [below, row] = [row, below];
  }
  return below[0] === 1;
}

function sameCharacter(a: GlobToken, b: GlobToken): boolean {
  return (
    a.kind === "one" || b.kind === "one" || (a.kind === "char" && b.kind === "char" && a.char === b.char)
  );
}

/**
 * The six parts of an ARN pattern: split at the first five colons, so a further colon belongs to the sixth part.
 * Undefined where there are fewer than six.
 */
export function arnParts(glob: Glob): readonly Glob[] | undefined {
  const parts: GlobToken[][] = [[]];
  for (const token of glob) {
    if (token.kind === "char" && token.char === ":" && parts.length < 6) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.length === 6 ? parts : undefined;
}

/** The six parts of an ARN without wildcards: see {@link arnParts}. */
export function textParts(
  text: string,
): readonly [string, string, string, string, string, string] | undefined {
  const [a, b, c, d, e, ...rest] = text.split(":");
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    return undefined;
  return rest.length === 0 ? undefined : [a, b, c, d, e, rest.join(":")];
}

import { type Glob, GlobBuilder } from "../../src/access/glob.js";
import type { Condition, Operator } from "../../src/policy/ast.js";
import type { Random } from "../generators/random.js";

/** Every text over an alphabet from `min` to `max` letters, short ones first. */
export function texts(alphabet: string, min: number, max: number): string[] {
  let layer = [""];
  const out: string[] = [];
  for (let length = 0; length <= max; length += 1) {
    if (length >= min) out.push(...layer);
    layer = layer.flatMap((t) => Array.from(alphabet, (c) => t + c));
  }
  return out;
}

/** A pattern as a regular expression: another reading of it than the automaton's. `arn`: wildcards stay in their part. */
export function patternRegExp(pattern: string, arn = false): RegExp {
  let colons = 0;
  let source = "";
  for (const c of pattern) {
    const any = arn && colons < 5 ? "[^:]" : "[^]";
    if (c === ":") colons += 1;
    source += c === "*" ? `${any}*` : c === "?" ? any : c.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  }
  return new RegExp(`^${source}$`, "u");
}

/** The engine's form of a pattern of an ARN operator. */
export function arnGlob(pattern: string): Glob {
  const b = new GlobBuilder(false);
  let colons = 0;
  for (const c of pattern) {
    const inPart = colons < 5;
    if (c === ":") colons += 1;
    if (c === "*") b.wildcard(inPart ? "star-in-part" : "star");
    else if (c === "?") b.wildcard(inPart ? "one-in-part" : "one");
    else b.literal(c);
  }
  return b.build(pattern);
}

/** A condition on a key, as the parser would make it. */
export function asCondition(
  operator: Operator,
  key: string,
  values: readonly string[],
  more: { readonly qualifier?: Condition["qualifier"]; readonly ifExists?: boolean } = {},
): Condition {
  const { qualifier, ifExists = false } = more;
  return { operator, qualifier, ifExists, key, keyLower: key.toLowerCase(), values, path: [] };
}

/** Up to `n` letters and wildcards. */
export function somePattern(r: Random, letters: string, n: number): string {
  return r.text(`${letters}*?`, r.int(n + 1));
}

import type { Policy } from "../policy/ast.js";
import { conditionKeyFacts } from "./condition-keys.js";
import { contextEntry, type ContextEntry, type RequestContext } from "./derive-context.js";
import type { DoubtId } from "./doubts.js";
import { globText, literalGlob, parseGlob, type Glob, type GlobToken } from "./glob.js";
import type { Operand } from "./operators/rule.js";
import { any, doubtful, NO, type Tri } from "./tri.js";

/** A value of a policy after its variables were filled in. */
export type Expansion =
  /** Several readings where AWS does not say which: a `*` that came out of a variable, as a sign and as a wildcard. */
  | { readonly kind: "operands"; readonly readings: readonly Operand[] }
  /** A variable has no value in this request. */
  | { readonly kind: "missing"; readonly variable: string }
  | { readonly kind: "doubtful"; readonly doubt: DoubtId };

interface Mode {
  readonly version: Policy["version"];
  readonly wildcards: boolean;
  readonly variables: boolean;
}

/**
 * Fills in `${key}`, `${key, 'default'}` and the escapes `${*}`, `${?}`, `${$}`. Under another Version than 2012-10-17
 * (and without one) they are plain text.
 * Source: IAM User Guide, "IAM policy elements: Variables and tags" (text of 2023).
 */
export function expand(text: string, mode: Mode, context: RequestContext): Expansion {
  if (!mode.variables || mode.version !== "2012-10-17" || !text.includes("${"))
    return { kind: "operands", readings: [new PlainOperand(text, mode.wildcards)] };
  const read = (part: string): Glob => (mode.wildcards ? parseGlob(part) : literalGlob(part));
  const asSigns: GlobToken[] = [];
  const asWildcards: GlobToken[] = [];
  for (const part of text.split(/(\$\{[^}]*\})/)) {
    if (!/^\$\{[^}]*\}$/.test(part)) {
      asSigns.push(...read(part));
      asWildcards.push(...read(part));
      continue;
    }
    const value = variableValue(part.slice(2, -1), context);
    if (value.kind !== "value") return value;
    asSigns.push(...literalGlob(value.text));
    asWildcards.push(...(value.escape ? literalGlob(value.text) : read(value.text)));
  }
  const readings = [operand(asSigns), operand(asWildcards)];
  const same = asSigns.every((token, i) => token.kind === asWildcards[i]?.kind);
  return { kind: "operands", readings: same ? readings.slice(0, 1) : readings };
}

/** A text without variables; its pattern is only made where an operator asks for it. */
class PlainOperand implements Operand {
  #glob: Glob | undefined;

  constructor(
    readonly text: string,
    readonly wildcards: boolean,
  ) {}

  get glob(): Glob {
    return (this.#glob ??= this.wildcards ? parseGlob(this.text) : literalGlob(this.text));
  }
}

function operand(glob: Glob): Operand {
  return { text: globText(glob), glob };
}

type VariableValue =
  | { readonly kind: "value"; readonly text: string; readonly escape: boolean }
  | Exclude<Expansion, { readonly kind: "operands" }>;

/** The value of what stands between the braces. */
function variableValue(inside: string, context: RequestContext): VariableValue {
  if (inside === "*" || inside === "?" || inside === "$")
    return { kind: "value", text: inside, escape: true };
  const m = /^\s*([^\s,']+)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inside);
  const [, name, fallback] = m ?? [];
  if (name === undefined) return { kind: "doubtful", doubt: "not-understood" };
  const entry = contextEntry(context, name);
  if (entry.kind === "unknown") return { kind: "doubtful", doubt: entry.doubt };
  if (entry.kind === "values" && entry.orLike !== undefined)
    return { kind: "doubtful", doubt: entry.orLike.doubt };
  const value = singleValue(name, entry) ?? fallback;
  return value === undefined
    ? { kind: "missing", variable: name }
    : { kind: "value", text: value, escape: false };
}

/** Only single-valued keys can be variables. */
function singleValue(name: string, entry: ContextEntry): string | undefined {
  if (entry.kind !== "values" || entry.values.length !== 1) return undefined;
  return conditionKeyFacts(name)?.multivalued === true ? undefined : entry.values[0];
}

/**
 * Compares with every reading of an expansion. A missing variable matches nothing (so a negated operator holds);
 * readings that disagree leave a doubt.
 */
export function compareExpansion<T>(expansion: Expansion, compare: (operand: Operand) => Tri | T): Tri | T {
  if (expansion.kind === "missing") return NO;
  if (expansion.kind === "doubtful") return doubtful(expansion.doubt);
  const [first, second] = expansion.readings.map(compare);
  if (first === undefined) throw new Error("an expansion without a reading");
  if (second === undefined || !isTri(first) || !isTri(second)) return first;
  if (first.value === second.value) return any([first, second]);
  return doubtful("variable-wildcard");
}

function isTri<T>(value: Tri | T): value is Tri {
  return typeof value === "object" && value !== null && "value" in value;
}

import type { Condition, Policy } from "../policy/ast.js";
import { conditionKeyFacts } from "./condition-keys.js";
import { contextEntry, type ContextEntry, type RequestContext } from "./derive-context.js";
import { parseBool } from "./operators/bool.js";
import type { Comparison, Operand, OperatorRule } from "./operators/rule.js";
import { operatorRule } from "./operators/table.js";
import { globsIntersect, parseGlob } from "./glob.js";
import { all, any, atMostDoubtful, doubtful, doubtsOf, NO, not, tri, YES, type Tri } from "./tri.js";
import { compareExpansion, expand } from "./variables.js";

/**
 * Whether one condition of a statement holds in a request.
 * Source: IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context
 * keys", "IAM JSON policy elements: Condition" (texts of 2026).
 */
export function conditionHolds(
  condition: Condition,
  version: Policy["version"],
  context: RequestContext,
): Tri {
  const entry = contextEntry(context, condition.key);
  if (entry.kind !== "values" || entry.orAbsent === undefined)
    return entryHolds(condition, version, context, entry);
  const { orAbsent, ...there } = entry;
  const present = entryHolds(condition, version, context, there);
  const absent = entryHolds(condition, version, context, { kind: "absent" });
  if (present.value !== "doubtful" && present.value === absent.value) return present;
  return doubtful(...doubtsOf([present, absent]), orAbsent);
}

/** The same for what the request holds under the key. */
function entryHolds(
  condition: Condition,
  version: Policy["version"],
  context: RequestContext,
  entry: ContextEntry,
): Tri {
  if (condition.operator === "Null") return nullHolds(condition, entry);
  const rule = operatorRule(condition.operator);
  const surelyPresent = entry.kind === "values" || (entry.kind === "unknown" && entry.present);
  if (condition.values.length === 0) return emptyListHolds(condition, surelyPresent, entry);
  if (entry.kind === "unknown") return doubtful(entry.doubt);
  if (entry.kind === "absent") return absentKeyHolds(condition, rule);
  const holds = (value: string): Tri => valueHolds(value, condition, rule, version, context, entry);
  switch (condition.qualifier) {
    case "ForAnyValue":
      return any(entry.values.map(holds));
    case "ForAllValues":
      return forAllValues(entry.values, holds);
    case undefined:
      return withoutQualifier(condition.key, entry.values, holds);
  }
}

/**
 * `Null: true` holds iff the key is absent. With a qualifier it tests nothing: ForAllValues:Null always holds,
 * ForAnyValue:Null never does (Access Analyzer policy check reference). NullIfExists does not exist.
 */
function nullHolds(condition: Condition, entry: ContextEntry): Tri {
  if (condition.ifExists) return doubtful("not-understood");
  if (condition.qualifier !== undefined) return tri(condition.qualifier === "ForAllValues");
  if (condition.values.length === 0) return doubtful("empty-value-list");
  return any(condition.values.map((value) => nullValueHolds(parseBool(value), entry)));
}

function nullValueHolds(wanted: boolean | undefined, entry: ContextEntry): Tri {
  if (wanted === undefined) return doubtful("wrong-type-value");
  if (entry.kind === "unknown" && !entry.present) return doubtful(entry.doubt);
  return tri(wanted === (entry.kind === "absent"));
}

/** Positive operators need the key, negated ones and `IfExists` do not, ForAllValues holds and ForAnyValue does not. */
function absentKeyHolds(condition: Condition, rule: OperatorRule): Tri {
  switch (condition.qualifier) {
    case "ForAllValues":
      return YES;
    case "ForAnyValue":
      return condition.ifExists ? doubtful("for-any-value-if-exists") : NO;
    case undefined:
      return tri(condition.ifExists || rule.negated);
  }
}

/**
 * An empty list of policy values: ForAllValues and `IfExists` hold only for an absent key, ForAnyValue never; the plain
 * form is documented in two ways (Access Analyzer policy check reference, "Empty array condition").
 */
function emptyListHolds(condition: Condition, surelyPresent: boolean, entry: ContextEntry): Tri {
  if (condition.qualifier === "ForAnyValue") return NO;
  if (condition.qualifier === undefined && !condition.ifExists) return doubtful("empty-value-list");
  if (surelyPresent) return NO;
  return entry.kind === "unknown" ? doubtful(entry.doubt) : YES;
}

/** Every value must do; values that are an empty string may count as no values at all. */
function forAllValues(values: readonly string[], holds: (value: string) => Tri): Tri {
  const result = all(values.map(holds));
  const nothing = values.every((value) => value === "");
  return nothing && result.value !== "yes" ? doubtful("null-set-data") : result;
}

/**
 * One value is simply compared. What AWS does with a multivalued key and no qualifier is not documented: it holds at
 * most doubtfully.
 */
function withoutQualifier(key: string, values: readonly string[], holds: (value: string) => Tri): Tri {
  const [first] = values;
  const multivalued = values.length > 1 || conditionKeyFacts(key)?.multivalued === true;
  if (!multivalued && first !== undefined) return holds(first);
  return atMostDoubtful(any(values.map(holds)), "set-operator-missing");
}

/**
 * One request value against all policy values: one of them must match, or (negated operators) none may. A value of the
 * wrong type matches nothing; what a negated operator makes of it is not documented.
 */
function valueHolds(
  value: string,
  condition: Condition,
  rule: OperatorRule,
  version: Policy["version"],
  context: RequestContext,
  entry: ContextEntry,
): Tri {
  const comparisons = condition.values.map((text): Comparison => {
    const expansion = expand(
      text,
      { version, wildcards: rule.wildcards, variables: rule.variables },
      context,
    );
    return compareExpansion<"wrong-type">(expansion, (operand) => {
      return orOtherValue(rule.compare(value, operand), rule, operand, entry);
    });
  });
  const positive = any(comparisons.map((c) => (c === "wrong-type" ? NO : c)));
  if (!rule.negated) return positive;
  const wrongType = comparisons.includes("wrong-type");
  return wrongType ? atMostDoubtful(not(positive), "wrong-type-value") : not(positive);
}

/**
 * Where the value is only the likeliest of a pattern, another one may match although this one does not; and where the
 * caller chooses, another one may not match although this one does.
 */
function orOtherValue(
  result: Comparison,
  rule: OperatorRule,
  wanted: Operand,
  entry: ContextEntry,
): Comparison {
  if (entry.kind !== "values" || entry.orLike === undefined || result === "wrong-type") return result;
  const { pattern, doubt } = entry.orLike;
  if (result.value === "yes") {
    return doubt !== "request-open" || matchesAll(pattern, rule, wanted) ? result : doubtful(doubt);
  }
  const other = globsIntersect(wanted.glob, parseGlob(pattern));
  return other ? any([result, doubtful(doubt)]) : result;
}

/** Whether every value of a pattern matches: only an asterisk fits both nothing and characters that no policy holds. */
function matchesAll(pattern: string, rule: OperatorRule, wanted: Operand): boolean {
  return ["", "\u{F0000}\u{F0001}\u{F0002}"].every((part) => {
    const compared = rule.compare(pattern.replaceAll("*", part), wanted);
    return compared !== "wrong-type" && compared.value === "yes";
  });
}

/** What the condition wants and what the request has, in one line of plain text. */
export function describeCondition(condition: Condition, context: RequestContext): string {
  const prefix = condition.qualifier === undefined ? "" : `${condition.qualifier}:`;
  const operator = `${prefix}${condition.operator}${condition.ifExists ? "IfExists" : ""}`;
  const wanted = condition.values.map((v) => JSON.stringify(v)).join(" or ");
  return `${operator} ${condition.key} ${wanted === "" ? "(no values)" : wanted}; ${describeEntry(contextEntry(context, condition.key))}`;
}

function describeEntry(entry: ContextEntry): string {
  switch (entry.kind) {
    case "absent":
      return "the request does not have this key";
    case "unknown":
      return "the request's value is not known";
    case "values":
      return `the request has ${entry.values.map((v) => JSON.stringify(v)).join(", ")}`;
  }
}

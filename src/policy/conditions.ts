import type { Condition, JsonPath } from "./ast.js";
import { asciiLower } from "./case.js";
import { isList, isObject, maySuggest, quote, report, typeName } from "./context.js";
import type { ParseContext } from "./context.js";
import { nearestOperator, operatorForm } from "./operators.js";
import type { OperatorForm } from "./operators.js";

const NONE: readonly Condition[] = [];

/**
 * Reads a `Condition` block. What it cannot read is left out and has a diagnostic that names the statement.
 * Source: IAM User Guide, "IAM JSON policy elements: Condition".
 */
export function parseConditions(
  context: ParseContext,
  value: unknown,
  path: JsonPath,
  statement: number,
): readonly Condition[] {
  if (!isObject(value)) {
    const message = `Condition is ${typeName(value)}; expected an object such as {"StringEquals": {"aws:PrincipalOrgID": "o-..."}}.`;
    report(context, "wrong-type", message, path, statement);
    return NONE;
  }
  const operators = Object.keys(value);
  context.members += operators.length;
  if (operators.length === 0) return NONE;
  const conditions: Condition[] = [];
  let canDouble = false;
  for (const written of operators) {
    const block = value[written];
    const form = operatorForm(written);
    const operatorPath = [...path, written];
    if (form === undefined) {
      unknownOperator(context, written, operatorPath, statement);
      continue;
    }
    if (form.operator === "Null" && form.ifExists) {
      const message = `There is no operator ${quote(written)}: Null itself tests whether a key exists. Write "Null".`;
      report(context, "null-if-exists", message, operatorPath, statement);
      continue;
    }
    if (form.spelling !== written) {
      const message = `The operator ${quote(written)} is documented as "${form.spelling}"; whether AWS accepts another letter case is not. Write it as documented.`;
      report(context, "operator-case", message, operatorPath, statement);
      canDouble = true;
    }
    const keys = parseBlock(context, form, written, block, operatorPath, statement, conditions);
    if (keys > 1) canDouble = true;
  }
  if (canDouble) reportDoubledKeys(context, conditions, statement);
  return conditions;
}

function unknownOperator(context: ParseContext, written: string, path: JsonPath, statement: number): void {
  const near = maySuggest(context) ? nearestOperator(written) : undefined;
  const next = near === undefined ? "" : ` Did you mean "${near}"?`;
  const message = `There is no condition operator ${quote(written)}, so what the statement does is not known.${next}`;
  report(context, "unknown-operator", message, path, statement);
}

/** Adds the conditions of one operator; returns how many keys it has. */
function parseBlock(
  context: ParseContext,
  form: OperatorForm,
  written: string,
  block: unknown,
  path: JsonPath,
  statement: number,
  conditions: Condition[],
): number {
  if (!isObject(block)) {
    const message = `The operator ${quote(written)} holds ${typeName(block)}; expected an object of condition keys.`;
    report(context, "wrong-type", message, path, statement);
    return 0;
  }
  const keys = Object.keys(block);
  context.members += keys.length;
  for (const key of keys) {
    const keyPath = [...path, key];
    const values = parseValues(context, block[key], keyPath, statement);
    if (values === undefined) continue;
    conditions.push({
      operator: form.operator,
      qualifier: form.qualifier,
      ifExists: form.ifExists,
      key,
      keyLower: asciiLower(key),
      values,
      path: keyPath,
    });
  }
  return keys.length;
}

/** The values of one key; undefined if they are of a type that no condition has. */
function parseValues(
  context: ParseContext,
  value: unknown,
  path: JsonPath,
  statement: number,
): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  if (!isList(value)) {
    const text = scalarText(context, value, path);
    if (text !== undefined) return [text];
    report(context, "wrong-type", wrongValue(value), path, statement);
    return undefined;
  }
  const values: string[] = [];
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    const text = typeof item === "string" ? item : scalarText(context, item, [...path, i]);
    if (text === undefined) report(context, "wrong-type", wrongValue(item), [...path, i], statement);
    else values.push(text);
  }
  // A list of which nothing is left must not read as an empty list.
  return values.length === 0 && value.length > 0 ? undefined : values;
}

function wrongValue(value: unknown): string {
  return `A condition value is ${typeName(value)}; expected a string, a number, true or false, or a list of these.`;
}

/** Numbers and booleans in their JSON spelling; undefined for anything else. */
function scalarText(context: ParseContext, value: unknown, path: JsonPath): string | undefined {
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number") return context.numberText(value, path);
  return undefined;
}

/** Source: Access Analyzer policy check reference, "Duplicate keys with different case". */
function reportDoubledKeys(context: ParseContext, conditions: readonly Condition[], statement: number): void {
  const seen = new Map<string, string>();
  for (const { operator, qualifier, ifExists, key, keyLower, path } of conditions) {
    const test = `${qualifier ?? ""} ${operator} ${ifExists} ${keyLower}`;
    const earlier = seen.get(test);
    if (earlier === undefined) {
      seen.set(test, key);
      continue;
    }
    const message = `The keys ${quote(earlier)} and ${quote(key)} are the same to AWS, which ignores letter case, and stand under one operator. Join their values under one of them.`;
    report(context, "duplicate-condition-key", message, path, statement);
  }
}

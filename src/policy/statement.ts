import type { Condition, JsonPath, PatternElement, PrincipalElement, Statement } from "./ast.js";
import { parseConditions } from "./conditions.js";
import { isList, isObject, maySuggest, quote, report, typeName } from "./context.js";
import type { ParseContext } from "./context.js";
import { nearest } from "./operators.js";
import { parsePrincipal } from "./principal.js";

/** The elements of a statement. Names are case-sensitive. Source: IAM User Guide, "Grammar of the IAM JSON policy language". */
export const STATEMENT_ELEMENTS = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
] as const;

const NO_CONDITIONS: readonly Condition[] = [];
const MISSING = { kind: "missing" } as const;

/**
 * Reads one statement. Undefined if none can be built (no Effect, not an object); a diagnostic with its index says so.
 * An element that is wrong is left out of a statement that can be built, again with such a diagnostic.
 */
export function parseStatement(
  context: ParseContext,
  value: unknown,
  index: number,
  path: JsonPath,
): Statement | undefined {
  if (!isObject(value)) {
    report(context, "wrong-type", `A statement is ${typeName(value)}; expected an object.`, path, index);
    return undefined;
  }
  const names = Object.keys(value);
  context.members += names.length;
  let sid: string | undefined;
  let effect: unknown;
  let principal: PrincipalElement | undefined;
  let notPrincipal: PrincipalElement | undefined;
  let action: PatternElement | undefined;
  let notAction: PatternElement | undefined;
  let resource: PatternElement | undefined;
  let notResource: PatternElement | undefined;
  let conditions = NO_CONDITIONS;
  let hasEffect = false;
  for (const name of names) {
    const member = value[name];
    switch (name) {
      case "Sid":
        if (typeof member === "string") sid = member;
        else
          report(
            context,
            "wrong-type",
            `Sid is ${typeName(member)}; expected a string.`,
            [...path, name],
            index,
          );
        break;
      case "Effect":
        effect = member;
        hasEffect = true;
        break;
      case "Principal":
        principal = parsePrincipal(context, name, member, path, index);
        break;
      case "NotPrincipal":
        notPrincipal = parsePrincipal(context, name, member, path, index);
        break;
      case "Action":
        action = parsePatterns(context, name, "listed", member, path, index);
        break;
      case "NotAction":
        notAction = parsePatterns(context, name, "not-listed", member, path, index);
        break;
      case "Resource":
        resource = parsePatterns(context, name, "listed", member, path, index);
        break;
      case "NotResource":
        notResource = parsePatterns(context, name, "not-listed", member, path, index);
        break;
      case "Condition":
        conditions = parseConditions(context, member, [...path, name], index);
        break;
      default:
        reportUnknownElement(context, name, STATEMENT_ELEMENTS, path, index);
    }
  }
  if (principal !== undefined && notPrincipal !== undefined) exclusive(context, "Principal", path, index);
  if (action !== undefined && notAction !== undefined) exclusive(context, "Action", path, index);
  if (resource !== undefined && notResource !== undefined) exclusive(context, "Resource", path, index);
  if (effect !== "Allow" && effect !== "Deny") {
    reportEffect(context, effect, hasEffect, path, index);
    return undefined;
  }
  return {
    index,
    sid,
    effect,
    principal: principal ?? notPrincipal ?? MISSING,
    action: action ?? notAction ?? MISSING,
    resource: resource ?? notResource ?? MISSING,
    conditions,
    path,
  };
}

function parsePatterns(
  context: ParseContext,
  element: "Action" | "NotAction" | "Resource" | "NotResource",
  kind: "listed" | "not-listed",
  value: unknown,
  path: JsonPath,
  index: number,
): PatternElement {
  if (typeof value === "string") return { kind, patterns: [value] };
  if (!isList(value)) {
    const message = `${element} is ${typeName(value)}; expected a string or a list of strings.`;
    report(context, "wrong-type", message, [...path, element], index);
    return { kind, patterns: [] };
  }
  const patterns: string[] = [];
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    if (typeof item === "string") {
      patterns.push(item);
    } else {
      const message = `${element} lists ${typeName(item)}; expected a string.`;
      report(context, "wrong-type", message, [...path, element, i], index);
    }
  }
  return { kind, patterns };
}

/** Reports a member that the language does not have, and what may have been meant. */
export function reportUnknownElement(
  context: ParseContext,
  name: string,
  known: readonly string[],
  path: JsonPath,
  index?: number,
): void {
  const near = maySuggest(context) ? nearest(name, known) : undefined;
  const next =
    near === undefined
      ? `Expected one of ${known.join(", ")}.`
      : `Did you mean "${near}"? Names of elements are case-sensitive.`;
  report(context, "unknown-element", `There is no element ${quote(name)}. ${next}`, [...path, name], index);
}

function exclusive(context: ParseContext, element: string, path: JsonPath, index: number): void {
  const message = `A statement has both ${element} and Not${element}; expected one of them.`;
  report(context, "exclusive-elements", message, [...path, `Not${element}`], index);
}

function reportEffect(
  context: ParseContext,
  effect: unknown,
  present: boolean,
  path: JsonPath,
  index: number,
): void {
  if (!present) {
    report(context, "no-effect", `A statement has no Effect; expected "Allow" or "Deny".`, path, index);
    return;
  }
  const got = typeof effect === "string" ? quote(effect) : typeName(effect);
  const message = `Effect is ${got}; expected "Allow" or "Deny" in exactly this letter case.`;
  report(context, "unknown-effect", message, [...path, "Effect"], index);
}

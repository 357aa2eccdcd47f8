import type { Condition, Policy, Statement } from "../policy/ast.js";
import { actionCovered } from "./action-match.js";
import { conditionHolds, describeCondition } from "./condition-match.js";
import type { RequestContext } from "./derive-context.js";
import { resourceCovered, type ResourceHome } from "./resource-match.js";
import { all, NO, type Tri } from "./tri.js";

/** Whether a statement fits a request in all but its principal, and the first thing in it that does not fit. */
export interface StatementFit {
  readonly fits: Tri;
  /** Plain words. */
  readonly why: string;
}

/** What a statement is held against. */
export interface StatementTarget {
  readonly action: string;
  /** Of them a statement asks only what the resource is called. */
  readonly facts: { readonly arn: string };
  readonly context: RequestContext;
}

/**
 * Action, Resource and every condition must fit.
 * Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition" (text of 2026).
 */
export function statementFits(
  statement: Statement,
  version: Policy["version"],
  target: StatementTarget,
  home: ResourceHome,
): StatementFit {
  const { action, facts, context } = target;
  const actionFit = actionCovered(statement.action, action);
  if (actionFit.value === "no") return { fits: NO, why: missingOr(statement.action.kind, "Action", action) };
  const resourceFit = resourceCovered(statement.resource, facts, version, context, home);
  if (resourceFit.value === "no")
    return { fits: NO, why: missingOr(statement.resource.kind, "Resource", facts.arn) };
  const parts: Tri[] = [actionFit, resourceFit];
  let first: { readonly condition: Condition; readonly holds: Tri } | undefined;
  for (const condition of statement.conditions) {
    const holds = conditionHolds(condition, version, context);
    parts.push(holds);
    if (holds.value === "yes" || first?.holds.value === "no") continue;
    if (first === undefined || holds.value === "no") first = { condition, holds };
  }
  const fits = all(parts);
  if (first !== undefined) return { fits, why: conditionText(first.condition, first.holds, context) };
  const what = actionFit.value === "doubtful" ? "its Action" : "its Resource";
  return {
    fits,
    why: fits.value === "yes" ? "everything in it fits" : `whether ${what} covers the request is not certain`,
  };
}

function missingOr(kind: Statement["action"]["kind"], element: string, wanted: string): string {
  return kind === "missing"
    ? `it has no ${element}, so it has no effect`
    : `its ${element} does not cover ${wanted}`;
}

function conditionText(condition: Condition, holds: Tri, context: RequestContext): string {
  const verdict = holds.value === "no" ? "a condition does not hold" : "a condition may or may not hold";
  return `${verdict}: ${describeCondition(condition, context)}`;
}

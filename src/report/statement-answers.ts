import type { Statement } from "../policy/ast.js";
import { conditionHolds, describeCondition } from "../semantics/condition-match.js";
import { deriveContext, onKeySide, type RequestContext } from "../semantics/derive-context.js";
import { waysNamed } from "../semantics/principal-match.js";
import type { AccessRequest, KeyDocument } from "../semantics/request.js";
import { statementFits } from "../semantics/statement-match.js";

/** Whether one statement fits, part by part. */
export interface StatementAnswer {
  readonly index: number;
  readonly sid: string | null;
  readonly effect: "Allow" | "Deny";
  readonly namesCaller: "yes" | "no" | "doubtful";
  readonly fits: "yes" | "no" | "doubtful";
  readonly conditions: readonly { readonly holds: "yes" | "no" | "doubtful"; readonly text: string }[];
}

/** Each statement of the key policy against a request. */
export function statementAnswers(request: AccessRequest, key: KeyDocument): StatementAnswer[] {
  const context = onKeySide(deriveContext(request, key), key.facts);
  return key.policy.statements.map((s) => {
    const ways = waysNamed(s.principal, s.effect, request);
    const names = ways.some((w) => w.matches.value === "yes") ? "yes" : ways.length > 0 ? "doubtful" : "no";
    const target = { action: request.action, facts: key.facts, context };
    return {
      index: s.index,
      sid: s.sid ?? null,
      effect: s.effect,
      namesCaller: names,
      fits: statementFits(s, key.policy.version, target, "key-policy").fits.value,
      conditions: conditionsOf(s, key, context),
    };
  });
}

function conditionsOf(
  s: Statement,
  key: KeyDocument,
  context: RequestContext,
): StatementAnswer["conditions"] {
  return s.conditions.map((c) => ({
    holds: conditionHolds(c, key.policy.version, context).value,
    text: describeCondition(c, context),
  }));
}

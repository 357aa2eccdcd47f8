import { inconsistencies } from "../semantics/consistency.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Decision, KeyDocument } from "../semantics/request.js";
import type { ActionGroup } from "./entrances.js";

export type Replay =
  | { readonly kind: "confirmed"; readonly decision: Decision }
  | { readonly kind: "disagreement"; readonly text: string };

/**
 * Asks the reference about a witness before anybody sees it. That an operation does not work across accounts or in
 * the key's state is not what the witness claims (the reach of the access says so), so those two rules are set aside.
 */
export function replay(request: AccessRequest, document: KeyDocument, group: ActionGroup): Replay {
  const odd = inconsistencies(request, document);
  if (odd.length > 0) return { kind: "disagreement", text: `no such request can be made: ${odd.join("; ")}` };
  const decision = evaluate(request, document, {
    ignoreCrossAccount: !group.crossAccount,
    ignoreKeyState: !group.usable,
  });
  if (decision.outcome === "deny") {
    return { kind: "disagreement", text: `the reference denies the witness (${decision.reason})` };
  }
  return { kind: "confirmed", decision };
}

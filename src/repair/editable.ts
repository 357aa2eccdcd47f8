import { parsePolicy } from "../policy/parse.js";

/** What makes two readers of a text see different values at one place. */
const AMBIGUOUS: ReadonlySet<string> = new Set(["byte-order-mark", "duplicate-member"]);

/**
 * Why a policy's text cannot be edited: it is no JSON, or has a member twice, so that which of them counts is not
 * defined and a change of the one could leave the other in force. Undefined: it can.
 */
export function uneditable(text: string, partition: string): string | undefined {
  const { policy, diagnostics } = parsePolicy(text, { kind: "key", partition });
  const problem = diagnostics.find((d) => d.level === "malformed" || AMBIGUOUS.has(d.code));
  return problem?.message ?? (policy === undefined ? "The policy is not understood." : undefined);
}

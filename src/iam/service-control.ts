import type { ServiceControl } from "../domain/iam.js";
import { actionCovered } from "../semantics/action-match.js";
import type { Documents, KmsDocument } from "./documents.js";

/**
 * Whether service control policies surely keep every principal of an account from an action on any key, whatever the
 * request holds: one of them denies it without a condition, or at some level none allows it. Service-linked roles are
 * not bound. Source: AWS Organizations User Guide, "SCP evaluation" and "Tasks and entities not restricted by SCPs".
 */
export function surelyDenied(control: ServiceControl, action: string, documents: Documents): boolean {
  if (control.kind === "none") return false;
  return (control.levels ?? []).some((texts) => {
    const read = texts.map((text) => documents.read(text, "scp"));
    return read.some((d) => denies(d, action)) || !read.some((d) => mayAllow(d, action));
  });
}

function denies({ policy }: KmsDocument, action: string): boolean {
  return policy.statements.some(
    (s) =>
      s.effect === "Deny" &&
      s.conditions.length === 0 &&
      s.resource.kind === "listed" &&
      s.resource.patterns.includes("*") &&
      actionCovered(s.action, action).value === "yes",
  );
}

function mayAllow({ policy, unclear }: KmsDocument, action: string): boolean {
  return (
    unclear ||
    policy.statements.some((s) => s.effect === "Allow" && actionCovered(s.action, action).value !== "no")
  );
}

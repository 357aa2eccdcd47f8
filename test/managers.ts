import type { ActionName } from "../src/domain/ids.js";
import { parsePolicy } from "../src/policy/parse.js";
import { parseCaller } from "../src/semantics/arn.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { KeyDocument } from "../src/semantics/request.js";
import { Estate, keyRecord } from "../src/snapshot/key-record.js";
import { policyOf } from "./apply-estate.js";
import { type Caller, type ExposedCase, exposedEstate, OWNER } from "./exposed.js";

/** Somebody of the owner who may put the policy, as the reference says it: an administrator, the root, somebody named. */
export function managerOfCase(c: ExposedCase, administrator: Caller, time: number): Caller | undefined {
  const estate = new Estate();
  for (const line of exposedEstate([c])) {
    if (line.type === "organization" || line.type === "resource-control-policy") estate.add(line);
  }
  const { facts } = keyRecord(c.key, estate);
  const text = policyOf(c.key);
  const { policy } = parsePolicy(text, { kind: "key", partition: "aws" });
  if (policy === undefined) throw new Error(`${c.id} is no policy`);
  const document: KeyDocument = {
    facts,
    policy,
    grants: [],
    resourceControlPolicies: c.rcp.flatMap((t) => parsePolicy(t, { kind: "rcp" }).policy ?? []),
  };
  const named = [...text.matchAll(/arn:aws:iam::(\d{12}):(?:user|role)\/[\w+=,.@/-]+/g)]
    .filter(([, account]) => account === OWNER)
    .map(([arn]) => ({ who: arn, context: {} }));
  const root = { who: `arn:aws:iam::${OWNER}:root`, context: {} };
  return [administrator, root, ...named].find(({ who, context }) => {
    const caller = parseCaller(who);
    if (!caller.ok) return false;
    const { outcome } = evaluate(
      {
        caller: caller.value,
        action: "kms:PutKeyPolicy" as ActionName,
        context,
        time,
        identity: { kind: "allow" },
        boundary: { kind: "absent" },
        sessionPolicy: { kind: "absent" },
        serviceControlPolicies: [],
      },
      document,
    );
    return outcome === "allow";
  });
}

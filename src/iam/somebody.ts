import type { IamPrincipal } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";

const ALLOW_ALL = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** A role that an account may have, with a policy that allows everything: what it cannot do, others decide. */
export function somebodyOf(account: AccountId, partition: string): IamPrincipal {
  return {
    kind: "role",
    arn: `arn:${partition}:iam::${account}:role/somebody`,
    partition,
    account,
    name: "somebody",
    documents: [{ kind: "inline", name: "all", text: ALLOW_ALL }],
    missing: [],
    boundary: { kind: "absent" },
    trust: { kind: "absent" },
  };
}

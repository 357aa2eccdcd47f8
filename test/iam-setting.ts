import type { AccountIam, IamPrincipal, ServiceControl } from "../src/domain/iam.js";
import type { Grant } from "../src/domain/grant.js";
import { parsePolicy } from "../src/policy/parse.js";
import type { KeyDocument } from "../src/semantics/request.js";
import { OWNER, account, keyOf } from "./judging.js";

/** A role of OWNER with these identity policies (JSON texts). */
export function iamRole(
  name: string,
  texts: readonly string[],
  more: Partial<IamPrincipal> = {},
): IamPrincipal {
  return {
    kind: "role",
    arn: `arn:aws:iam::${OWNER}:role/${name}`,
    partition: "aws",
    account: account(OWNER),
    name,
    documents: texts.map((text, i) => ({ kind: "inline", name: `p${i}`, text })),
    missing: [],
    boundary: { kind: "absent" },
    trust: { kind: "unknown" },
    ...more,
  };
}

/** All of an account. */
export function iamOf(...principals: readonly IamPrincipal[]): AccountIam {
  return { state: { kind: "complete" }, principals };
}

export const NO_SCPS: ServiceControl = { kind: "none" };

/** The documents of a key of OWNER. */
export function keyDocument(
  policy: string,
  more: {
    readonly grants?: readonly Grant[];
    readonly rcps?: readonly string[];
    readonly tags?: Readonly<Record<string, string>>;
    readonly arn?: string;
  } = {},
): KeyDocument {
  const read = (text: string, kind: "key" | "rcp"): KeyDocument["policy"] => {
    const parsed = parsePolicy(text, { kind });
    if (parsed.policy === undefined) throw new Error(`no policy: ${text}`);
    return parsed.policy;
  };
  return {
    facts: keyOf("", {
      ...(more.arn === undefined ? {} : { arn: more.arn }),
      ...(more.tags === undefined ? {} : { facts: { tags: more.tags } }),
    }).facts,
    policy: read(policy, "key"),
    grants: more.grants ?? [],
    resourceControlPolicies: (more.rcps ?? []).map((t) => read(t, "rcp")),
  };
}

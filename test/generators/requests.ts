import fc from "fast-check";
import type { ActionName, AccountId } from "../../src/domain/ids.js";
import type { AccessRequest, Caller } from "../../src/semantics/request.js";
import {
  NOW,
  OWN,
  OWN_ORG,
  PARTNER,
  PARTNER_ORG,
  REQUEST_VALUES,
  STRANGER,
  STRANGER_ORG,
  TRUSTED,
} from "./world.js";

const account = (a: string): { account: AccountId; partition: string } => ({
  account: a as AccountId,
  partition: "aws",
});

/** Callers, most of them from outside the zone of trust. */
export const callerArb: fc.Arbitrary<Caller> = fc.oneof(
  {
    arbitrary: fc
      .tuple(
        fc.constantFrom(PARTNER, STRANGER, PARTNER, STRANGER, TRUSTED, OWN),
        fc.constantFrom("session", "user", "root", "fed"),
      )
      .chain(([a, kind]): fc.Arbitrary<Caller> => {
        switch (kind) {
          case "session":
            return fc
              .tuple(
                fc.constantFrom("app", "team/app", "other", `x${OWN}x`),
                fc.constantFrom("s1", "bob"),
                fc.constantFrom("AROAEXAMPLEEXAMPLE123", "AROAOTHEROTHEROTHER12"),
              )
              .map(([role, session, uniqueId]) => ({
                kind: "session",
                ...account(a),
                role,
                session,
                uniqueId,
              }));
          case "user":
            return fc
              .constantFrom("ann", "team/bob")
              .map((name) => ({ kind: "user", ...account(a), name, uniqueId: "AIDAOTHEROTHEROTHER12" }));
          case "root":
            return fc.constant({ kind: "root", ...account(a) });
          default:
            return fc.constant({ kind: "federated-user", ...account(a), name: "fed" });
        }
      }),
    weight: 5,
  },
  {
    arbitrary: fc
      .constantFrom(
        "s3.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "dynamodb.us-east-1.amazonaws.com",
        "glue.amazonaws.com",
      )
      .map((name): Caller => ({ kind: "service", name })),
    weight: 2,
  },
);

const ACTIONS = [
  "Decrypt",
  "Encrypt",
  "GenerateDataKey",
  "CreateGrant",
  "DescribeKey",
  "ReEncryptFrom",
  "RevokeGrant",
];

interface Raw {
  readonly caller: Caller;
  readonly action: string;
  readonly org: string;
  readonly source: string;
  readonly route: string;
  readonly extras: readonly (readonly [string, number])[];
  readonly context: readonly (readonly [string, string])[];
}

const rawArb: fc.Arbitrary<Raw> = fc.record({
  caller: callerArb,
  action: fc.constantFrom(...ACTIONS),
  org: fc.constantFrom("", OWN_ORG, PARTNER_ORG, STRANGER_ORG, STRANGER_ORG),
  source: fc.constantFrom("", OWN, PARTNER, STRANGER, STRANGER),
  route: fc.constantFrom("internet", "internet", "vpce", "via"),
  extras: fc.array(fc.tuple(fc.constantFrom(...Object.keys(REQUEST_VALUES)), fc.nat(9)), { maxLength: 4 }),
  context: fc.array(
    fc.tuple(fc.constantFrom("tenant", "Stage", "x"), fc.constantFrom("a", "b", "aa", STRANGER)),
    { maxLength: 2 },
  ),
});

const VPC = ["aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp", "aws:VpceAccount"];

/** A request that AWS could produce (the test leaves out what the reference calls inconsistent). */
export const requestArb: fc.Arbitrary<AccessRequest> = rawArb.map((r) => {
  const context: Record<string, string | string[]> = {};
  const symmetric = ["Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant"].includes(
    r.action,
  );
  for (const [key, n] of r.extras) {
    const pool = REQUEST_VALUES[key] ?? [];
    const value = pool[n % pool.length] ?? "a";
    if (key === "aws:SourceIp" && r.route !== "internet") continue;
    if (VPC.includes(key) && r.route !== "vpce") continue;
    if ((key === "kms:ViaService" || key === "aws:CalledVia") && r.route !== "via") continue;
    if (
      r.caller.kind === "service" &&
      /^aws:(Principal|MultiFactor|Token|SourceI|CalledVia|SourceV|Vp)|ViaService/.test(key)
    ) {
      continue;
    }
    context[key] = key === "kms:GrantOperations" || key === "aws:CalledVia" ? [value] : value;
  }
  if (r.caller.kind === "service") {
    if (r.source !== "") {
      context["aws:SourceAccount"] = r.source;
      context["aws:SourceArn"] = `arn:aws:s3:us-east-1:${r.source}:bucket`;
      const org = r.source === OWN ? OWN_ORG : r.org === OWN_ORG ? "" : r.org;
      if (org !== "") context["aws:SourceOrgID"] = org;
      if (org !== "") context["aws:SourceOrgPaths"] = [`${org}/r-zz99/`];
    }
  } else {
    const org = r.caller.account === OWN ? OWN_ORG : r.org;
    if (org !== "") {
      context["aws:PrincipalOrgID"] = org;
      context["aws:PrincipalOrgPaths"] = [`${org}/r-zz99/`];
    }
    if (r.route === "internet" && context["aws:SourceIp"] === undefined)
      context["aws:SourceIp"] = "198.51.100.9";
    if (r.route === "vpce") {
      for (const k of VPC) context[k] ??= REQUEST_VALUES[k]?.[1] ?? "a";
    }
    if (r.route === "via") {
      context["aws:ViaAWSService"] = "true";
      context["kms:ViaService"] ??= "ec2.us-east-1.amazonaws.com";
    }
  }
  if (r.action === "CreateGrant") context["kms:GrantOperations"] ??= ["Decrypt"];
  if (r.action === "CreateGrant" || r.action === "RevokeGrant") {
    context["kms:GrantIsForAWSResource"] = String(r.caller.kind === "service" || r.route === "via");
  }
  return {
    caller: r.caller,
    action: `kms:${r.action}` as ActionName,
    context,
    ...(symmetric && r.context.length > 0 ? { encryptionContext: Object.fromEntries(r.context) } : {}),
    time: NOW,
    identity: { kind: "allow" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
});

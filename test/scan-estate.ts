import type { Grant } from "../src/domain/grant.js";
import type { Exposure } from "../src/domain/verdict.js";

/** An outsider whom no configuration names, and an account that {@link CONFIG} trusts. */
export const STRANGER = "999988887777";
export const TRUSTED = "222233334444";
const OWN_ORGANIZATION = "o-own1234567";

/** keyward.yaml for the estate. */
export const CONFIG = `trust:
  organizations: [${OWN_ORGANIZATION}]
  accounts:
    - { id: "${TRUSTED}", name: logs }
`;

export const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2"] as const;

type Statement = Readonly<Record<string, unknown>>;

/** What a kind of key is made of, and what it was made to be. */
export interface Kind {
  /** Beside the statement that gives the own account all rights. */
  readonly statements?: (account: string, region: string) => readonly Statement[];
  readonly grants?: (account: string) => readonly Omit<Grant, "GrantId">[];
  readonly state?: "Disabled" | "PendingDeletion";
  readonly intent: Exposure;
}

const allow = (principal: unknown, action: unknown, condition?: unknown): Statement => ({
  Effect: "Allow",
  Principal: principal,
  Action: action,
  Resource: "*",
  ...(condition === undefined ? {} : { Condition: condition }),
});
const root = (account: string): unknown => ({ AWS: `arn:aws:iam::${account}:root` });
const role = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;
const EVERYBODY = { AWS: "*" };

/** Each with the exposure that AWS's rules give it (design of keyward, section 3). */
export const KINDS = {
  default: { intent: "none" },
  public: { statements: () => [allow(EVERYBODY, "kms:Decrypt")], intent: "public" },
  "public-in-text": { statements: () => [allow("*", ["kms:*"])], intent: "public" },
  "public-by-way-of-s3": {
    statements: (_, region) => [
      allow(EVERYBODY, "kms:Decrypt", {
        StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` },
      }),
    ],
    intent: "public",
  },
  "everybody-of-the-account": {
    statements: (account) => [
      allow(EVERYBODY, "kms:Decrypt", { StringEquals: { "kms:CallerAccount": account } }),
    ],
    intent: "none",
  },
  "everybody-of-the-organization": {
    statements: () => [
      allow(EVERYBODY, "kms:Decrypt", { StringEquals: { "aws:PrincipalOrgID": OWN_ORGANIZATION } }),
    ],
    intent: "none",
  },
  "everybody-of-another-organization": {
    statements: () => [
      allow(EVERYBODY, "kms:Decrypt", { StringEquals: { "aws:PrincipalOrgID": "o-foreign123" } }),
    ],
    intent: "external",
  },
  "account-of-a-stranger": {
    statements: () => [allow(root(STRANGER), ["kms:Decrypt", "kms:Encrypt"])],
    intent: "external",
  },
  "role-of-a-stranger": {
    statements: () => [allow({ AWS: role(STRANGER, "Reader") }, "kms:Decrypt")],
    intent: "external",
  },
  "role-of-a-friend": {
    statements: () => [allow({ AWS: role(TRUSTED, "Reader") }, "kms:Decrypt")],
    intent: "none",
  },
  "denied-again": {
    statements: () => [
      allow(root(STRANGER), "kms:Decrypt"),
      { Effect: "Deny", Principal: root(STRANGER), Action: "kms:*", Resource: "*" },
    ],
    intent: "none",
  },
  "service-for-anyone": {
    statements: (_, region) => [allow({ Service: `logs.${region}.amazonaws.com` }, "kms:Decrypt")],
    intent: "service",
  },
  "service-for-us": {
    statements: (account, region) => [
      allow({ Service: `logs.${region}.amazonaws.com` }, "kms:Decrypt", {
        StringEquals: { "aws:SourceAccount": account },
      }),
    ],
    intent: "none",
  },
  "fixed-network": {
    statements: () => [allow(EVERYBODY, "kms:Decrypt", { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } })],
    intent: "network",
  },
  "nothing-across-accounts": {
    statements: () => [allow(root(STRANGER), "kms:PutKeyPolicy")],
    intent: "latent",
  },
  "disabled-with-a-stranger": {
    statements: () => [allow(root(STRANGER), "kms:Decrypt")],
    state: "Disabled",
    intent: "latent",
  },
  disabled: { state: "Disabled", intent: "none" },
  dying: { state: "PendingDeletion", intent: "none" },
  "grant-to-a-stranger": {
    grants: () => [{ GranteePrincipal: role(STRANGER, "Reader"), Operations: ["Decrypt"] }],
    intent: "external",
  },
  "grant-to-ourselves": {
    grants: (account) => [{ GranteePrincipal: role(account, "App"), Operations: ["Decrypt", "Encrypt"] }],
    intent: "none",
  },
  "stranger-among-many-grants": {
    grants: (account) =>
      Array.from({ length: 130 }, (_, i) => ({
        GranteePrincipal: i === 117 ? role(STRANGER, "Reader") : role(account, `App${i}`),
        Operations: ["Decrypt"],
      })),
    intent: "external",
  },
} as const satisfies Readonly<Record<string, Kind>>;
export type KindName = keyof typeof KINDS;

/** One key of the estate before it exists anywhere. */
export interface PlannedKey {
  readonly kind: KindName;
  readonly region: string;
  readonly policy: string;
  readonly grants: readonly Omit<Grant, "GrantId">[];
  readonly state: Kind["state"];
  readonly intent: Exposure;
}

/** So many keys, over all Regions and kinds. */
export function plannedKeys(account: string, count: number): PlannedKey[] {
  const names = Object.keys(KINDS) as KindName[];
  return Array.from({ length: count }, (_, i) => {
    const name = names[i % names.length] ?? "default";
    const kind: Kind = KINDS[name];
    const region = REGIONS[Math.floor((i * REGIONS.length) / count)] ?? REGIONS[0];
    const statements = [allow(root(account), "kms:*"), ...(kind.statements?.(account, region) ?? [])];
    return {
      kind: name,
      region,
      policy: JSON.stringify({ Version: "2012-10-17", Id: name, Statement: statements }),
      grants: kind.grants?.(account) ?? [],
      state: kind.state,
      intent: kind.intent,
    };
  });
}

/** What a report says about a key that was made to have this exposure. */
export function verdictsFor(intent: Exposure): readonly string[] {
  switch (intent) {
    case "public":
    case "external":
      return ["exposed"];
    case "service":
    case "network":
    case "latent":
    case "invalid":
      return ["weak"];
    case "none":
      // A finding about hygiene makes it weak.
      return ["clear", "weak"];
    case "unknown":
      return ["not-assessed"];
  }
}

/** The parts of a JSON report that these tests read. */
export interface Report {
  readonly keys: readonly {
    readonly arn: string;
    readonly verdict: string;
    readonly exposure: string;
    readonly findings: readonly unknown[];
  }[];
  readonly incomplete: readonly {
    readonly where: string;
    readonly call: string;
    readonly code: string;
    readonly help: string;
  }[];
  readonly notes: readonly string[];
  readonly summary: Readonly<Record<string, number>>;
}

import { describe, expect, it } from "vitest";
import type { ServiceControl } from "../src/domain/iam.js";
import { AccountAnalysis } from "../src/iam/account.js";
import { analyze } from "../src/access/analyze.js";
import { parsePolicy } from "../src/policy/parse.js";
import { DOUBTS, type DoubtId } from "../src/semantics/doubts.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest, KeyDocument } from "../src/semantics/request.js";
import { iamOf, iamRole, keyDocument } from "./iam-setting.js";
import { policyText } from "./judging.js";
import { guarantee } from "./guarantees/guarantee.js";
import { allow, deny, keyFacts, keyWith, NOW, policy, request } from "./requests.js";

const X = "444455556666";
const ROLE = `arn:aws:sts::${X}:assumed-role/app/s`;
const HELPED = { identity: { kind: "allow" } } as const;

type Over = Parameters<typeof request>[1];
/** A case in which the doubt is all that the answer rests on. */
interface Deciding {
  readonly statements: readonly unknown[];
  readonly who?: string;
  readonly over?: Over;
  readonly key?: Parameters<typeof keyWith>[1];
  /** Condition keys of which the question leaves open what the request holds. */
  readonly open?: readonly string[];
}

const when = (Condition: unknown): unknown => allow({ Condition });
const ctx = (context: AccessRequest["context"]): Over => ({ ...HELPED, context });
const grant = (GranteePrincipal: string, Constraints?: object): Deciding["key"] => ({
  grants: [
    {
      GrantId: "g",
      GranteePrincipal,
      Operations: ["Decrypt"],
      ...(Constraints === undefined ? {} : { Constraints }),
    },
  ],
});

const DENY_KMS = { Effect: "Deny", Action: "kms:*", Resource: "*" };

/** A case for the doubts that only a question about every request can have: the symbolic engine alone has them. */
interface Searching {
  readonly statement: Record<string, unknown>;
  /** The same entrance, such that the doubt does not decide. */
  readonly settled: Record<string, unknown>;
  /** What of a resource control policy was not understood. */
  readonly rcp?: Record<string, unknown>;
  readonly settledRcp?: Record<string, unknown>;
}

const LOGS = { Principal: { Service: "logs.amazonaws.com" } };
const pcr = (register: string): Record<string, unknown> =>
  allow({
    Condition: { StringEqualsIgnoreCase: { [`kms:RecipientAttestation:${register}`]: "ab".repeat(48) } },
  });
const ENGINE = {
  // The wanted account can stand behind a colon of a log group's name, if log groups can have such names.
  "source-arn-colon": {
    statement: allow({ ...LOGS, Condition: { StringLike: { "aws:SourceArn": "*:111122223333:*" } } }),
    settled: allow({ ...LOGS, Condition: { StringLike: { "aws:SourceArn": "*:999988887777:*" } } }),
  },
  // An id that begins with this one is longer than any that AWS has made.
  "unique-id-length": {
    statement: allow({ Condition: { StringLike: { "aws:userid": "AIDAEXAMPLEEXAMPLE123?" } } }),
    settled: allow({ Condition: { StringLike: { "aws:userid": "AIDAEXAMPLEEXAMPL*" } } }),
  },
  "attested-parent-account": { statement: pcr("PCR3"), settled: pcr("PCR8") },
  "denial-not-understood": {
    statement: allow(),
    settled: allow(),
    rcp: deny(),
    settledRcp: deny({ Action: "kms:Encrypt" }),
  },
} as const satisfies Partial<Record<DoubtId, Searching>>;

/** Who gets in by a statement, how surely and on what doubts. */
function accesses(
  statements: readonly unknown[],
  rcp?: Record<string, unknown>,
): readonly (readonly unknown[])[] {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const matrix = analyze({
    facts: keyFacts(),
    policy: parsePolicy(text),
    grants: [],
    resourceControlPolicies: [],
    doubtfulDenials: rcp === undefined ? [] : [policy([rcp], "2012-10-17", "rcp")],
    zone: { organizations: [], accounts: [], principals: [], services: [] },
    organizationOf: new Map(),
    now: NOW,
    scope: "outside",
  });
  expect(matrix.disagreements).toEqual([]);
  return matrix.accesses.map((a) => [a.certainty, ...a.doubts.map((d) => d.id)]);
}

/** The doubts that only a question about users and roles can have: what service control policies say, and the answer. */
const IAM = {
  "service-control-unread": {
    open: { kind: "unknown" },
    settled: { kind: "none" },
    denied: { kind: "unknown", levels: [[JSON.stringify({ Version: "2012-10-17", Statement: [DENY_KMS] })]] },
  },
} as const satisfies Partial<
  Record<DoubtId, Readonly<Record<"open" | "settled" | "denied", ServiceControl>>>
>;

/** Worked out from the meaning of each doubt. */
const CASES: Readonly<Record<Exclude<DoubtId, keyof typeof ENGINE | keyof typeof IAM>, Deciding>> = {
  "everyone-includes-services": { statements: [allow()], who: "s3.amazonaws.com" },
  "service-name-case": {
    statements: [allow({ Principal: { Service: "S3.AmazonAWS.com" } })],
    who: "s3.amazonaws.com",
  },
  "set-operator-missing": {
    statements: [when({ StringLike: { "aws:PrincipalOrgPaths": "o-*" } })],
    over: ctx({ "aws:PrincipalOrgID": "o-partner0001", "aws:PrincipalOrgPaths": ["o-partner0001/r-zz99/"] }),
  },
  "for-any-value-if-exists": {
    statements: [when({ "ForAnyValue:StringEqualsIfExists": { "aws:CalledVia": "x" } })],
  },
  "empty-value-list": {
    statements: [when({ StringNotEquals: { "aws:UserAgent": [] } })],
    over: ctx({ "aws:UserAgent": "x" }),
  },
  "null-set-data": {
    statements: [when({ "ForAllValues:StringEquals": { "aws:UserAgent": "x" } })],
    over: ctx({ "aws:UserAgent": "" }),
  },
  "not-principal-allow": {
    statements: [allow({ NotPrincipal: { AWS: "arn:aws:iam::999988887777:role/x" } })],
  },
  "not-principal-deny-account": {
    statements: [allow(), deny({ NotPrincipal: { AWS: `arn:aws:iam::${X}:root` } })],
  },
  "arn-operator-non-arn": {
    who: `arn:aws:iam::${X}:user/ann`,
    statements: [when({ ArnLike: { "aws:PrincipalArn": "*" } })],
  },
  "wrong-type-value": {
    statements: [when({ NumericNotEquals: { "aws:PrincipalTag/level": "high" } })],
    over: ctx({ "aws:PrincipalTag/level": "5" }),
  },
  "mapped-address": {
    statements: [when({ IpAddress: { "aws:SourceIp": "::ffff:203.0.113.0/120" } })],
    over: ctx({ "aws:SourceIp": "203.0.113.7" }),
  },
  "variable-wildcard": {
    statements: [when({ StringLike: { "aws:UserAgent": "${aws:SourceIdentity}" } })],
    over: ctx({ "aws:UserAgent": "curl", "aws:SourceIdentity": "*" }),
  },
  "grant-root-grantee": {
    statements: [],
    key: grant(`arn:aws:iam::${X}:root`),
    over: { identity: { kind: "none" } },
  },
  "grant-without-identity": {
    statements: [],
    key: grant(`arn:aws:iam::${X}:role/app`),
    over: { identity: { kind: "none" } },
  },
  "grant-context-key-case": {
    statements: [],
    key: grant(`arn:aws:iam::${X}:role/app`, { EncryptionContextSubset: { Tenant: "a" } }),
    over: { ...HELPED, encryptionContext: { tenant: "a" } },
  },
  "unique-id-account": {
    statements: [allow({ Principal: "*" }), deny({ Principal: { AWS: "AROAEXAMPLEEXAMPLE123" } })],
  },
  "key-arn-resource": {
    statements: [allow({ Resource: `arn:aws:kms:us-east-1:${X}:key/00000000-0000-0000-0000-000000000000` })],
  },
  "foreign-root-user": {
    statements: [allow()],
    who: `arn:aws:iam::${X}:root`,
    over: { identity: { kind: "none" } },
  },
  "refused-principal": { statements: [allow({ Principal: { AWS: `arn:aws:iam::${X}:role/*` } })] },
  "grant-limits": {
    statements: [],
    who: "arn:aws:sts::111122223333:assumed-role/app/s",
    key: grant("arn:aws:iam::111122223333:role/app"),
    over: { boundary: { kind: "implicit-deny" } },
  },
  "caller-fact-unknown": { statements: [when({ StringLike: { "aws:userid": "AROAEXAMPLEEXAMPLE123:*" } })] },
  "refused-statement": { statements: [allow()], key: { refused: [0] } },
  "organization-unknown": {
    statements: [when({ StringEquals: { "aws:ResourceOrgID": "o-own1234567" } })],
    key: { facts: { organization: { kind: "unknown" } } },
  },
  "key-fact-unknown": {
    statements: [when({ StringEquals: { "aws:ResourceTag/team": "a" } })],
    key: { facts: { tags: undefined } },
  },
  "unknown-condition-key": { statements: [when({ StringEquals: { "aws:PrincipalOrganisation": "x" } })] },
  "not-understood": { statements: [allow()], key: { doubtful: [0] } },
  "undocumented-value": {
    statements: [when({ StringEquals: { "kms:ViaService": "FOO" } })],
    over: ctx({ "kms:ViaService": "FOO" }),
  },
  "mfa-of-session": { statements: [when({ Bool: { "aws:MultiFactorAuthPresent": "true" } })] },
  "sts-key": { statements: [when({ StringEquals: { "sts:ExternalId": "x" } })] },
  "aliases-in-key-policy": {
    statements: [when({ "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/app" } })],
    key: { facts: { aliases: ["alias/app"] } },
  },
  "request-open": {
    statements: [when({ StringEquals: { "kms:EncryptionContext:tenant": "a" } })],
    open: ["kms:encryptioncontext:tenant"],
  },
  "grants-unread": { statements: [], key: { grantsUnread: true } },
  "rcp-service-linked-role": {
    statements: [allow()],
    who: `arn:aws:sts::${X}:assumed-role/AWSServiceRoleForBackup/s`,
    key: { rcp: [deny()] },
  },
};

function answer(c: Deciding, more: readonly unknown[]): ReturnType<typeof evaluate> {
  const document: KeyDocument = keyWith([...c.statements, ...more], c.key ?? {});
  return evaluate(request(c.who ?? ROLE, { ...HELPED, ...c.over }), document, {
    ...(c.open === undefined ? {} : { openKeys: new Set(c.open) }),
  });
}

describe("doubts", () => {
  it("each has a pair of cases here: one that it decides, one that it does not", () => {
    const shown = new Set([...Object.keys(CASES), ...Object.keys(ENGINE), ...Object.keys(IAM)]);
    expect(Object.keys(DOUBTS).filter((d) => !shown.has(d))).toEqual([]);
  });

  guarantee(
    "doubts-decide",
    "each doubt, once where it decides and once under a Deny that decides anyway",
    () => {
      const said = (c: Deciding, more: readonly unknown[]): readonly unknown[] => {
        const d = answer(c, more);
        return [d.outcome, d.certainty, ...d.doubts.map((x) => x.id)];
      };
      const cases = Object.entries(CASES);
      expect(cases.map(([id, c]) => [id, said(c, [])])).toEqual(
        cases.map(([id]) => [id, ["unknown", "possible", id]]),
      );
      expect(cases.map(([id, c]) => [id, said(c, [deny()])])).toEqual(
        cases.map(([id]) => [id, ["deny", "certain"]]),
      );
    },
  );

  guarantee(
    "doubts-decide",
    "each doubt that only a search can have, once where it decides and twice where not",
    () => {
      for (const [id, c] of Object.entries<Searching>(ENGINE)) {
        const open = accesses([c.statement], c.rcp);
        expect([id, open.length > 0], id).toEqual([id, true]);
        for (const access of open) expect([id, ...access]).toEqual([id, "possible", id]);
        const settled = accesses([c.settled], c.settledRcp);
        expect([id, settled.some(([certainty]) => certainty === "certain")]).toEqual([id, true]);
        for (const access of settled.filter(([certainty]) => certainty === "certain"))
          expect(access).toEqual(["certain"]);
        expect([id, accesses([c.statement, { ...deny(), Principal: "*" }], c.rcp)]).toEqual([id, []]);
      }
    },
  );

  guarantee(
    "doubts-decide",
    "each doubt about users and roles, once where it decides and twice where not",
    () => {
      const allows = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "kms:Decrypt", Resource: "*" }],
      });
      const app = iamRole("App", [allows]);
      const key = keyDocument(policyText());
      const said = (control: ServiceControl): readonly unknown[] => {
        const analysis = new AccountAnalysis(iamOf(app), control);
        const [use] = analysis.usesOf(app, key);
        const [root] = analysis.rootUses(key);
        return [use, root].map((u) =>
          u === undefined ? undefined : [u.certainty, ...u.doubts.map((d) => d.id)],
        );
      };
      for (const [id, c] of Object.entries(IAM)) {
        expect(said(c.open)).toEqual([
          ["possible", id],
          ["possible", id],
        ]);
        expect(said(c.settled)).toEqual([["certain"], ["certain"]]);
        expect(said(c.denied)).toEqual([undefined, undefined]);
      }
    },
  );

  guarantee("doubts-decide", "each doubt about an Allow, beside an Allow that decides anyway", () => {
    for (const [id, c] of Object.entries(CASES)) {
      if (c.statements.length > 1 || c.who !== undefined || c.over?.identity?.kind === "none") continue;
      const open = answer(c, [allow({ Principal: { AWS: `arn:aws:iam::${X}:root` } })]);
      expect([id, open.outcome, open.certainty, open.doubts]).toEqual([id, "allow", "certain", []]);
    }
  });
});

import { describe, expect, it } from "vitest";
import { DOUBTS, type DoubtId } from "../src/semantics/doubts.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest, KeyDocument } from "../src/semantics/request.js";
import { guarantee } from "./guarantees/guarantee.js";
import { allow, deny, keyWith, request } from "./requests.js";

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

/** Worked out from the meaning of each doubt. */
const CASES: Readonly<Partial<Record<DoubtId, Deciding>>> = {
  "everyone-includes-services": { statements: [allow()], who: "s3.amazonaws.com" },
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
    statements: [when({ NumericNotEquals: { "aws:MultiFactorAuthAge": "long" } })],
    over: ctx({ "aws:MultiFactorAuthAge": "5" }),
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
};

/** Given by one engine alone, or for a form that takes more than a case: shown elsewhere. */
const ELSEWHERE: Readonly<Partial<Record<DoubtId, string>>> = {
  "request-open": "given where a question is about every request of a kind: the tests of src/iam",
  "grants-unread": "src/semantics/grants.test.ts and test/guarantees (unread-is-not-clear)",
  "attested-parent-account":
    "given by the symbolic engine, which chooses the measurement: src/rules/judge.test.ts",
  "denial-not-understood":
    "given by the symbolic engine; the reference is given what is understood: src/rules/judge.test.ts",
  "rcp-service-linked-role": "src/semantics/evaluate.test.ts",
  "unique-id-length":
    "given by the symbolic engine, which chooses the id of its witness: test/cases longer-unique-id",
  "source-arn-colon":
    "given by the symbolic engine, which knows no single source ARN: test/cases src-05 and others",
};

function answer(c: Deciding, more: readonly unknown[]): ReturnType<typeof evaluate> {
  const document: KeyDocument = keyWith([...c.statements, ...more], c.key ?? {});
  return evaluate(request(c.who ?? ROLE, { ...HELPED, ...c.over }), document);
}

describe("doubts", () => {
  it("each has a case here, or is shown elsewhere", () => {
    const shown = new Set([...Object.keys(CASES), ...Object.keys(ELSEWHERE)]);
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

  guarantee("doubts-decide", "each doubt about an Allow, beside an Allow that decides anyway", () => {
    for (const [id, c] of Object.entries(CASES)) {
      if (c.statements.length > 1 || c.who !== undefined || c.over?.identity?.kind === "none") continue;
      const open = answer(c, [allow({ Principal: { AWS: `arn:aws:iam::${X}:root` } })]);
      expect([id, open.outcome, open.certainty, open.doubts]).toEqual([id, "allow", "certain", []]);
    }
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ACCOUNTS,
  ORGANIZATION,
  allow,
  begin,
  keyLine,
  own,
  policy,
  root,
  same,
} from "../../../test/alike.js";
import { policyArb } from "../../../test/generators/policies.js";
import { OWN } from "../../../test/generators/world.js";
import type { KeyLine } from "../../snapshot/lines.js";
import { NO_CONFIG } from "../../trust/config.js";

const REGIONS = ["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2", "us-east-1", "us-west-2"];
const OUTSIDE = "600000000009";

function inRegion(line: KeyLine, region: string): KeyLine {
  return { ...line, arn: line.arn.replace(":us-east-1:", `:${region}:`) };
}

function everywhere(...texts: readonly string[]): KeyLine[] {
  return texts.flatMap((text) => REGIONS.map((r) => inRegion(keyLine(OWN, text), r)));
}

const conditions: Readonly<Record<string, object>> = {
  "nothing about Regions": { StringEquals: { "aws:PrincipalAccount": OUTSIDE } },
  "the Region that is asked": { StringEquals: { "aws:RequestedRegion": "us-east-1" } },
  "other Regions": { StringNotLike: { "aws:RequestedRegion": "us-*" } },
  "a service of one Region": { StringEquals: { "kms:ViaService": "ec2.us-east-1.amazonaws.com" } },
  "a service of any Region": { StringLike: { "kms:ViaService": "ec2.*.amazonaws.com" } },
  "not a service of some Regions": { StringNotLike: { "kms:ViaService": "*.us-*.amazonaws.com" } },
  "a source in one Region": { ArnLike: { "aws:SourceArn": `arn:aws:sns:eu-west-1:${OUTSIDE}:topic` } },
  "a source in any Region": { ArnLike: { "aws:SourceArn": `arn:aws:sns:*:${OUTSIDE}:topic*` } },
  "a source in some Regions": { ArnLike: { "aws:SourceArn": `arn:aws:sns:us-*:${OUTSIDE}:topic` } },
  "a source with a part of a Region": { StringLike: { "aws:SourceArn": "arn:aws:sns*west*" } },
  "a source by its length": { StringLike: { "aws:SourceArn": `arn:aws:sns:?????????:${OUTSIDE}:*` } },
  "not a source in some Regions": { StringNotLike: { "aws:SourceArn": "arn:aws:*:eu-*:*:*" } },
  "a source whose name could be a Region": { StringLike: { "aws:SourceArn": `*:${OUTSIDE}:us*` } },
  "a source of any kind": { StringLike: { "aws:SourceArn": "arn:*:*:*:*:eu-*" } },
  "a network": { StringEquals: { "aws:SourceVpc": "vpc-12345678" } },
  "an instance": { ArnLike: { "ec2:SourceInstanceARN": "arn:aws:ec2:us-east-1:*:instance/*" } },
  "a Region in a name": { StringEquals: { "aws:PrincipalTag/home": "us-east-1" } },
  "the encryption context": { StringLike: { "kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:us*" } },
};

describe("keys in several Regions get the report that they would have alone", () => {
  test.each(Object.entries(conditions))("with a condition on %s", (_what, condition) => {
    same(
      everywhere(
        policy(own(OWN), allow("*", { Condition: condition })),
        policy(own(OWN), allow("*"), { ...allow("*"), Effect: "Deny", Condition: condition }),
        policy(own(OWN), allow({ Service: "sns.amazonaws.com" }, { Condition: condition })),
        policy(own(OWN), allow({ AWS: root(OUTSIDE) }, { Condition: condition, Sid: "In us-east-1" })),
      ),
    );
  });

  test("with service principals and grants of one Region", () => {
    const grant = (region: string, n: number): Partial<KeyLine> => ({
      grants: {
        kind: "present",
        items: [
          {
            GrantId: n.toString(16).padStart(64, "c"),
            GranteePrincipal: n % 2 === 0 ? root(OUTSIDE) : `ec2.${region}.amazonaws.com`,
            IssuingAccount: root(OWN),
            Operations: ["Decrypt", "CreateGrant"],
          },
        ],
      },
    });
    const text = policy(own(OWN), allow({ Service: "logs.us-east-1.amazonaws.com" }));
    same([
      ...everywhere(text),
      ...REGIONS.flatMap((r, i) => [
        inRegion(keyLine(OWN, policy(own(OWN)), grant(r, i)), r),
        inRegion(keyLine(OWN, policy(own(OWN)), grant("us-east-1", 100 + i)), r),
      ]),
    ]);
  });

  test("with resource control policies and a zone of trust that name Regions", () => {
    const control = (condition: object): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Principal: "*", Action: "kms:*", Resource: "*", Condition: condition }],
      });
    const lines = everywhere(
      policy(own(OWN), allow("*")),
      policy(own(OWN), allow({ Service: ["sns.amazonaws.com", "logs.eu-west-1.amazonaws.com"] })),
    );
    for (const condition of Object.values(conditions)) {
      same(
        lines,
        { ...NO_CONFIG, trust: { ...NO_CONFIG.trust, services: ["logs.eu-west-1.amazonaws.com"] } },
        [
          {
            type: "resource-control-policy",
            target: ORGANIZATION,
            text: control(condition),
            name: "us-east-1",
          },
        ],
      );
    }
  });

  test("with random policies", { timeout: 600_000 }, () => {
    const scale = Number(process.env["KEYWARD_SCALE"] ?? "1");
    const seed = Number(process.env["KEYWARD_SEED"] ?? "13");
    fc.assert(
      fc.property(policyArb, (made) => {
        const text = typeof made === "string" ? made : JSON.stringify(made);
        same(
          [OWN, ACCOUNTS[1] ?? ""].flatMap((a) =>
            REGIONS.slice(0, 4).map((r) => inRegion(keyLine(a, text.replaceAll(OWN, a)), r)),
          ),
        );
      }),
      { seed, numRuns: 150 * scale },
    );
  });
});

test("a policy that names no Region is analysed once for all Regions", () => {
  const judge = begin(NO_CONFIG, true);
  for (const line of everywhere(policy(own(OWN), allow({ AWS: root(OUTSIDE) })))) judge.key(line);
  expect(judge.analysed).toBe(1);
});

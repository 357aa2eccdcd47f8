import fc from "fast-check";
import { expect, test } from "vitest";
import { KMS_OPERATIONS } from "../../src/sandbox/operations/index.js";
import { answerAws } from "../../src/sandbox/router.js";
import {
  MEMBER_ADMIN,
  ORGANIZATION,
  OWNER,
  STRANGER_ADMIN,
  keyArn,
  keyId,
  keyLine,
  open,
  policy,
  rootStatement,
  signed,
} from "./harness.js";

const MEMBERS = [
  "KeyId",
  "Limit",
  "Marker",
  "Policy",
  "PolicyName",
  "GranteePrincipal",
  "RetiringPrincipal",
  "Operations",
  "Constraints",
  "GrantId",
  "GrantToken",
  "GrantTokens",
  "Name",
  "AliasName",
  "TargetKeyId",
  "Tags",
  "TagKeys",
  "Plaintext",
  "CiphertextBlob",
  "EncryptionContext",
  "DestinationKeyId",
  "SourceKeyId",
  "KeySpec",
  "KeyUsage",
  "NumberOfBytes",
  "MacAlgorithm",
  "Message",
  "Mac",
  "MultiRegion",
  "Description",
  "PendingWindowInDays",
  "RotationPeriodInDays",
  "BypassPolicyLockoutSafetyCheck",
  "DryRun",
  "__proto__",
  "constructor",
];
const plausible = fc.constantFrom<unknown>(
  keyId(1),
  keyArn(1),
  keyArn(2),
  "alias/app",
  `arn:aws:iam::${OWNER}:root`,
  `arn:aws:iam::${OWNER}:role/x`,
  ["Decrypt"],
  ["x"],
  [{ TagKey: "a", TagValue: "b" }],
  { EncryptionContextSubset: { a: "b" } },
  { a: "b" },
  policy(rootStatement()),
  "c2VjcmV0",
  "S1dTMQAA",
  1,
  7,
  32,
  true,
  "AES_256",
  "SYMMETRIC_DEFAULT",
  "default",
  "g",
  "HMAC_SHA_256",
);
const value = fc.oneof({ weight: 3, arbitrary: plausible }, { weight: 1, arbitrary: fc.jsonValue() });
const body = fc.dictionary(fc.constantFrom(...MEMBERS), value, { maxKeys: 8 });
const sender = fc.constantFrom({}, { as: MEMBER_ADMIN }, { as: STRANGER_ADMIN }, { region: "eu-west-1" });

test("no request makes the sandbox fail: it answers, or refuses with a code of AWS", async () => {
  const client = await open({
    snapshot: [
      ORGANIZATION,
      keyLine(1, { aliases: ["alias/app"] }),
      keyLine(2, { spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC" }),
    ],
  });
  const refusals = new Set<string>();
  let succeeded = 0;
  fc.assert(
    fc.property(fc.constantFrom(...KMS_OPERATIONS.keys()), body, sender, (operation, input, who) => {
      const { outcome, result } = answerAws(client.desk, {
        method: "POST",
        path: "/",
        headers: { ...signed("kms", who), "x-amz-target": `TrentService.${operation}` },
        body: Buffer.from(JSON.stringify(input)),
        id: "r",
      });
      expect(outcome.kind).toBe("reply");
      expect(result).toMatch(/^(ok|[A-Z][A-Za-z]+Exception)$/);
      if (result === "ok") succeeded += 1;
      else refusals.add(result);
    }),
    { numRuns: 4000, seed: 20_261_123 },
  );
  // The requests are near enough to good ones to get past the first check.
  expect(succeeded).toBeGreaterThan(50);
  expect(refusals.size).toBeGreaterThan(6);
});

test("no form of the query protocol makes it fail", async () => {
  const client = await open({ snapshot: [ORGANIZATION] });
  const names = fc.constantFrom(
    "Action",
    "Version",
    "RoleArn",
    "RoleSessionName",
    "DurationSeconds",
    "Policy",
    "ExternalId",
    "Filter.1.Name",
    "Filter.1.Value.1",
    "RegionName.1",
    "AllRegions",
  );
  const values = fc.oneof(
    fc.constantFrom(
      "AssumeRole",
      "GetCallerIdentity",
      "DescribeRegions",
      "2011-06-15",
      "2016-11-15",
      `arn:aws:iam::${OWNER}:role/x`,
      "session",
      "900",
      "opt-in-status",
      "true",
      "{}",
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.dictionary(names, values),
      fc.constantFrom("sts" as const, "ec2" as const),
      (form, service) => {
        expect(client.query(service, form)).toMatch(/^<\?xml[\s\S]*>$/);
      },
    ),
    { numRuns: 2000, seed: 20_261_123 },
  );
});

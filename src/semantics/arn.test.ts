import { describe, expect, it } from "vitest";
import { callerArn, parseCaller, parsePrincipal, principalArn } from "./arn.js";

describe("callers", () => {
  it.each<[string, Record<string, unknown>, string, string | undefined]>([
    // text, caller, its ARN, aws:PrincipalArn
    [
      "arn:aws:iam::111122223333:root",
      { kind: "root" },
      "arn:aws:iam::111122223333:root",
      "arn:aws:iam::111122223333:root",
    ],
    [
      "111122223333",
      { kind: "root", partition: "aws" },
      "arn:aws:iam::111122223333:root",
      "arn:aws:iam::111122223333:root",
    ],
    [
      "arn:aws-cn:iam::111122223333:user/team/U",
      { kind: "user", name: "team/U", partition: "aws-cn" },
      "arn:aws-cn:iam::111122223333:user/team/U",
      "arn:aws-cn:iam::111122223333:user/team/U",
    ],
    [
      "arn:aws:iam::111122223333:role/team/R",
      { kind: "session", role: "team/R", session: "session" },
      "arn:aws:sts::111122223333:assumed-role/R/session",
      "arn:aws:iam::111122223333:role/team/R",
    ],
    [
      "arn:aws:sts::111122223333:assumed-role/R/s1",
      { kind: "session", role: "R", rolePathUnknown: true, session: "s1" },
      "arn:aws:sts::111122223333:assumed-role/R/s1",
      "arn:aws:iam::111122223333:role/R",
    ],
    [
      "arn:aws:sts::111122223333:federated-user/F",
      { kind: "federated-user", name: "F" },
      "arn:aws:sts::111122223333:federated-user/F",
      "arn:aws:sts::111122223333:federated-user/F",
    ],
    [
      "logs.us-east-1.amazonaws.com",
      { kind: "service", name: "logs.us-east-1.amazonaws.com" },
      "logs.us-east-1.amazonaws.com",
      undefined,
    ],
    [" kms.amazonaws.com ", { kind: "service", name: "kms.amazonaws.com" }, "kms.amazonaws.com", undefined],
  ])("%s", (text, expected, arn, principal) => {
    const parsed = parseCaller(text);
    if (!parsed.ok) throw new Error(parsed.error.what);
    expect(parsed.value).toMatchObject(expected);
    expect(callerArn(parsed.value)).toBe(arn);
    expect(principalArn(parsed.value)).toBe(principal);
  });

  it.each([
    "",
    "*",
    "somebody",
    "11112222333",
    "arn:aws:iam::111122223333:group/G",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:iam::111122223333:user/",
    "arn:aws:iam::*:root",
    "arn:aws:iam::111122223333:oidc-provider/x",
    "arn:aws:sts::111122223333:assumed-role/R",
    "arn:aws:sts::111122223333:assumed-role/R/s/t",
    "arn:aws:iam::111122223333:assumed-role/R/s",
    "arn:aws:s3:::bucket",
    "AROAEXAMPLEEXAMPLEEX1",
  ])("%j is none, and the error says what to write", (text) => {
    const parsed = parseCaller(text);
    expect(parsed).toMatchObject({
      ok: false,
      error: { what: "this names nobody who can call KMS", got: JSON.stringify(text) },
    });
    if (!parsed.ok) expect(parsed.error.next).toMatch(/arn:aws:iam::111122223333:role/);
  });
});

describe("principals of grants", () => {
  it("may be unique ids and sessions of services", () => {
    expect(parsePrincipal("AIDAEXAMPLEEXAMPLEEX1")).toMatchObject({ kind: "unique-id" });
    expect(
      parsePrincipal("arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0abc"),
    ).toMatchObject({
      kind: "session",
      role: "aws:ec2-infrastructure",
      session: "i-0abc",
    });
    expect(parsePrincipal("Dynamodb")).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import type { PrincipalEntry } from "./ast.js";
import { parsePolicy } from "./parse.js";
import type { ParseOptions } from "./parse.js";

const A = "111122223333";

function read(
  principal: unknown,
  options: ParseOptions = {},
): { entries: readonly PrincipalEntry[]; codes: string[] } {
  const statement = { Effect: "Allow", Principal: principal, Action: "kms:*", Resource: "*" };
  const parsed = parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: [statement] }), options);
  const element = parsed.policy?.statements[0]?.principal;
  if (element === undefined || element.kind === "missing") throw new Error("no principal");
  expect(element.kind).toBe("principal");
  // Everything that is refused must be tied to the statement.
  for (const { code, statement: index } of parsed.diagnostics) {
    if (code !== "characters") expect(index).toBe(0);
  }
  return { entries: element.entries, codes: parsed.diagnostics.map((diagnostic) => diagnostic.code) };
}

describe("principals that KMS accepts", () => {
  it.each<[unknown, PrincipalEntry[]]>([
    ["*", [{ kind: "everyone", text: "*" }]],
    [{ AWS: "*" }, [{ kind: "everyone", text: "*" }]],
    [{ AWS: ["*"] }, [{ kind: "everyone", text: "*" }]],
  ])("everybody: %j", (principal, expected) => {
    expect(read(principal)).toEqual({ entries: expected, codes: [] });
  });

  it.each([
    [`arn:aws:iam::${A}:root`, { kind: "account", account: A, partition: "aws" }],
    [A, { kind: "account", account: A, partition: undefined }],
    [`arn:aws-us-gov:iam::${A}:root`, { kind: "account", account: A, partition: "aws-us-gov" }],
    [`arn:aws:iam::${A}:user/Alice`, { kind: "user", account: A, partition: "aws", name: "Alice" }],
    [
      `arn:aws:iam::${A}:user/a/b/Bob+x=1,y.z@w-v`,
      { kind: "user", account: A, partition: "aws", name: "a/b/Bob+x=1,y.z@w-v" },
    ],
    [`arn:aws:iam::${A}:role/App`, { kind: "role", account: A, partition: "aws", name: "App" }],
    [
      `arn:aws:iam::${A}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
      {
        kind: "role",
        account: A,
        partition: "aws",
        name: "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
      },
    ],
    [
      `arn:aws-cn:iam::${A}:role/team/blue/App`,
      { kind: "role", account: A, partition: "aws-cn", name: "team/blue/App" },
    ],
    [
      `arn:aws:sts::${A}:assumed-role/App/i-0123456789abcdef0`,
      { kind: "session", account: A, partition: "aws", role: "App", session: "i-0123456789abcdef0" },
    ],
    [
      `arn:aws:sts::${A}:assumed-role/aws:ec2-infrastructure/i-0123`,
      { kind: "session", account: A, partition: "aws", role: "aws:ec2-infrastructure", session: "i-0123" },
    ],
    [
      `arn:aws:sts::${A}:assumed-role/App/jo@example.com`,
      { kind: "session", account: A, partition: "aws", role: "App", session: "jo@example.com" },
    ],
    [
      `arn:aws:sts::${A}:federated-user/Bob`,
      { kind: "federated-user", account: A, partition: "aws", name: "Bob" },
    ],
  ])("%s", (text, expected) => {
    expect(read({ AWS: text })).toEqual({ entries: [{ ...expected, text }], codes: [] });
    expect(read({ AWS: [text] })).toEqual({ entries: [{ ...expected, text }], codes: [] });
  });

  it.each(["AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE"])("unique id %s, with a warning", (id) => {
    expect(read({ AWS: id })).toEqual({
      entries: [{ kind: "unique-id", text: id, id }],
      codes: ["unique-id"],
    });
  });

  it.each([
    "logs.us-east-1.amazonaws.com",
    "s3.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
    "us-east-1.es.amazonaws.com",
    "ec2.amazonaws.com.cn",
  ])("service %s", (name) => {
    expect(read({ Service: name })).toEqual({ entries: [{ kind: "service", text: name, name }], codes: [] });
  });

  it("takes an unusual service name, with a warning", () => {
    expect(read({ Service: "tool.example.com" })).toEqual({
      entries: [{ kind: "service", text: "tool.example.com", name: "tool.example.com" }],
      codes: ["service-name"],
    });
  });

  it("several kinds at once, in the order of the text", () => {
    const { entries, codes } = read({
      AWS: [A, "*"],
      Service: ["s3.amazonaws.com", "sns.amazonaws.com"],
    });
    expect(entries.map((entry) => entry.text)).toEqual([A, "*", "s3.amazonaws.com", "sns.amazonaws.com"]);
    expect(codes).toEqual([]);
  });

  it("NotPrincipal in the same forms", () => {
    const statement = { Effect: "Deny", NotPrincipal: { AWS: [A] }, Action: "kms:*", Resource: "*" };
    const parsed = parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: [statement] }));
    expect(parsed.policy?.statements[0]?.principal).toEqual({
      kind: "not-principal",
      entries: [{ kind: "account", text: A, account: A, partition: undefined }],
    });
  });
});

describe("principals that KMS refuses", () => {
  it.each([
    ["a wildcard for the account", { AWS: "arn:aws:iam::*:root" }, "principal-wildcard", "unknown"],
    ["a wildcard for a role", { AWS: `arn:aws:iam::${A}:role/*` }, "principal-wildcard", "unknown"],
    ["a wildcard in a name", { AWS: `arn:aws:iam::${A}:role/App-?` }, "principal-wildcard", "unknown"],
    [
      "a wildcard for a session",
      { AWS: `arn:aws:sts::${A}:assumed-role/App/*` },
      "principal-wildcard",
      "unknown",
    ],
    ["a wildcard in the partition", { AWS: `arn:*:iam::${A}:root` }, "principal-wildcard", "unknown"],
    ["a wildcard in a number", { AWS: "11112222*" }, "principal-wildcard", "unknown"],
    ["any service", { Service: "*" }, "principal-wildcard", "unknown"],
    ["a wildcard in a service", { Service: "*.amazonaws.com" }, "principal-wildcard", "unknown"],
    ["any provider", { Federated: "*" }, "principal-kind", "unknown"],
    ["a provider", { Federated: "accounts.google.com" }, "principal-kind", "nobody"],
    ["a provider's ARN", { AWS: `arn:aws:iam::${A}:saml-provider/x` }, "principal-kind", "nobody"],
    [
      "a canonical user",
      { CanonicalUser: "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be" },
      "principal-kind",
      "unknown",
    ],
    ["an unknown kind", { Aws: A }, "principal-kind", "unknown"],
    ["a kind named __proto__", Object.fromEntries([["__proto__", A]]), "principal-kind", "unknown"],
    ["a group", { AWS: `arn:aws:iam::${A}:group/Admins` }, "principal-group", "nobody"],
    ["a policy", { AWS: `arn:aws:iam::${A}:policy/P` }, "principal-kind", "nobody"],
    ["eleven digits", { AWS: "11112222333" }, "principal-form", "unknown"],
    ["thirteen digits", { AWS: "1111222233334" }, "principal-form", "unknown"],
    ["digits of another script", { AWS: "١١١١٢٢٢٢٣٣٣٣".normalize() }, "principal-form", "unknown"],
    ["a bare name", { AWS: "Alice" }, "principal-form", "unknown"],
    ["nothing", { AWS: "" }, "principal-form", "unknown"],
    ["a space", { AWS: ` ${A}` }, "principal-form", "unknown"],
    ["a service under AWS", { AWS: "s3.amazonaws.com" }, "principal-form", "unknown"],
    ["an ARN under Service", { Service: `arn:aws:iam::${A}:root` }, "principal-form", "unknown"],
    ["a service without a domain", { Service: "s3" }, "principal-form", "unknown"],
    ["an ARN of another service", { AWS: `arn:aws:s3::${A}:root` }, "principal-form", "unknown"],
    ["an ARN with a Region", { AWS: `arn:aws:iam:us-east-1:${A}:root` }, "principal-form", "unknown"],
    ["an ARN without account", { AWS: "arn:aws:iam:::root" }, "principal-form", "unknown"],
    ["an ARN that ends early", { AWS: "arn:aws:iam" }, "principal-form", "unknown"],
    ["arn:", { AWS: "arn:" }, "principal-form", "unknown"],
    ["Root", { AWS: `arn:aws:iam::${A}:Root` }, "principal-form", "unknown"],
    ["a role without name", { AWS: `arn:aws:iam::${A}:role/` }, "principal-form", "unknown"],
    ["a role with a path but no name", { AWS: `arn:aws:iam::${A}:role/a/` }, "principal-form", "unknown"],
    ["a role with a line end", { AWS: `arn:aws:iam::${A}:role/a\n` }, "principal-form", "unknown"],
    ["a session without name", { AWS: `arn:aws:sts::${A}:assumed-role/App` }, "principal-form", "unknown"],
    [
      "a session with a role's path",
      { AWS: `arn:aws:sts::${A}:assumed-role/a/App/s` },
      "principal-form",
      "unknown",
    ],
    ["a user under sts", { AWS: `arn:aws:sts::${A}:user/Bob` }, "principal-form", "unknown"],
    ["a variable", { AWS: `arn:aws:iam::${A}:user/\${aws:username}` }, "principal-form", "unknown"],
    ["an access key", { AWS: "AKIAIOSFODNN7EXAMPLE" }, "principal-form", "unknown"],
    [
      "CloudFront's old identity",
      { AWS: "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1" },
      "principal-form",
      "unknown",
    ],
  ])("%s", (_what, principal: unknown, code, reach) => {
    const { entries, codes } = read(principal, { kind: "key" });
    expect(entries).toMatchObject([{ kind: "refused", reach }]);
    expect(codes.filter((found) => found !== "characters")).toEqual([code]);
  });

  it("of another partition, if the key's is known", () => {
    const text = `arn:aws:iam::${A}:role/App`;
    expect(read({ AWS: text }, { partition: "aws-cn" })).toMatchObject({
      entries: [{ kind: "refused", text, reach: "nobody" }],
      codes: ["principal-partition"],
    });
    expect(read({ AWS: text }, { partition: "aws" }).codes).toEqual([]);
    expect(read({ AWS: A }, { partition: "aws-cn" }).codes).toEqual([]);
  });

  it.each([
    ["a number", 111122223333],
    ["a list", ["*"]],
    ["a plain ARN", `arn:aws:iam::${A}:root`],
    ["null", null],
    ["a number under AWS", { AWS: 111122223333 }],
    ["an object under AWS", { AWS: { a: "*" } }],
    ["a list in a list", { AWS: [["*"]] }],
  ])("of a wrong type: %s", (_what, principal) => {
    const { entries, codes } = read(principal);
    expect(entries).toMatchObject([{ kind: "refused", reach: "unknown" }]);
    expect(codes).toEqual(["wrong-type"]);
  });

  it("keeps the good ones beside a refused one", () => {
    const { entries, codes } = read({ AWS: [A, "arn:aws:iam::*:root"] });
    expect(entries.map((entry) => entry.kind)).toEqual(["account", "refused"]);
    expect(codes).toEqual(["principal-wildcard"]);
  });

  it.each([[{}], [{ AWS: [] }], [{ Service: [], AWS: [] }]])("none at all: %j", (principal) => {
    expect(read(principal)).toEqual({ entries: [], codes: ["no-principal"] });
  });
});

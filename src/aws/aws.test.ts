import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { page } from "./ask.js";
import { callFailure } from "./failure.js";
import { IAM_COMMANDS } from "./iam.js";
import { STS_COMMANDS } from "./identity.js";
import { CONFIG_COMMANDS } from "./config.js";
import { COPY_COMMANDS } from "./journal-copy.js";
import { KMS_COMMANDS } from "./kms.js";
import { KMS_WRITE_COMMANDS } from "./kms-write.js";
import { ORGANIZATIONS_COMMANDS } from "./organizations.js";
import type { Action } from "./permissions.js";
import { PERMISSIONS } from "./permissions.js";
import { REGION_COMMANDS } from "./regions.js";
import { ROLE_COMMANDS } from "./roles.js";
import { Session } from "./session.js";
import { USAGE_COMMANDS } from "./usage.js";

const FOLDER = import.meta.dirname;

describe("every command of the SDK is declared beside its IAM action", () => {
  const declared = Object.entries({
    ...KMS_COMMANDS,
    ...IAM_COMMANDS,
    ...KMS_WRITE_COMMANDS,
    ...STS_COMMANDS,
    ...REGION_COMMANDS,
    ...USAGE_COMMANDS,
    ...ROLE_COMMANDS,
    ...ORGANIZATIONS_COMMANDS,
    ...COPY_COMMANDS,
    ...CONFIG_COMMANDS,
  });
  const sources = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(FOLDER, name), "utf8"));
  /** Names of commands that the sources import from the SDK. */
  const used = new Set(
    sources.flatMap((text) => [...text.matchAll(/\b([A-Z]\w+)Command\b/g)].map((m) => m[1])),
  );

  it("with the action of the same name", () => {
    // The operation ListObjectsV2 is permitted by s3:ListBucket (Service Authorization Reference, Amazon S3).
    // GetObjectLockConfiguration by s3:GetBucketObjectLockConfiguration.
    const others: Readonly<Record<string, string>> = {
      "s3:ListBucket": "ListObjectsV2Command",
      "s3:GetBucketObjectLockConfiguration": "GetObjectLockConfigurationCommand",
    };
    for (const [action, command] of declared)
      expect(command.name).toBe(others[action] ?? `${action.split(":")[1] ?? ""}Command`);
  });

  it("and none is used that is not declared", () => {
    expect([...used].sort()).toEqual(
      declared.map(([, command]) => command.name.replace("Command", "")).sort(),
    );
    // They are made from the tables alone.
    for (const text of sources) expect(text).not.toMatch(/new [A-Z]\w+Command\b/);
  });

  it("and each action says what it is for", () => {
    expect(declared.map(([action]) => action).sort()).toEqual(Object.keys(PERMISSIONS).sort());
  });

  it("and three of them are needed for verdicts", () => {
    const needed = Object.entries(PERMISSIONS).filter(([, p]) => p.need === "verdict");
    expect(needed.map(([action]) => action).sort()).toEqual([
      "kms:GetKeyPolicy",
      "kms:ListGrants",
      "kms:ListKeys",
    ]);
  });

  it("and each is sent with its own action", () => {
    const sent = sources.flatMap((text) => [
      ...text.matchAll(/\bask\(\s*"([^"]+)",[^]*?_COMMANDS\["([^"]+)"\]/g),
    ]);
    for (const [, action, command] of sent) expect(command).toBe(action);
    expect(sent).toHaveLength(declared.length);
  });
});

describe("calls that change something", () => {
  it("are those of KMS and the copy of the journal, and never without the lockout safety check", () => {
    const writing = new Set([...Object.keys(KMS_WRITE_COMMANDS), "s3:PutObject"]);
    const declared = Object.entries(PERMISSIONS).filter(([, p]) => p.need === "write");
    expect(declared.map(([action]) => action).sort()).toEqual([...writing].sort());
    for (const name of readdirSync(FOLDER).filter((n) => n.endsWith(".ts") && !n.endsWith(".test.ts"))) {
      const text = readFileSync(join(FOLDER, name), "utf8");
      expect(text).not.toMatch(/BypassPolicyLockoutSafetyCheck\s*:/);
    }
  });
});

describe("what AWS refuses", () => {
  const fail = (action: Action, name: string, more: object = {}): ReturnType<typeof callFailure> =>
    callFailure(action, Object.assign(new Error("because"), { name, ...more }), undefined);

  it.each<[Action, string, string]>([
    ["kms:GetKeyPolicy", "AccessDeniedException", "denied"],
    ["ec2:DescribeRegions", "UnauthorizedOperation", "denied"],
    ["kms:GetKeyPolicy", "NotFoundException", "not-found"],
    ["kms:ListGrants", "ThrottlingException", "throttled"],
    ["kms:ListKeys", "ExpiredTokenException", "credentials"],
    ["kms:ListKeys", "UnrecognizedClientException", "region-refused"],
    ["kms:ListKeys", "InvalidClientTokenId", "region-refused"],
    ["kms:ListKeys", "OptInRequired", "region-refused"],
    ["sts:GetCallerIdentity", "InvalidClientTokenId", "credentials"],
    ["kms:ListKeys", "AbortError", "stopped"],
    ["kms:ListKeys", "KMSInternalException", "other"],
  ])("%s: %s is %s", (action, code, kind) => {
    expect(fail(action, code)).toMatchObject({ kind, call: action, code, message: "because" });
  });

  it("a network failure keeps its own code", () => {
    expect(fail("kms:ListKeys", "TimeoutError", { code: "ECONNREFUSED" })).toMatchObject({
      kind: "unreachable",
      code: "ECONNREFUSED",
    });
    expect(fail("kms:ListKeys", "Error", { code: "ENOTFOUND" })).toMatchObject({
      kind: "unreachable",
      code: "ENOTFOUND",
    });
    expect(fail("kms:ListKeys", "TimeoutError")).toMatchObject({ kind: "unreachable", code: "TimeoutError" });
  });

  it("comes with a next step that names the permission or the profile", () => {
    expect(fail("kms:GetKeyPolicy", "AccessDeniedException").help).toMatch(
      /^Permit kms:GetKeyPolicy .*key policy/,
    );
    expect(fail("kms:ListKeys", "AccessDeniedException").help).toMatch(/--region/);
    const expired = Object.assign(new Error("x"), { name: "ExpiredTokenException" });
    expect(callFailure("kms:ListKeys", expired, "audit").help).toContain("aws sso login --profile audit");
  });

  it.each([
    ["InvalidSignatureException", "Signature expired: 20261125T000000Z is now earlier than 20261125T090000Z"],
    ["SignatureDoesNotMatch", "Signature not yet current: 20261125T230000Z is still later than …"],
    ["RequestTimeTooSkewed", "The difference between the request time and the current time is too large."],
  ])("%s about the time is told as a clock that is wrong", (name, message) => {
    const failure = callFailure("kms:ListKeys", Object.assign(new Error(message), { name }), undefined);
    expect(failure.kind).toBe("credentials");
    expect(failure.help).toContain("clock");
  });

  it("is not a bug of keyward, which goes on being thrown", () => {
    expect(() => callFailure("kms:ListKeys", new TypeError("x is undefined"), undefined)).toThrow(TypeError);
    const answer = Object.assign(new TypeError("x"), { $response: {} });
    expect(callFailure("kms:ListKeys", answer, undefined).kind).toBe("other");
  });
});

describe("a page of a list", () => {
  it("goes on only where the service says so", () => {
    expect(page([1, 2], true, "m", String)).toEqual({ items: ["1", "2"], next: "m" });
    expect(page([1], false, "m", String)).toEqual({ items: ["1"], next: undefined });
    expect(page([], false, undefined, String)).toEqual({ items: [], next: undefined });
  });

  it.each([undefined, null, {}, "", [null]])("that is %j is a failure, not an empty list", (items) => {
    expect(() => page(items as never, false, undefined, String)).toThrow(/does not hold the list/);
  });

  it("that goes on nowhere is a failure", () => {
    expect(() => page([1], true, undefined, String)).toThrow(/goes on/);
    expect(() => page([1], true, "", String)).toThrow(/goes on/);
  });
});

it.each(["not a url", "ftp://127.0.0.1", "127.0.0.1:4599"])(
  "an endpoint in the environment that is no URL is told at once: %s",
  async (url) => {
    const env = { AWS_ENDPOINT_URL: url };
    await expect(Session.open({ version: "1.2.3", env })).rejects.toThrow(
      "AWS_ENDPOINT_URL: the endpoint is no URL",
    );
  },
);

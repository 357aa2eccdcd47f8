import { PassThrough } from "node:stream";
import { Command } from "commander";
import { expect, test } from "vitest";
import { actionsFor } from "../../aws/least-privilege.js";
import { register } from "../doctor.js";

async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const stdout = new PassThrough();
  let text = "";
  stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const program = new Command().exitOverride();
  register(program, { stdout, stderr: new PassThrough(), env, now: () => 0, exit: () => undefined });
  await program.parseAsync(["doctor", ...args], { from: "user" });
  return text;
}

test("the policy for an organization permits to assume the role that is named, and no other", async () => {
  const via = "arn:aws-cn:iam::111122223333:role/hop";
  const policy: unknown = JSON.parse(
    await doctor(["--for", "organization", "--role", "audit/Reader", "--via", via]),
  );
  const rest = actionsFor("organization").filter((a) => a !== "sts:AssumeRole");
  expect(policy).toMatchObject({
    Statement: [
      { Action: rest, Resource: "*" },
      { Action: ["sts:AssumeRole"], Resource: ["arn:aws-cn:iam::*:role/audit/Reader", via] },
    ],
  });
  const gov = await doctor(["--for", "organization", "--role", "R"], { AWS_REGION: "us-gov-west-1" });
  expect(gov).toContain('"arn:aws-us-gov:iam::*:role/R"');
});

test.each([
  [["--for", "scan", "--region", "eu-west-1"], "--region"],
  [["--for", "scan", "--role", "R"], "--role"],
  [["--stackset", "--for", "scan"], "--stackset"],
  [["--stackset", "--external-id", "abc"], "--external-id"],
  [["--for", "organization", "--organization"], "--organization"],
])("%j is refused: the flag would be passed over", async (args, flag) => {
  await expect(doctor(args)).rejects.toThrow(new RegExp(`^${flag}: ${flag} has no effect here\n`));
});

test.each([
  [["--external-id", "abc"], /an external id needs a role/],
  [["--session-name", "abc"], /without a role there is no session to name/],
])("%j is refused before anything is asked", async (args, message) => {
  await expect(doctor(args)).rejects.toThrow(message);
});

import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import {
  CreateGrantCommand,
  CreateKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListGrantsCommand,
  PutKeyPolicyCommand,
} from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Grant } from "../../src/domain/grant.js";
import { planText } from "../../src/repair/plan-text.js";
import { changeOf, closedPolicy, keyLine, openPolicy, OWNER, planOf, policyOf } from "../apply-estate.js";
import { type CliResult, startCli } from "../cli.js";

/**
 * The way back without keyward: what RESTORE.md says is run, word for word, with the real AWS CLI against moto, from the
 * journal and from its copy in a bucket.
 */

const endpoint = process.env["KEYWARD_TEST_MOTO"] ?? "";
const venv = process.env["KEYWARD_TEST_VENV"] ?? "";
/** An account of its own: other tests count the keys of the account that moto gives to every access key. */
const ACCOUNT = "555566667777";
const BUCKET = "keyward-restore-journals";
interface Session {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_SESSION_TOKEN: string;
}
let session: Session;
let kms: KMSClient;
let s3: S3Client;
beforeAll(async () => {
  const anybody = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "any" };
  const sts = new STSClient({ region: "us-east-1", endpoint, credentials: anybody });
  const RoleArn = `arn:aws:iam::${ACCOUNT}:role/Keeper`;
  const { Credentials: made } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "s" }));
  session = {
    AWS_ACCESS_KEY_ID: made?.AccessKeyId ?? "",
    AWS_SECRET_ACCESS_KEY: made?.SecretAccessKey ?? "",
    AWS_SESSION_TOKEN: made?.SessionToken ?? "",
  };
  const credentials = {
    accessKeyId: session.AWS_ACCESS_KEY_ID,
    secretAccessKey: session.AWS_SECRET_ACCESS_KEY,
    sessionToken: session.AWS_SESSION_TOKEN,
  };
  kms = new KMSClient({ region: "us-east-1", endpoint, credentials });
  s3 = new S3Client({ region: "us-east-1", endpoint, credentials, forcePathStyle: true });
});
const own = (text: string): string => text.replaceAll(OWNER, ACCOUNT);

async function sh(commands: string, cwd: string): Promise<string> {
  const env = {
    PATH: `${venv}${delimiter}${process.env["PATH"] ?? ""}`,
    ...session,
    AWS_ENDPOINT_URL: endpoint,
    // A locale that is not UTF-8: nothing may depend on it.
    LC_ALL: "C",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  return (await promisify(execFile)("sh", ["-ec", commands], { cwd, env })).stdout;
}

/** The commands of a RESTORE.md. */
function commandsOf(text: string): string {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join("");
}

async function policy(key: string): Promise<string> {
  const answer = await kms.send(new GetKeyPolicyCommand({ KeyId: key, PolicyName: "default" }));
  return answer.Policy ?? "";
}
async function grants(key: string): Promise<readonly Grant[]> {
  const { Grants = [] } = await kms.send(new ListGrantsCommand({ KeyId: key }));
  // The journal's form of a grant has no dates.
  return Grants.map((grant) => ({ ...grant, CreationDate: undefined }) as unknown as Grant);
}

describe("RESTORE.md", () => {
  // moto does one thing at a time, and another test may have it make hundreds of keys.
  it("brings policies and grants back with the AWS CLI alone, from the journal and from its copy", {
    timeout: 900_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyward-restore-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
    await s3.send(
      new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } }),
    );

    // Formatting that no program would choose, and letters that are not ASCII.
    const before = ["é ünï", "two"].map((note) => own(openPolicy(note)));
    const arns: string[] = [];
    for (const text of before) {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy: text }));
      arns.push(KeyMetadata?.Arn ?? "");
    }
    const [first = "", second = ""] = arns;
    const terms = {
      GranteePrincipal: "arn:aws:iam::444455556666:role/Partner",
      RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:role/Keeper`,
      Operations: ["Decrypt" as const, "GenerateDataKey" as const],
      Constraints: { EncryptionContextSubset: { app: "settlement é" } },
      Name: "partner",
    };
    await kms.send(new CreateGrantCommand({ KeyId: first, ...terms }));

    expect(arns.every((arn) => arn.includes(`:${ACCOUNT}:`))).toBe(true);

    const lines = await Promise.all(
      arns.map(async (arn, i) => ({ ...keyLine(before[i] ?? "", await grants(arn)), arn })),
    );
    const revoke = (await grants(first)).map((g) => g.GrantId);
    const changes = lines.map((line, i) =>
      changeOf(line, own(closedPolicy(`closed ${i}`)), i === 0 ? revoke : []),
    );
    await writeFile(join(folder, "plan.yaml"), planText(planOf(changes), "yaml"));
    const keyward = (...args: readonly string[]): Promise<CliResult> =>
      startCli([...args, "--endpoint-url", endpoint], folder, { ...session, AWS_REGION: "us-east-1" }).done;
    const copy = `s3://${BUCKET}/team/`;
    const applied = await keyward("apply", "plan.yaml", "--yes", "--max-keys", "9", "--journal-copy", copy);
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    expect(await policy(first)).toBe(own(closedPolicy("closed 0")));
    expect(await policy(second)).toBe(own(closedPolicy("closed 1")));
    expect(await grants(first)).toEqual([]);
    const [run = ""] = await readdir(join(folder, ".keyward/journal/runs"));

    const restored = async (): Promise<void> => {
      expect(await policy(first)).toBe(before[0]);
      expect(await policy(second)).toBe(before[1]);
      const [grant] = await grants(first);
      expect(grant).toMatchObject(terms);
      expect(await grants(first)).toHaveLength(1);
    };

    // From the journal. `sha256sum` says that the files are what their names say.
    const place = join(folder, ".keyward/journal/runs", run);
    const commands = commandsOf(await readFile(join(place, "RESTORE.md"), "utf8"));
    expect(commands.match(/aws kms put-key-policy/g)).toHaveLength(2);
    expect(commands.match(/aws kms create-grant/g)).toHaveLength(1);
    await sh(commands, place);
    await restored();
    const sums = (await sh("sha256sum ../../objects/*", place)).trimEnd().split("\n");
    expect(sums.length).toBeGreaterThan(4);
    for (const line of sums) expect(line).toMatch(/^([0-9a-f]{64}) {2}\.\.\/\.\.\/objects\/sha256-\1$/);

    // From the copy, on a machine that has neither keyward nor the journal.
    for (const [i, arn] of arns.entries()) {
      const closed = own(closedPolicy(`closed ${i}`));
      await kms.send(new PutKeyPolicyCommand({ KeyId: arn, PolicyName: "default", Policy: closed }));
    }
    for (const grant of await grants(first)) {
      await sh(
        `aws kms revoke-grant --region us-east-1 --key-id ${first} --grant-id ${grant.GrantId}`,
        folder,
      );
    }
    expect(await grants(first)).toEqual([]);
    await rm(join(folder, ".keyward"), { recursive: true });
    await sh(`aws s3 cp --quiet --recursive ${copy} copy`, folder);
    const away = join(folder, "copy", "runs", run);
    const parts = (await readdir(away)).filter((name) => name.startsWith("RESTORE-")).sort();
    expect(parts.length).toBeGreaterThan(0);
    for (const part of parts) await sh(commandsOf(await readFile(join(away, part), "utf8")), away);
    await restored();

    // The copy is a journal that keyward itself takes, too.
    const verified = await keyward("journal", "verify", "--journal", copy);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("all unharmed")]);
    expect(lines.map(policyOf)).toEqual(before);
  });
});

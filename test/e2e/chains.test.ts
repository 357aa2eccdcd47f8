import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Sandbox } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import { startCli } from "../cli.js";

// A stranger assumes Vendor in the first account, Vendor assumes Deploy in the second, and a key of the third names Deploy.
const [ONE, TWO, THREE] = ["111111111111", "222222222222", "333333333333"] as const;
const STRANGER = "999988887777";
const ORG = "o-own1234567";
const KEY = `arn:aws:kms:us-east-1:${THREE}:key/00000001-2222-4333-8444-555555555555`;
const policy = (...Statement: readonly unknown[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });
const role = (id: string, name: string): string => `arn:aws:iam::${id}:role/${name}`;
const allow = (action: string, resource: string): unknown => ({
  Effect: "Allow",
  Action: action,
  Resource: resource,
});
const trusting = (aws: string): SnapshotLine & { type: "role" } => ({
  type: "role",
  arn: role(ONE, "x"),
  attachedPolicies: [],
  boundary: null,
  trustPolicy: {
    kind: "present",
    text: policy({ Effect: "Allow", Principal: { AWS: aws }, Action: "sts:AssumeRole" }),
  },
});
const inline = (...statements: readonly unknown[]) => [{ name: "use", text: policy(...statements) }];

const LINES: readonly SnapshotLine[] = [
  {
    type: "organization",
    id: ORG,
    managementAccountId: THREE,
    policyTypes: ["SERVICE_CONTROL_POLICY"],
    accounts: [ONE, TWO, THREE].map((id) => ({ id, path: `${ORG}/r-ab12/`, status: "ACTIVE" })),
  },
  ...["r-ab12", ONE, TWO, THREE].map(
    (target): SnapshotLine => ({
      type: "service-control-policy",
      target,
      id: "p-FullAWSAccess",
      text: policy({ Effect: "Allow", Action: "*", Resource: "*" }),
    }),
  ),
  ...[ONE, TWO, THREE].map((id): SnapshotLine => ({ type: "account", id, iam: { kind: "present" } })),
  ...[ONE, TWO, THREE].map(
    (id): SnapshotLine => ({
      ...trusting(`arn:aws:iam::${THREE}:root`),
      arn: role(id, "Audit"),
      inlinePolicies: inline(
        ...["kms", "iam", "organizations", "ec2", "account"].map((service) => allow(`${service}:*`, "*")),
      ),
    }),
  ),
  {
    ...trusting(STRANGER),
    arn: role(ONE, "Vendor"),
    inlinePolicies: inline(allow("sts:AssumeRole", role(TWO, "Deploy"))),
  },
  {
    ...trusting(`arn:aws:iam::${ONE}:root`),
    arn: role(TWO, "Deploy"),
    inlinePolicies: inline(allow("kms:Decrypt", KEY), allow("kms:Encrypt", KEY)),
  },
  {
    type: "key",
    arn: KEY,
    manager: "CUSTOMER",
    state: "Enabled",
    policy: {
      kind: "present",
      text: policy(
        { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${THREE}:root` }, Action: "kms:*", Resource: "*" },
        {
          Effect: "Allow",
          Principal: { AWS: role(TWO, "Deploy") },
          Action: ["kms:Decrypt", "kms:Encrypt"],
          Resource: "*",
        },
      ),
    },
    grants: { kind: "present", items: [] },
  },
];

let folder: string;
let sandbox: Sandbox;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-chains-"));
  await writeFile(join(folder, "keyward.yaml"), "trust:\n  organizations: auto\n");
  sandbox = await startSandbox({ snapshot: LINES });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true });
});

interface Report {
  readonly keys: readonly {
    readonly verdict: string;
    readonly findings: readonly {
      readonly rule: string;
      readonly certainty: string;
      readonly reason: string;
      readonly source: { readonly path?: readonly string[] };
      readonly witness: { readonly principal: string; readonly action: string } | null;
    }[];
  }[];
}

const found = (stdout: string): Report["keys"][number]["findings"] =>
  (JSON.parse(stdout) as Report).keys.flatMap((k) =>
    k.findings.filter((f) => f.rule === "outsider-assumable-role"),
  );

it("a scan of the organization and check of its snapshot tell the way, and explain lists it", async () => {
  const scan = await startCli(
    [
      "scan",
      "--endpoint-url",
      sandbox.url,
      "--organization",
      "--role",
      "Audit",
      "--region",
      "us-east-1",
      "--format",
      "json",
      "--snapshot",
      "out.ndjson",
    ],
    folder,
    { AWS_ACCESS_KEY_ID: `AKIA${THREE}`, AWS_SECRET_ACCESS_KEY: "any", AWS_REGION: "us-east-1" },
  ).done;
  const [finding, ...more] = found(scan.stdout);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({
    certainty: "certain",
    source: { path: [role(ONE, "Vendor"), role(TWO, "Deploy")] },
    witness: { principal: `arn:aws:sts::${TWO}:assumed-role/Deploy/session`, action: "kms:Decrypt" },
  });
  expect(finding?.reason).toContain(`the role Vendor of account ${ONE}`);
  const check = await startCli(["check", "out.ndjson", "--format", "json"], folder).done;
  expect(found(check.stdout)).toEqual([finding]);
  const explain = await startCli(["explain", KEY, "out.ndjson"], folder).done;
  expect(explain.stdout.replace(/\s+/g, " ")).toContain(
    `- account ${STRANGER} -> role Vendor of account ${ONE}, by statement 1 of its trust policy -> role Deploy (by statement 1 of the trust policy of Deploy and policy "use" of Vendor) -> the key`,
  );
});

it("the sandbox lets the stranger go that way, and no shorter one", async () => {
  const endpoint = { endpoint: sandbox.url, region: "us-east-1" };
  const stranger = { accessKeyId: `AKIA${STRANGER}`, secretAccessKey: "any" };
  const assume = async (as: object, arn: string) => {
    const sts = new STSClient({ ...endpoint, credentials: as as never });
    const { Credentials: c } = await sts.send(
      new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: "visit" }),
    );
    return {
      accessKeyId: c?.AccessKeyId ?? "",
      secretAccessKey: c?.SecretAccessKey ?? "",
      sessionToken: c?.SessionToken ?? "",
    };
  };
  await expect(assume(stranger, role(TWO, "Deploy"))).rejects.toThrow(/not authorized/i);
  const vendor = await assume(stranger, role(ONE, "Vendor"));
  const deploy = await assume(vendor, role(TWO, "Deploy"));
  const kms = (credentials: typeof vendor): KMSClient => new KMSClient({ ...endpoint, credentials });
  const { CiphertextBlob } = await kms(deploy).send(
    new EncryptCommand({ KeyId: KEY, Plaintext: Buffer.from("x") }),
  );
  const read = await kms(deploy).send(new DecryptCommand({ KeyId: KEY, CiphertextBlob }));
  expect(Buffer.from(read.Plaintext ?? []).toString()).toBe("x");
  await expect(kms(vendor).send(new DecryptCommand({ KeyId: KEY, CiphertextBlob }))).rejects.toThrow();
});

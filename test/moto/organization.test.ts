import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { actionsFor } from "../../src/aws/least-privilege.js";
import { PERMISSIONS } from "../../src/aws/permissions.js";
import type { Sandbox } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import { startCli } from "../cli.js";
import { setApart } from "../disabled-regions.js";
import type { MadeEstate, PlannedKey } from "./estate.js";
import { MANAGEMENT, REGIONS, STRANGER, makeEstate } from "./estate.js";

const endpoint = process.env["KEYWARD_TEST_MOTO"] ?? "";
const AUDITOR = `arn:aws:iam::${MANAGEMENT}:user/auditor`;
const PUBLIC = { Effect: "Allow", Principal: "*", Action: "kms:Decrypt", Resource: "*" };
const given = (condition: unknown): unknown => ({ ...PUBLIC, Condition: condition });
const stranger = (): string => `arn:aws:iam::${STRANGER}:role/Reader`;

/** A key, and what AWS's rules make of it: worked out by hand. */
interface Case extends PlannedKey {
  readonly exposure: string;
  readonly verdict: string;
  /** Rules of its findings. */
  readonly rules: readonly string[];
  readonly why: string;
}

/**
 * What the stranger's role Vendor adds to every key of the account logs that hands control to IAM, and to keys of other
 * accounts that let Vendor in.
 */
const VENDOR = "outsider-assumable-role";
/** `*` lets in the key's own account as a whole; told where nobody outside it comes in the same way. */
const EVERYONE = "everyone-in-own-account";
const CASES: readonly Case[] = [
  {
    name: "pay default",
    owner: "pay",
    region: "us-east-1",
    exposure: "none",
    verdict: "clear",
    rules: [],
    why: "AWS's default policy, and no outsider gets into a role of the account",
  },
  {
    name: "pay open behind the RCP",
    owner: "pay",
    region: "us-east-1",
    statements: () => [PUBLIC],
    exposure: "service",
    verdict: "weak",
    rules: ["closed-by-rcp", "service-access", EVERYONE, VENDOR],
    why: "the perimeter at the unit prod denies everybody outside the organization but services, whom * may name too; Vendor, which the stranger assumes, is inside",
  },
  {
    name: "pay grant behind the RCP",
    owner: "pay",
    region: "eu-west-1",
    grantee: stranger,
    exposure: "none",
    verdict: "weak",
    rules: ["closed-by-rcp"],
    why: "a Deny takes precedence over a grant",
  },
  {
    name: "pay deputy",
    owner: "pay",
    region: "us-east-1",
    statements: () => [{ ...PUBLIC, Principal: { Service: "logs.us-east-1.amazonaws.com" } }],
    exposure: "service",
    verdict: "weak",
    rules: ["service-access"],
    why: "the perimeter leaves services alone, and no source is asked for",
  },
  {
    name: "pay own unit",
    owner: "pay",
    region: "us-east-1",
    statements: ({ organization, root, prod }) => [
      given({
        "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": `${organization}/${root}/${prod}/*` },
      }),
    ],
    exposure: "none",
    verdict: "clear",
    rules: [EVERYONE],
    why: "only accounts of the own organization have that path; that the key's own account is among them is worth knowing",
  },
  {
    name: "pay gone grantee",
    owner: "pay",
    region: "us-east-1",
    grantee: ({ accounts }) => `arn:aws:iam::${accounts.pay}:role/Gone`,
    exposure: "none",
    verdict: "weak",
    rules: ["orphaned-principal"],
    why: "all of IAM was read, and there is no such role",
  },
  {
    name: "logs default",
    owner: "logs",
    region: "us-east-1",
    exposure: "none",
    verdict: "weak",
    rules: [VENDOR],
    why: "the stranger assumes Vendor, and IAM lets Vendor decrypt",
  },
  {
    name: "logs open",
    owner: "logs",
    region: "eu-west-1",
    statements: () => [PUBLIC],
    exposure: "public",
    verdict: "exposed",
    rules: ["public-access", VENDOR],
    why: "no RCP but AWS's own stands above logs",
  },
  {
    name: "logs tagged",
    owner: "logs",
    region: "us-east-1",
    statements: () => [given({ StringEquals: { "aws:PrincipalTag/team": "pay" } })],
    exposure: "public",
    verdict: "exposed",
    rules: ["public-access", VENDOR],
    why: "a stranger tags a role of their own",
  },
  {
    name: "logs foreign unit",
    owner: "logs",
    region: "us-east-1",
    statements: () => [
      given({ "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-foreign1234/r-zz99/*" } }),
    ],
    exposure: "external",
    verdict: "exposed",
    rules: ["external-access", VENDOR],
    why: "another organization is named",
  },
  {
    name: "logs grant",
    owner: "logs",
    region: "us-east-1",
    grantee: stranger,
    exposure: "external",
    verdict: "exposed",
    rules: ["external-access", VENDOR],
    why: "a grant needs no key policy",
  },
  {
    name: "logs for pay",
    owner: "logs",
    region: "us-east-1",
    statements: ({ accounts }) => [{ ...PUBLIC, Principal: { AWS: accounts.pay } }],
    exposure: "none",
    verdict: "weak",
    rules: ["unconditioned-trusted-account", VENDOR],
    why: "pay is of the trusted organization, and let in as a whole",
  },
  {
    name: "logs disabled",
    owner: "logs",
    region: "us-east-1",
    statements: () => [{ ...PUBLIC, Principal: { AWS: STRANGER } }],
    disabled: true,
    exposure: "latent",
    verdict: "weak",
    rules: ["latent-access"],
    why: "nobody can use a disabled key, Vendor neither; enabled again it is open",
  },
  {
    name: "management open",
    owner: "management",
    region: "us-east-1",
    statements: () => [PUBLIC],
    exposure: "public",
    verdict: "exposed",
    rules: ["public-access", VENDOR],
    why: "no RCP binds the management account, not even one attached to it; * lets Vendor in as well",
  },
];

/** Findings about the IAM of an account: by account, rule and policy. */
const IAM = [
  "pay identity-reads-all-keys managed ReadAll",
  "pay identity-shares-all-keys inline own",
  // The service control policy at the unit shared takes CreateGrant and PutKeyPolicy away from both roles.
  "logs identity-reads-all-keys inline own",
  "logs identity-reads-all-keys inline own",
];

const reportSchema = z.looseObject({
  keys: z.array(
    z.looseObject({
      arn: z.string(),
      exposure: z.string(),
      verdict: z.string(),
      findings: z.array(z.looseObject({ rule: z.string(), reason: z.string() })),
    }),
  ),
  accounts: z.array(
    z.looseObject({
      accountId: z.string(),
      iam: z.string(),
      findings: z.array(
        z.looseObject({
          rule: z.string(),
          policy: z.looseObject({ kind: z.string(), name: z.string() }),
        }),
      ),
    }),
  ),
  incomplete: z.array(z.looseObject({ where: z.string(), call: z.string(), code: z.string() })),
});
type Report = z.infer<typeof reportSchema>;

let folder: string;
let made: MadeEstate;
let sandbox: Sandbox;
const reports = new Map<"moto" | "sandbox", { readonly code: number | null; readonly text: string }>();

async function scan(url: string): Promise<{ readonly code: number | null; readonly text: string }> {
  const where = REGIONS.flatMap((region) => ["--region", region]);
  const { stdout, stderr, code } = await startCli(
    [
      "scan",
      "--endpoint-url",
      url,
      "--format",
      "json",
      "--organization",
      "--role",
      "KeywardReader",
      ...where,
    ],
    folder,
    {
      AWS_ACCESS_KEY_ID: made.auditor.accessKeyId,
      AWS_SECRET_ACCESS_KEY: made.auditor.secretAccessKey,
      AWS_REGION: "us-east-1",
    },
  ).done;
  if (stdout === "") throw new Error(`no report; stderr: ${stderr}`);
  return { code, text: stdout };
}

function reportOf(name: "moto" | "sandbox"): Report {
  return setApart(reportSchema.parse(JSON.parse(reports.get(name)?.text ?? "null")));
}

beforeAll(async () => {
  if (endpoint === "") throw new Error("moto is not running: npm run test:moto");
  folder = await mkdtemp(join(tmpdir(), "keyward-moto-org-"));
  await writeFile(join(folder, "keyward.yaml"), "trust:\n  organizations: auto\n");
  const user = Object.keys(PERMISSIONS).filter((a) => /^(organizations|sts):/.test(a));
  made = await makeEstate(endpoint, CASES, { role: actionsFor("scan"), user });
  sandbox = await startSandbox({
    snapshot: made.lines,
    callers: { [made.auditor.accessKeyId]: { arn: AUDITOR } },
    onlyCallers: true,
  });
  reports.set("moto", await scan(endpoint));
  reports.set("sandbox", await scan(sandbox.url));
}, 600_000);
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

/** The report without times. */
function timeless(text: string): unknown {
  return JSON.parse(
    text
      .replace(/"generatedAt": "[^"]*"/, '"generatedAt": ""')
      .replace(/"aws:(CurrentTime|EpochTime)":("[^"]*"|\["[^"]*"\]|[0-9]+)/g, '"aws:$1":""')
      // Unique ids of roles, which moto and the sandbox make up, each its own.
      .replace(/"aws:userid":\s*"AROA[A-Z0-9]+:/g, '"aws:userid":"AROA:'),
  ) as unknown;
}

describe.each(["moto", "sandbox"] as const)("an organization of three accounts in %s", (name) => {
  it.each(CASES.map((c) => [c.name, c.why, c] as const))("%s: %s", (_name, _why, c) => {
    const found = reportOf(name).keys.find((k) => made.names.get(k.arn) === c.name);
    const rules = [...new Set(found?.findings.map((f) => f.rule))].sort();
    expect({ exposure: found?.exposure, verdict: found?.verdict, rules }).toEqual({
      exposure: c.exposure,
      verdict: c.verdict,
      rules: [...c.rules].sort(),
    });
  });

  it("has these keys and no others, all of it was read, and keys are exposed", () => {
    const report = reportOf(name);
    expect(report.keys.map((k) => made.names.get(k.arn)).sort()).toEqual(CASES.map((c) => c.name).sort());
    expect(report.incomplete).toEqual([]);
    expect(reports.get(name)?.code).toBe(1);
  });

  it("has IAM policies that reach every key, as far as SCPs and boundaries let them", () => {
    const owners = new Map(Object.entries(made.ids.accounts).map(([owner, id]) => [id, owner]));
    const found = reportOf(name).accounts.flatMap((a) =>
      a.findings.map(
        (f) =>
          `${owners.get(a.accountId) ?? ""} ${f.rule} ${f.policy.kind} ${f.policy.name.split("/").at(-1) ?? ""}`,
      ),
    );
    expect(found.sort()).toEqual([...IAM].sort());
  });

  it("names the RCP that closes a key, and where it is attached", () => {
    const key = reportOf(name).keys.find((k) => made.names.get(k.arn) === "pay open behind the RCP");
    const closed = key?.findings.find((f) => f.rule === "closed-by-rcp");
    expect(closed?.reason).toContain(
      `Closed by RCP "perimeter" at the organizational unit ${made.ids.prod}.`,
    );
  });
});

it("the two reports are the same but for times", () => {
  expect(timeless(reports.get("moto")?.text ?? "")).toEqual(timeless(reports.get("sandbox")?.text ?? ""));
});

describe("what moto does not do, so that it proves nothing about it", () => {
  const client = (url: string, credentials: object) => ({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "", secretAccessKey: "", ...credentials },
    maxAttempts: 1,
  });
  const assume = (url: string): Promise<unknown> =>
    new STSClient(client(url, made.auditor)).send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${made.ids.accounts.logs}:role/Admin`,
        RoleSessionName: "test",
      }),
    );
  it("it lets anybody assume a role, whatever the trust policy says", async () => {
    await expect(assume(endpoint)).resolves.toBeDefined();
    await expect(assume(sandbox.url)).rejects.toThrow(/not authorized to perform: sts:AssumeRole/);
  });

  it("it enforces no identity policy: every call of the scan would work without one", async () => {
    const [key] = [...made.names.keys()].filter((arn) => arn.includes(made.ids.accounts.logs));
    const describe = (url: string): Promise<unknown> =>
      new KMSClient(client(url, made.auditor)).send(new DescribeKeyCommand({ KeyId: key ?? "" }));
    await expect(describe(sandbox.url)).rejects.toThrow(/not authorized to perform: kms:DescribeKey/);
    // It does not find keys of other accounts, where AWS would say that the caller may not.
    await expect(describe(endpoint)).rejects.toThrow(/does not exist|not found|Unable to find/i);
  });
});

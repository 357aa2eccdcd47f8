import { readFileSync } from "node:fs";
import { request } from "undici";
import { z } from "zod";
import type { Grant } from "../src/domain/grant.js";
import { type ActionName, type KeyArn, parseKeyArn } from "../src/domain/ids.js";
import { emptyBlob } from "../src/sandbox/ciphertext.js";
import type { KeyLine, SnapshotLine } from "../src/snapshot/lines.js";
import { snapshotHeader } from "../src/snapshot/write.js";
import { classifyVectors } from "./vectors.js";
import { wholeCoverage } from "./observed-use.js";

/** Exposed keys that a plan has to close, with who uses them: those of the vectors, and texts in odd layouts. */

export const OWNER = "111122223333";
const TRUSTED = "222233334444";
const MEMBER = "333344445555";
const PARTNER = "444455556666";
const STRANGER = "999988887777";

/** Somebody who calls, with what the condition keys of the request hold. */
export interface Caller {
  /** ARN of a role (for a session of it), user, session or root user. */
  readonly who: string;
  readonly context: Readonly<Record<string, string>>;
}

/** One operation by somebody. */
export interface Use extends Caller {
  readonly action: ActionName;
}

/** An exposed key. */
export interface ExposedCase {
  readonly id: string;
  readonly key: KeyLine;
  /** Resource control policies of its account: each case with some is an estate of its own. */
  readonly rcp: readonly string[];
  /** Who can put its policy; undefined: the administrators of its account, or nobody. */
  readonly manager: Caller | undefined;
  /** Uses of the zone that every strategy keeps. */
  readonly keep: readonly Use[];
  /** Uses of the zone that the strategy `remove` ends. */
  readonly lost: readonly Use[];
  /** Uses of outsiders that have to end. */
  readonly out: readonly Use[];
  /** Strategies that cannot close it, and the obligation that fails. */
  readonly refused: Readonly<Record<string, string>>;
  /** The text that a rollback puts back where KMS does not take the old one: without ids of deleted principals. */
  readonly orphans: boolean;
}

const use = z.strictObject({
  who: z.string(),
  do: z.string(),
  context: z.record(z.string(), z.string()).optional(),
});
const line = z.strictObject({
  id: z.string(),
  text: z.string(),
  exposure: z.enum(["public", "external"]),
  keep: z.array(use),
  lost: z.array(use),
  out: z.array(use),
  orphans: z.boolean().optional(),
  manager: z.string().optional(),
  managerContext: z.record(z.string(), z.string()).optional(),
  refused: z.string().optional(),
  removeRefused: z.boolean().optional(),
  boundRefused: z.boolean().optional(),
  narrowRefused: z.enum(["manageable", "storable"]).optional(),
  why: z.string(),
});

/** The policies of test/cases/exposed-texts.jsonl, byte for byte. */
export function exposedTexts(): readonly ExposedCase[] {
  const text = readFileSync(new URL("cases/exposed-texts.jsonl", import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((l) => l !== "")
    .map((l, i) => fromLine(line.parse(JSON.parse(l)), i));
}

function fromLine(c: z.infer<typeof line>, index: number): ExposedCase {
  const uses = (list: readonly z.infer<typeof use>[]): readonly Use[] =>
    list.map((u) => ({ who: u.who, action: u.do as ActionName, context: u.context ?? {} }));
  const all = c.refused;
  return {
    id: c.id,
    key: keyLine(index, 1, c.text, []),
    rcp: [],
    manager: c.manager === undefined ? undefined : { who: c.manager, context: c.managerContext ?? {} },
    keep: uses(c.keep),
    lost: uses(c.lost),
    out: uses(c.out),
    orphans: c.orphans === true,
    refused: {
      ...(all === undefined ? {} : { remove: all, narrow: all, bound: all, auto: all }),
      ...(c.removeRefused === true ? { remove: "manageable" } : {}),
      ...(c.boundRefused === true ? { bound: "storable" } : {}),
      ...(c.narrowRefused === undefined ? {} : { narrow: c.narrowRefused }),
    },
  };
}

/** The exposed keys of the vectors, in three layouts by turns. */
export function exposedVectors(): readonly ExposedCase[] {
  return classifyVectors()
    .filter((v) => v.expect.exposure === "public" || v.expect.exposure === "external")
    .map((v, i) => {
      const grants = (v.grants ?? []).map((g, n) => ({ ...g, GrantId: `${v.id}-${n}` })) as readonly Grant[];
      const key = keyLine(i, 2, JSON.stringify(v.policy, null, [0, 2, "\t"][i % 3]), grants);
      return {
        id: v.id,
        key: { ...key, ...(v.key as Partial<KeyLine> | undefined) },
        rcp: v.rcp === undefined ? [] : [JSON.stringify({ Version: "2012-10-17", Statement: v.rcp })],
        manager: undefined,
        keep: [],
        lost: [],
        out: [],
        refused: {},
        orphans: false,
      };
    });
}

const REGIONS = [
  "us-east-1",
  "eu-west-1",
  "us-west-2",
  "eu-central-1",
  "ap-south-1",
  "sa-east-1",
  "us-east-2",
  "eu-west-2",
];

function keyLine(index: number, set: number, text: string, grants: readonly Grant[]): KeyLine {
  // Spread over Regions, each of which has quotas of its own; what names a Region stays in it.
  const region = text.includes("us-east-1") ? "us-east-1" : (REGIONS[index % REGIONS.length] ?? "");
  const id = `${String(set).padStart(8, "0")}-0000-4000-8000-${String(index).padStart(12, "0")}`;
  return {
    type: "key",
    arn: `arn:aws:kms:${region}:${OWNER}:key/${id}`,
    manager: "CUSTOMER",
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    origin: "AWS_KMS",
    multiRegion: false,
    aliases: [],
    tags: {},
    policy: { kind: "present", text },
    grants: { kind: "present", items: grants },
  };
}

/** Keys with the organizations around them. */
export function exposedEstate(cases: readonly ExposedCase[]): readonly SnapshotLine[] {
  const rcps = [...new Set(cases.flatMap((c) => c.rcp))];
  return [
    snapshotHeader(Date.UTC(2026, 10, 23), "test"),
    organization("o-own1234567", [OWNER, MEMBER]),
    organization("o-partner0001", [PARTNER]),
    ...rcps.map((text): SnapshotLine => ({ type: "resource-control-policy", target: OWNER, text })),
    ...cases.map((c) => c.key),
  ];
}

function organization(id: string, accounts: readonly string[]): SnapshotLine {
  const path = `${id}/r-ab12/`;
  return {
    type: "organization",
    id,
    managementAccountId: "555566667777",
    accounts: accounts.map((account) => ({ id: account, path })),
  };
}

/** The zone of trust of all cases: that of the vectors, and one role of an account that is not in it. */
export const TRUST = `trust:
  organizations: [o-own1234567]
  accounts: [{ id: "${TRUSTED}" }]
  principals: ["arn:aws:iam::777766665555:role/Backup"]
`;

const role = (account: string, name: string): Caller => ({
  who: `arn:aws:iam::${account}:role/${name}`,
  context: {},
});

/** Callers that every key is tried with. */
export const ZONE_CALLERS: readonly Caller[] = [
  role(OWNER, "App"),
  { who: `arn:aws:iam::${OWNER}:user/ann`, context: {} },
  role(TRUSTED, "Etl"),
  role(MEMBER, "Reader"),
];
export const OUTSIDE_CALLERS: readonly Caller[] = [
  role(PARTNER, "app"),
  role(PARTNER, "Partner"),
  role(STRANGER, "app"),
  { who: `arn:aws:iam::${STRANGER}:user/bob`, context: {} },
];

/** What they are tried with, and the parameters of the call: none of them changes anything. */
export const TRIED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "kms:Decrypt": {},
  "kms:Encrypt": { Plaintext: "AA==", DryRun: true },
  "kms:GenerateDataKey": { KeySpec: "AES_256", DryRun: true },
  "kms:DescribeKey": {},
  "kms:ListGrants": {},
  "kms:CreateGrant": {
    GranteePrincipal: `arn:aws:iam::${STRANGER}:role/app`,
    Operations: ["Decrypt"],
    DryRun: true,
  },
};

/** Access keys for callers, and the callers file that names them. */
export class AccessKeys {
  private readonly ids = new Map<string, { readonly id: string; readonly caller: Caller }>();

  of(caller: Caller): string {
    const name = JSON.stringify([caller.who, caller.context]);
    const known = this.ids.get(name);
    if (known !== undefined) return known.id;
    const id = `AKIACALLER${String(this.ids.size).padStart(10, "0")}`;
    this.ids.set(name, { id, caller });
    return id;
  }

  file(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      [...this.ids.values()].map(({ id, caller }) => [
        id,
        { arn: sessionArn(caller.who), context: caller.context },
      ]),
    );
  }
}

/** A role calls by a session. */
function sessionArn(who: string): string {
  const found = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(who);
  return found === null ? who : `arn:aws:sts::${found[1] ?? ""}:assumed-role/${found[2] ?? ""}/session`;
}

/** Whether the KMS at this address lets a caller do it. */
export async function permits(url: string, key: string, action: string, accessKey: string): Promise<boolean> {
  const parameters = TRIED[action];
  if (parameters === undefined) throw new Error(`nobody knows how to try ${action}`);
  // Tens of thousands of these are sent: fetch would take most of the time of the tests.
  const response = await request(url, {
    method: "POST",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/20261123/${key.split(":")[3] ?? ""}/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=00`,
      "x-amz-date": "20261123T100000Z",
      "x-amz-target": `TrentService.${action.slice("kms:".length)}`,
      "content-type": "application/x-amz-json-1.1",
    },
    body: JSON.stringify({
      KeyId: key,
      ...parameters,
      ...(action === "kms:Decrypt" ? { CiphertextBlob: emptyBlob(parsedArn(key)).toString("base64") } : {}),
    }),
  });
  const body = (await response.body.json()) as { readonly __type?: string };
  // Both are said only to those who may: to a dry run, and to a ciphertext that the key has not made.
  return (
    response.statusCode === 200 ||
    body.__type === "DryRunOperationException" ||
    body.__type === "InvalidCiphertextException"
  );
}

function parsedArn(text: string): KeyArn {
  const arn = parseKeyArn(text);
  if (arn === undefined) throw new Error(`no key: ${text}`);
  return arn;
}

/** Uses as a usage file shows them. */
export function usageFile(uses: ReadonlyMap<string, readonly Use[]>): string {
  const lines: unknown[] = [
    { type: "usage-file", schema: "keyward.usage/1", createdAt: "2026-11-23T10:00:00Z", tool: "test" },
    {
      type: "usage-coverage",
      coverage: wholeCoverage(REGIONS),
    },
  ];
  for (const key of [...uses.keys()].sort()) {
    const entries = (uses.get(key) ?? []).map(({ who, action, context }) => {
      const via = context["kms:ViaService"]?.replace(".us-east-1.", ".");
      return {
        principal: { kind: who.includes(":user/") ? "user" : "role", arn: who },
        account: who.split(":")[4],
        ...(via === undefined ? {} : { via }),
        action,
        contextKeys: [],
        sourceNetwork: { kind: "public-address" },
        outcome: { kind: "allowed" },
        count: 3,
        firstSeen: "2026-11-02T00:00:00Z",
        lastSeen: "2026-11-19T00:00:00Z",
      };
    });
    lines.push({ type: "usage", key, entries, omitted: 0 });
  }
  lines.push({ type: "usage-end", keys: uses.size });
  return lines.map((l) => `${JSON.stringify(l)}\n`).join("");
}

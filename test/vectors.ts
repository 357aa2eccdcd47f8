import { readFileSync } from "node:fs";
import { z } from "zod";
import { KEY_STATES, KEY_USAGES, type KeyFacts } from "../src/domain/key.js";
import type { Grant } from "../src/domain/grant.js";
import {
  keyArnParts,
  parseAccountId,
  parseKeyArn,
  parseOrganizationId,
  type AccountId,
  type ActionName,
  type OrganizationId,
} from "../src/domain/ids.js";
import { formatProblem } from "../src/domain/result.js";
import { EXPOSURES } from "../src/domain/verdict.js";
import { EMPTY_ZONE, type Zone } from "../src/domain/zone.js";
import type { Policy } from "../src/policy/ast.js";
import { parsePolicyValue } from "../src/policy/parse.js";
import { parseCaller } from "../src/semantics/arn.js";
import type { AccessRequest, KeyDocument, Limit } from "../src/semantics/request.js";

/** The account that owns the key of a vector. */
export const VECTOR_OWNER = "111122223333";
/** The date of the vectors, in seconds since the epoch. */
export const VECTOR_TIME = Date.UTC(2026, 10, 23) / 1000;

const texts = z.record(z.string(), z.string());

const grant = z.strictObject({
  GrantId: z.string(),
  KeyId: z.string().optional(),
  Name: z.string().optional(),
  GranteePrincipal: z.string().optional(),
  GranteeServicePrincipal: z.string().optional(),
  RetiringPrincipal: z.string().optional(),
  RetiringServicePrincipal: z.string().optional(),
  IssuingAccount: z.string().optional(),
  Operations: z.array(z.string()).optional(),
  Constraints: z
    .strictObject({
      EncryptionContextSubset: texts.optional(),
      EncryptionContextEquals: texts.optional(),
      SourceArn: z.string().optional(),
    })
    .optional(),
});

const request = z.strictObject({
  principal: z.string(),
  action: z.string(),
  identity: z.enum(["allow", "none", "deny"]),
  ctx: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  encryption_context: texts.optional(),
  params: z.record(z.string(), z.union([z.string(), z.array(z.string()), texts])).optional(),
  key_state: z.enum(KEY_STATES).optional(),
});

const key = z.strictObject({
  state: z.enum(KEY_STATES).optional(),
  spec: z.string().optional(),
  usage: z.enum(KEY_USAGES).optional(),
  origin: z.string().optional(),
  multiRegion: z.boolean().optional(),
  multiRegionKeyType: z.string().optional(),
  tags: texts.optional(),
  aliases: z.array(z.string()).optional(),
});

const common = {
  id: z.string(),
  policy: z.unknown(),
  key: key.optional(),
  grants: z.array(grant).optional(),
  rcp: z.array(z.unknown()).optional(),
  zone: z.strictObject({ accounts: z.array(z.string()), orgs: z.array(z.string()) }).optional(),
  sure: z.boolean(),
  why: z.string(),
};

const vector = z.discriminatedUnion("mode", [
  z.strictObject({
    ...common,
    mode: z.literal("classify"),
    expect: z.strictObject({
      exposure: z.enum(EXPOSURES),
      who: z.string().optional(),
      everybody: z.array(z.string()).optional(),
      note: z.string().optional(),
    }),
  }),
  z.strictObject({
    ...common,
    mode: z.literal("eval"),
    boundary: z.enum(["allow", "implicit-deny"]).optional(),
    req: request,
    expect: z.strictObject({ decision: z.enum(["ALLOW", "DENY"]) }),
  }),
]);

/** One case, as test/cases/README.md describes it. */
export type Vector = z.infer<typeof vector>;
/** A case that judges one request. */
export type EvalVector = Extract<Vector, { mode: "eval" }>;
/** A case that judges the whole key. */
export type ClassifyVector = Extract<Vector, { mode: "classify" }>;

/** The files of test/cases. */
const CASE_FILES = ["key-policies.jsonl", "derived.jsonl"];

/** All cases of test/cases. Throws for a line that is not one, and for an id that stands there twice. */
export function loadVectors(): readonly Vector[] {
  const all = CASE_FILES.flatMap((file) =>
    readFileSync(new URL(`cases/${file}`, import.meta.url), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => vector.parse(JSON.parse(line))),
  );
  if (new Set(all.map((v) => v.id)).size < all.length) throw new Error("two cases have the same id");
  return all;
}

/** The cases that judge one request. */
export function evalVectors(): readonly EvalVector[] {
  return loadVectors().filter((v) => v.mode === "eval");
}

/** The cases that judge a whole key. */
export function classifyVectors(): readonly ClassifyVector[] {
  return loadVectors().filter((v) => v.mode === "classify");
}

/** The key of a case, with its policies parsed. */
export function vectorKeyDocument(v: Vector): KeyDocument {
  return {
    facts: vectorFacts(v),
    policy: parsed(v.policy, v.id, "key"),
    // Zod adds `| undefined` to optional fields; JSON never holds them.
    grants: (v.grants ?? []) as readonly Grant[],
    resourceControlPolicies:
      v.rcp === undefined ? [] : [parsed({ Version: "2012-10-17", Statement: v.rcp }, v.id, "rcp")],
  };
}

/** The facts about the key of a case: the documented defaults, and what the case says otherwise. */
export function vectorFacts(v: Vector): KeyFacts {
  const arn = parseKeyArn(`arn:aws:kms:us-east-1:${VECTOR_OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`);
  if (arn === undefined) throw new Error("the default key ARN is wrong");
  const state = v.mode === "eval" ? v.req.key_state : undefined;
  const facts = {
    arn,
    ...keyArnParts(arn),
    organization: { kind: "present", value: { id: organization("o-own1234567") } },
    state: state ?? "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    origin: "AWS_KMS",
    multiRegion: false,
    tags: {},
    aliases: [],
  } satisfies KeyFacts;
  return { ...facts, ...(v.key as Partial<KeyFacts> | undefined) };
}

/** The zone of trust of a case. */
export function vectorZone(v: Vector): Zone {
  const zone = v.zone ?? { accounts: [VECTOR_OWNER, "222233334444"], orgs: ["o-own1234567"] };
  return { ...EMPTY_ZONE, accounts: zone.accounts.map(account), organizations: zone.orgs.map(organization) };
}

/** The request of a case. */
export function vectorRequest(v: EvalVector): AccessRequest {
  const { req } = v;
  const caller = parseCaller(req.principal);
  if (!caller.ok) throw new Error(`${v.id}: ${formatProblem(caller.error)}`);
  const parameters = parameterKeys(req.params ?? {});
  const encryptionContext = req.encryption_context ?? parameters.encryptionContext;
  return {
    caller: caller.value,
    action: req.action as ActionName,
    context: { ...parameters.context, ...req.ctx },
    ...(encryptionContext === undefined ? {} : { encryptionContext }),
    time: VECTOR_TIME,
    identity: { kind: req.identity },
    boundary: limit(v.boundary),
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
}

/** The condition keys that KMS fills from request parameters. Source: KMS Developer Guide, "AWS KMS condition keys". */
const PARAMETER_KEYS: Readonly<Record<string, string>> = {
  GranteePrincipal: "kms:GranteePrincipal",
  GranteeServicePrincipal: "kms:GranteeServicePrincipal",
  RetiringPrincipal: "kms:RetiringPrincipal",
  RetiringServicePrincipal: "kms:RetiringServicePrincipal",
  Operations: "kms:GrantOperations",
  EncryptionAlgorithm: "kms:EncryptionAlgorithm",
  SigningAlgorithm: "kms:SigningAlgorithm",
  MacAlgorithm: "kms:MacAlgorithm",
  MessageType: "kms:MessageType",
};

function parameterKeys(params: NonNullable<EvalVector["req"]["params"]>): {
  readonly context: Record<string, string | string[]>;
  readonly encryptionContext: Record<string, string> | undefined;
} {
  const context: Record<string, string | string[]> = {};
  let encryptionContext: Record<string, string> | undefined;
  for (const [name, value] of Object.entries(params)) {
    if (typeof value === "object" && !Array.isArray(value)) {
      if (name !== "EncryptionContext") throw new Error(`no condition key for the parameter ${name}`);
      encryptionContext = value;
      continue;
    }
    if (name === "KeyId") {
      const alias = /(?:^|:)(alias\/.+)$/.exec(String(value))?.[1];
      if (alias !== undefined) context["kms:RequestAlias"] = alias;
      continue;
    }
    const conditionKey = PARAMETER_KEYS[name];
    if (conditionKey === undefined) throw new Error(`no condition key for the parameter ${name}`);
    context[conditionKey] = value;
  }
  return { context, encryptionContext };
}

function limit(kind: EvalVector["boundary"]): Limit {
  return { kind: kind ?? "absent" };
}

function parsed(value: unknown, id: string, kind: "key" | "rcp"): Policy {
  const { policy, diagnostics } = parsePolicyValue(value, { kind });
  if (policy === undefined) throw new Error(`${id}: ${diagnostics.map((d) => d.message).join("; ")}`);
  return policy;
}

function account(text: string): AccountId {
  const id = parseAccountId(text);
  if (id === undefined) throw new Error(`not an account id: ${text}`);
  return id;
}

function organization(text: string): OrganizationId {
  const id = parseOrganizationId(text);
  if (id === undefined) throw new Error(`not an organization id: ${text}`);
  return id;
}

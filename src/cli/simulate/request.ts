import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Grant } from "../../domain/grant.js";
import { KEY_STATES, type KeyState } from "../../domain/key.js";
import { records } from "../../domain/records.js";
import { firstDuplicate, pathText } from "./json-path.js";
import { KeywardError } from "../../domain/result.js";
import type { Policy } from "../../policy/ast.js";
import type { PolicyKind } from "../../policy/context.js";
import { locator } from "../../policy/locate.js";
import { parsePolicy, parsePolicyValue } from "../../policy/parse.js";
import type { NamedPolicy, PolicyKindBeside } from "../../report/policy-answers.js";
import { parseCaller } from "../../semantics/arn.js";
import type { AccessRequest, IdentitySide, Limit } from "../../semantics/request.js";
import { parseAction } from "./action.js";

const text = z.string();
const texts = records(text);
const policy = z
  .union([z.looseObject({ Statement: z.unknown() }), text])
  .describe("A policy: the JSON itself, or its text.");
const grant = z.strictObject({
  GrantId: text,
  KeyId: text.exactOptional(),
  Name: text.exactOptional(),
  CreationDate: text.exactOptional(),
  GranteePrincipal: text.exactOptional(),
  GranteeServicePrincipal: text.exactOptional(),
  RetiringPrincipal: text.exactOptional(),
  RetiringServicePrincipal: text.exactOptional(),
  IssuingAccount: text.exactOptional(),
  Operations: z.array(text).exactOptional(),
  Constraints: z
    .strictObject({
      EncryptionContextSubset: texts.exactOptional(),
      EncryptionContextEquals: texts.exactOptional(),
      SourceArn: text.exactOptional(),
    })
    .exactOptional(),
});

/** Grants, as ListGrants returns them. */
export const grantsSchema = z.union([z.array(grant), z.looseObject({ Grants: z.array(grant) })]);

/** One request of `keyward simulate`, as a file holds it. */
export const simulateRequestSchema = z.strictObject({
  id: text.exactOptional().describe("Comes back with the answer."),
  principal: text.describe(
    "ARN of a user, role, session, federated user or account root, or a service's name.",
  ),
  action: text.describe("For example kms:Decrypt."),
  identity: z
    .union([z.enum(["allow", "none", "deny"]), z.array(policy)])
    .exactOptional()
    .describe(
      "What the caller's identity policies say, or the policies. Left out: as the snapshot has them, else not known.",
    ),
  boundary: z
    .union([z.enum(["none", "allow", "implicit-deny"]), policy])
    .exactOptional()
    .describe("Left out: as the snapshot has it, else none."),
  sessionPolicy: z.union([z.enum(["none", "allow", "implicit-deny"]), policy]).exactOptional(),
  serviceControlPolicies: z
    .array(policy)
    .exactOptional()
    .describe("All of them must allow. Left out: as the snapshot has them, else none."),
  resourceControlPolicies: z.array(policy).exactOptional().describe("Instead of those of the snapshot."),
  callerIsInManagementAccount: z
    .boolean()
    .exactOptional()
    .describe("Service control policies do not bind it."),
  grants: z.array(grant).exactOptional().describe("Instead of those of the snapshot."),
  context: records(z.union([text, z.array(text)])).exactOptional(),
  encryptionContext: texts.exactOptional(),
  keyState: z.enum(KEY_STATES).exactOptional(),
  grantId: text.exactOptional().describe("kms:RetireGrant only."),
  time: text.exactOptional().describe("RFC 3339. Left out: now."),
});
export type SimulateRequest = z.infer<typeof simulateRequestSchema>;

/** A request as it was asked; what it leaves out is filled from the snapshot. */
export interface Prepared {
  readonly id: string | undefined;
  /** With nothing on the caller's side beyond what was given. */
  readonly request: AccessRequest;
  /** What was given, and is not to be taken from the snapshot. */
  readonly given: {
    readonly identity: boolean;
    readonly boundary: boolean;
    readonly serviceControlPolicies: boolean;
  };
  readonly grants: readonly Grant[] | undefined;
  /** Undefined: those of the snapshot. */
  readonly resourceControlPolicies: readonly Policy[] | undefined;
  /** The policies that were given, by name. */
  readonly policies: readonly NamedPolicy[];
  readonly keyState: KeyState | undefined;
  readonly notes: readonly string[];
}

/** What the policies of a request are called: their files, for those that flags name. */
export type PolicyNames = Readonly<Partial<Record<PolicyKindBeside, readonly string[]>>>;

/** Checks a request. `where`: file, or file and line. Throws a {@link KeywardError} that names the JSON path. */
export function prepareRequest(
  value: unknown,
  where: string,
  now: number,
  names: PolicyNames = {},
): Prepared {
  const parsed = simulateRequestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new KeywardError({
      what: `not a request: ${issue?.message ?? "wrong form"}`,
      where: `${where}, at ${pathText(issue?.path ?? [])}`,
      expected: "the fields of a request: principal and action at least",
      next: "see schemas/simulate-request.schema.json",
    });
  }
  const r = parsed.data;
  const caller = parseCaller(r.principal);
  if (!caller.ok) throw new KeywardError({ ...caller.error, where: `${where}, at $.principal` });
  const action = parseAction(r.action, `${where}, at $.action`);
  const notes: string[] = [];
  const policies: NamedPolicy[] = [];
  const read = (given: z.infer<typeof policy>, kind: PolicyKindBeside, path: string, number = 0): Policy => {
    const read = policyOf(given, LANGUAGE[kind], `${where}, at ${path}`);
    policies.push({ kind, name: names[kind]?.[number] ?? path.replace("$.", ""), policy: read });
    return read;
  };
  const limit = (
    p: SimulateRequest["boundary"],
    kind: "boundary" | "session-policy",
    path: string,
  ): Limit => {
    if (p === undefined || p === "none") return { kind: "absent" };
    if (p === "allow" || p === "implicit-deny") return { kind: p };
    return { kind: "policy", policy: read(p, kind, path) };
  };
  const list = (
    given: readonly z.infer<typeof policy>[],
    kind: PolicyKindBeside,
    field: string,
  ): readonly Policy[] => given.map((p, i) => read(p, kind, `$.${field}[${i}]`, i));
  const managed = r.callerIsInManagementAccount === true;
  const scps = managed
    ? []
    : list(r.serviceControlPolicies ?? [], "service-control-policy", "serviceControlPolicies");
  if (managed && (r.serviceControlPolicies ?? []).length > 0) {
    notes.push("Service control policies do not bind the management account: they were set aside.");
  }
  const identity: IdentitySide = Array.isArray(r.identity)
    ? { kind: "policies", policies: list(r.identity, "identity", "identity") }
    : { kind: r.identity ?? "none" };
  const time = r.time === undefined ? now : Date.parse(r.time) / 1000;
  if (Number.isNaN(time)) {
    throw new KeywardError({
      what: "not a time",
      where: `${where}, at $.time`,
      expected: "RFC 3339, such as 2026-11-23T10:00:00Z",
      got: r.time ?? "",
      next: "write the time so, or leave it out: then it is now",
    });
  }
  refuseTwice(Object.keys(r.context ?? {}), `${where}, at $.context`);
  return {
    id: r.id,
    request: {
      caller: caller.value,
      action,
      context: r.context ?? {},
      ...(r.encryptionContext === undefined ? {} : { encryptionContext: r.encryptionContext }),
      time,
      identity,
      boundary: limit(r.boundary, "boundary", "$.boundary"),
      sessionPolicy: limit(r.sessionPolicy, "session-policy", "$.sessionPolicy"),
      serviceControlPolicies: scps,
      ...(r.grantId === undefined ? {} : { grantId: r.grantId }),
    },
    given: {
      identity: r.identity !== undefined,
      boundary: r.boundary !== undefined,
      serviceControlPolicies: managed || r.serviceControlPolicies !== undefined,
    },
    grants: r.grants,
    resourceControlPolicies:
      r.resourceControlPolicies === undefined
        ? undefined
        : list(r.resourceControlPolicies, "resource-control-policy", "resourceControlPolicies"),
    policies,
    keyState: r.keyState,
    notes,
  };
}

/** The id of a line that is no request, where it has one. */
export function idOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null && "id" in value && typeof value.id === "string"
    ? value.id
    : undefined;
}

const LANGUAGE: Readonly<Record<PolicyKindBeside, PolicyKind>> = {
  identity: "identity",
  boundary: "identity",
  "session-policy": "identity",
  "service-control-policy": "scp",
  "resource-control-policy": "rcp",
};

function policyOf(value: z.infer<typeof policy>, kind: PolicyKind, where: string): Policy {
  const parsed = typeof value === "string" ? parsePolicy(value, { kind }) : parsePolicyValue(value, { kind });
  const wrong = parsed.diagnostics.find((d) => d.level !== "warning");
  if (parsed.policy !== undefined && wrong === undefined) return parsed.policy;
  const place = typeof value === "string" && wrong !== undefined ? locator(value)(wrong.path) : undefined;
  throw new KeywardError({
    what: wrong?.message ?? "this is no policy",
    where: `${where}${place === undefined ? "" : `, line ${place.line}, column ${place.column}`}, in the policy at ${pathText(wrong?.path ?? [])}`,
    next: "correct the policy: one that AWS would not store has no answer",
  });
}

/** The JSON of a file. Throws a {@link KeywardError} that names file and place. */
export async function readJson(path: string): Promise<unknown> {
  const content = await readTextFile(path);
  const twice = firstDuplicate(content);
  if (twice !== undefined) {
    throw new KeywardError({
      what: "a member stands twice, and the last would silently win",
      where: path,
      expected: "every member of an object once",
      got: twice,
      next: "leave one of them",
    });
  }
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new KeywardError({
      what: "not JSON",
      where: path,
      got: error instanceof Error ? error.message : String(error),
      next: "correct the file",
    });
  }
}

/** A text file, or a failure in words. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new KeywardError({
      what: "cannot be read",
      where: path,
      got: error instanceof Error ? error.message : String(error),
      next: "check the path and its permissions",
    });
  }
}

/** AWS compares names of condition keys without case: a second spelling would silently take the place of the first. */
function refuseTwice(names: readonly string[], where: string): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const before = seen.get(name.toLowerCase());
    if (before !== undefined) {
      throw new KeywardError({
        what: "one condition key in two spellings",
        where,
        got: `${before} and ${name}`,
        next: "give each key once; a key of several values takes a list",
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}

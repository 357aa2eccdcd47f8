import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { ActionName } from "../../domain/ids.js";
import type { Grant } from "../../domain/grant.js";
import { KEY_STATES, type KeyState } from "../../domain/key.js";
import { KeywardError } from "../../domain/result.js";
import type { Policy } from "../../policy/ast.js";
import type { PolicyKind } from "../../policy/context.js";
import { locator } from "../../policy/locate.js";
import { parsePolicy, parsePolicyValue } from "../../policy/parse.js";
import { actionFacts } from "../../semantics/actions.js";
import { parseCaller } from "../../semantics/arn.js";
import type { AccessRequest, IdentitySide, Limit } from "../../semantics/request.js";

const text = z.string();
const texts = z.record(text, text);
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
    .describe("What the caller's identity policies say, or the policies. Left out: not known."),
  boundary: z
    .union([z.enum(["allow", "implicit-deny"]), policy])
    .exactOptional()
    .describe("Left out: there is none."),
  sessionPolicy: z.union([z.enum(["allow", "implicit-deny"]), policy]).exactOptional(),
  serviceControlPolicies: z.array(policy).exactOptional().describe("All of them must allow."),
  resourceControlPolicies: z.array(policy).exactOptional().describe("Beside those of the snapshot."),
  callerIsInManagementAccount: z
    .boolean()
    .exactOptional()
    .describe("Service control policies do not bind it."),
  grants: z.array(grant).exactOptional().describe("Instead of those of the snapshot."),
  context: z.record(text, z.union([text, z.array(text)])).exactOptional(),
  encryptionContext: texts.exactOptional(),
  keyState: z.enum(KEY_STATES).exactOptional(),
  grantId: text.exactOptional().describe("kms:RetireGrant only."),
  time: text.exactOptional().describe("RFC 3339. Left out: now."),
});
export type SimulateRequest = z.infer<typeof simulateRequestSchema>;

/** A request ready for the reference, and what of the key it changes. */
export interface Prepared {
  readonly id: string | undefined;
  readonly request: AccessRequest;
  /** The caller's identity policies were not given. */
  readonly identityUnknown: boolean;
  readonly grants: readonly Grant[] | undefined;
  readonly resourceControlPolicies: readonly Policy[];
  readonly keyState: KeyState | undefined;
  readonly notes: readonly string[];
}

/** Checks a request. `where`: file, or file and line. Throws a {@link KeywardError} that names the JSON path. */
export function prepareRequest(value: unknown, where: string, now: number): Prepared {
  const parsed = simulateRequestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new KeywardError({
      what: `not a request: ${issue?.message ?? "wrong form"}`,
      where: `${where}, at ${pathText(issue?.path ?? [])}`,
      next: "see schemas/simulate-request.schema.json",
    });
  }
  const r = parsed.data;
  const caller = parseCaller(r.principal);
  if (!caller.ok) throw new KeywardError({ ...caller.error, where: `${where}, at $.principal` });
  const facts = actionFacts(r.action);
  const notes: string[] = [];
  const read = (p: z.infer<typeof policy>, kind: PolicyKind, path: string): Policy =>
    policyOf(p, kind, `${where}, at ${path}`);
  const limit = (p: SimulateRequest["boundary"], path: string): Limit => {
    if (p === undefined) return { kind: "absent" };
    if (p === "allow" || p === "implicit-deny") return { kind: p };
    return { kind: "policy", policy: read(p, "identity", path) };
  };
  let scps = (r.serviceControlPolicies ?? []).map((p, i) => read(p, "scp", `$.serviceControlPolicies[${i}]`));
  if (r.callerIsInManagementAccount === true && scps.length > 0) {
    scps = [];
    notes.push("Service control policies do not bind the management account: they were set aside.");
  }
  const identity: IdentitySide = Array.isArray(r.identity)
    ? { kind: "policies", policies: r.identity.map((p, i) => read(p, "identity", `$.identity[${i}]`)) }
    : { kind: r.identity ?? "none" };
  const time = r.time === undefined ? now : Date.parse(r.time) / 1000;
  if (Number.isNaN(time)) {
    throw new KeywardError({
      what: "not a time",
      where: `${where}, at $.time`,
      expected: "RFC 3339, such as 2026-11-23T10:00:00Z",
      got: r.time ?? "",
    });
  }
  return {
    id: r.id,
    request: {
      caller: caller.value,
      action: facts?.name ?? (r.action as ActionName),
      context: r.context ?? {},
      ...(r.encryptionContext === undefined ? {} : { encryptionContext: r.encryptionContext }),
      time,
      identity,
      boundary: limit(r.boundary, "$.boundary"),
      sessionPolicy: limit(r.sessionPolicy, "$.sessionPolicy"),
      serviceControlPolicies: scps,
      ...(r.grantId === undefined ? {} : { grantId: r.grantId }),
    },
    identityUnknown: r.identity === undefined,
    grants: r.grants,
    resourceControlPolicies: (r.resourceControlPolicies ?? []).map((p, i) =>
      read(p, "rcp", `$.resourceControlPolicies[${i}]`),
    ),
    keyState: r.keyState,
    notes,
  };
}

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

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (out, p) => (typeof p === "number" ? `${out}[${p}]` : `${out}.${String(p)}`),
    "$",
  );
}

/** The JSON of a file. Throws a {@link KeywardError} that names file and place. */
export async function readJson(path: string): Promise<unknown> {
  const content = await readTextFile(path);
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

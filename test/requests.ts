import { keyArnParts, parseAccountId, parseKeyArn, parseOrganizationId } from "../src/domain/ids.js";
import type { AccountId, ActionName, OrganizationId } from "../src/domain/ids.js";
import type { Grant } from "../src/domain/grant.js";
import type { KeyFacts } from "../src/domain/key.js";
import { formatProblem } from "../src/domain/result.js";
import type { Policy } from "../src/policy/ast.js";
import { parsePolicyValue } from "../src/policy/parse.js";
import { parseCaller } from "../src/semantics/arn.js";
import type { AccessRequest, Caller, KeyDocument } from "../src/semantics/request.js";

/** The account of the key in the tests' examples. */
export const OWNER = accountId("111122223333");
/** An account that is not the key's. */
export const OTHER = accountId("444455556666");
export const KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/** 2026-11-23T00:00:00Z */
export const NOW = 1_795_392_000;

/** A policy from its statements, under Version 2012-10-17 unless said otherwise. */
export function policy(
  statements: readonly unknown[],
  version: string | null = "2012-10-17",
  kind: "key" | "identity" | "scp" | "rcp" = "key",
): Policy {
  const parsed = parsePolicyValue(
    { ...(version === null ? {} : { Version: version }), Statement: statements },
    { kind },
  );
  if (parsed.policy === undefined) throw new Error(parsed.diagnostics.map((d) => d.message).join("; "));
  return parsed.policy;
}

/** An Allow of kms:Decrypt for everybody, with what differs. */
export function allow(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return statement("Allow", members);
}

/** A Deny of kms:Decrypt for everybody, with what differs. */
export function deny(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return statement("Deny", members);
}

function statement(effect: string, members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const principal = "NotPrincipal" in members ? {} : { Principal: "*" };
  const action = "NotAction" in members ? {} : { Action: "kms:Decrypt" };
  const resource = "NotResource" in members ? {} : { Resource: "*" };
  return { Effect: effect, ...principal, ...action, ...resource, ...members };
}

/** Facts that differ from the example's; `undefined`: not known. */
export type FactsOver = { readonly [K in keyof KeyFacts]?: KeyFacts[K] | undefined };

/** The facts of an enabled symmetric key in an organization, with what differs. */
export function keyFacts(over: FactsOver = {}): KeyFacts {
  const arn = parseKeyArn(KEY_ARN);
  if (arn === undefined) throw new Error("the example's key ARN is wrong");
  const facts = {
    arn,
    ...keyArnParts(arn),
    organization: {
      kind: "present",
      value: { id: organizationId("o-own1234567"), path: "o-own1234567/r-ab12/" },
    },
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    origin: "AWS_KMS",
    multiRegion: false,
    tags: {},
    aliases: [],
    ...over,
  };
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined),
  ) as unknown as KeyFacts;
}

/** A key with these statements, with what differs. */
export function keyWith(
  statements: readonly unknown[],
  over: {
    readonly facts?: FactsOver;
    readonly grants?: readonly Grant[];
    readonly grantsUnread?: true;
    readonly rcp?: readonly unknown[];
    /** `null`: none. */
    readonly version?: string | null;
    readonly doubtful?: readonly number[];
    readonly refused?: readonly number[];
  } = {},
): KeyDocument {
  return {
    facts: keyFacts(over.facts),
    policy: policy(statements, over.version === undefined ? "2012-10-17" : over.version),
    grants: over.grants ?? [],
    ...(over.grantsUnread === undefined ? {} : { grantsUnread: over.grantsUnread }),
    resourceControlPolicies: over.rcp === undefined ? [] : [policy(over.rcp, "2012-10-17", "rcp")],
    ...(over.doubtful === undefined ? {} : { doubtfulStatements: new Set(over.doubtful) }),
    ...(over.refused === undefined ? {} : { refusedStatements: new Set(over.refused) }),
  };
}

/** A caller from its ARN or service name. */
export function caller(text: string): Caller {
  const parsed = parseCaller(text);
  if (!parsed.ok) throw new Error(formatProblem(parsed.error));
  return parsed.value;
}

/** A request for kms:Decrypt with no policies on the caller's side, with what differs. */
export function request(
  who: string | Caller,
  over: Partial<Omit<AccessRequest, "caller" | "action">> & { readonly action?: string } = {},
): AccessRequest {
  const { action, ...rest } = over;
  return {
    caller: typeof who === "string" ? caller(who) : who,
    context: {},
    time: NOW,
    identity: { kind: "none" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
    ...rest,
    action: (action ?? "kms:Decrypt") as ActionName,
  };
}

export function accountId(text: string): AccountId {
  const id = parseAccountId(text);
  if (id === undefined) throw new Error(`not an account id: ${text}`);
  return id;
}

export function organizationId(text: string): OrganizationId {
  const id = parseOrganizationId(text);
  if (id === undefined) throw new Error(`not an organization id: ${text}`);
  return id;
}

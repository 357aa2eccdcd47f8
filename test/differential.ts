import fc from "fast-check";
import { analyze } from "../src/access/analyze.js";
import type { Access, AccessMatrix, Who } from "../src/access/matrix.js";
import type { Grant } from "../src/domain/grant.js";
import { keyArnParts, parseKeyArn } from "../src/domain/ids.js";
import type { KeyFacts } from "../src/domain/key.js";
import type { Zone } from "../src/domain/zone.js";
import { policyDoubts } from "../src/policy/doubtful.js";
import { parsePolicy } from "../src/policy/parse.js";
import { inconsistencies } from "../src/semantics/consistency.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest, Caller, KeyDocument } from "../src/semantics/request.js";
import { grantArb, policyArb } from "./generators/policies.js";
import { requestArb } from "./generators/requests.js";
import { NOW, OWN, OWN_ORG, TRUSTED } from "./generators/world.js";

const arn = parseKeyArn(`arn:aws:kms:us-east-1:${OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab`);
if (arn === undefined) throw new Error("bad ARN");
export const FACTS: KeyFacts = {
  arn,
  ...keyArnParts(arn),
  organization: { kind: "present", value: { id: OWN_ORG as never } },
  state: "Enabled",
  spec: "SYMMETRIC_DEFAULT",
  usage: "ENCRYPT_DECRYPT",
  origin: "AWS_KMS",
  multiRegion: false,
  tags: { team: "a" },
  aliases: [],
};

export const ZONE: Zone = {
  organizations: [OWN_ORG as never],
  accounts: [TRUSTED as never],
  principals: [],
  services: [],
};

/** What a comparison came to; discards are counted so that a generator that only makes waste is noticed. */
export interface Tally {
  compared: number;
  allowed: number;
  unknown: number;
  undecided: number;
  discarded: number;
}

/** One policy, its grants and the requests that are put to both engines. */
export interface Trial {
  readonly policy: string;
  readonly grants: readonly Grant[];
  readonly requests: readonly AccessRequest[];
}

export const trialArb = (requests: number): fc.Arbitrary<Trial> =>
  fc.record({
    policy: policyArb,
    grants: fc.oneof(
      { arbitrary: fc.constant([] as Grant[]), weight: 3 },
      { arbitrary: fc.array(grantArb, { minLength: 1, maxLength: 2 }), weight: 1 },
    ),
    requests: fc.array(requestArb, { minLength: requests, maxLength: requests }),
  });

/** Compares the engines; returns what is wrong, or undefined. */
export function compare(t: Trial, tally: Tally): string | undefined {
  const parsed = parsePolicy(t.policy);
  const matrix = analyze({
    facts: FACTS,
    policy: parsed,
    grants: t.grants,
    resourceControlPolicies: [],
    zone: ZONE,
    organizationOf: new Map(),
    now: NOW,
    scope: "outside",
  });
  if (matrix.disagreements.length > 0) return `witness refused: ${matrix.disagreements.join("; ")}`;
  const { policy } = parsed;
  if (policy === undefined) return `the generator made no policy: ${JSON.stringify(parsed.diagnostics)}`;
  const reading = policyDoubts(parsed);
  const document: KeyDocument = {
    facts: FACTS,
    policy,
    grants: t.grants,
    resourceControlPolicies: [],
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
  for (const request of t.requests) {
    if (!isOutside(request) || inconsistencies(request, document).length > 0) {
      tally.discarded += 1;
      continue;
    }
    const decision = evaluate(request, document);
    tally.compared += 1;
    // That a service may look at a key that it holds a grant for is no exposure: docs/decisions/service-grants.md.
    const housekeeping = request.action === "kms:DescribeKey" && request.caller.kind === "service";
    if (housekeeping && decision.sources.every((s) => s.kind === "grant")) continue;
    if (decision.outcome === "deny") continue;
    if (decision.outcome === "allow") tally.allowed += 1;
    else tally.unknown += 1;
    if (matrix.undecided.length > 0) {
      tally.undecided += 1;
      continue;
    }
    const wrong = uncovered(request, matrix, decision.outcome === "allow");
    if (wrong !== undefined) {
      return `${wrong}\nrequest ${JSON.stringify(request)}\nreference ${decision.outcome} ${decision.reason} ${JSON.stringify(decision.sources)} ${JSON.stringify(decision.doubts.map((d) => d.id))}\nmatrix ${matrix.exposure} ${JSON.stringify(matrix.accesses.map(brief))}`;
    }
  }
  return undefined;
}

function brief(a: Access): unknown {
  return [a.who, a.source, a.actions.slice(0, 4), a.certainty, a.exposure];
}

function uncovered(request: AccessRequest, matrix: AccessMatrix, surely: boolean): string | undefined {
  const covering = matrix.accesses.filter(
    (a) => a.actions.includes(request.action) && covers(a.who, request),
  );
  if (covering.length === 0) return "allowed by the reference, not in the matrix";
  if (matrix.exposure === "none") return "allowed to an outsider, and the exposure is none";
  // What is surely allowed must not be called merely possible or latent by every cell that covers it.
  if (surely && covering.every((a) => a.reach.kind !== "now"))
    return "allowed now, and the matrix says later";
  if (surely && covering.every((a) => a.certainty === "possible"))
    return "allowed for certain, and the matrix says possible";
  return undefined;
}

function isOutside(r: AccessRequest): boolean {
  const value = (k: string): unknown => r.context[k];
  if (r.caller.kind === "service") {
    // What a service fills in on behalf of its source is the symbolic engine's model of services, not the caller's.
    const source = value("aws:SourceAccount");
    return source !== OWN && source !== TRUSTED && value("aws:SourceOrgID") !== OWN_ORG;
  }
  const { account } = r.caller;
  return account !== OWN && account !== TRUSTED && value("aws:PrincipalOrgID") !== OWN_ORG;
}

function covers(who: Who, r: AccessRequest): boolean {
  const { caller } = r;
  switch (who.kind) {
    case "anyone":
      return true;
    case "pattern":
      return caller.kind !== "service";
    case "organization":
      return r.context["aws:PrincipalOrgID"] === who.id;
    case "account":
      return caller.kind !== "service" && caller.account === who.id;
    case "principal":
      return caller.kind !== "service" && names(who.arn, caller);
    case "unresolved":
      return (caller.kind === "user" || caller.kind === "session") && caller.uniqueId === who.id;
    case "service":
      if (caller.kind !== "service" || (who.name !== undefined && who.name !== caller.name)) return false;
      switch (who.source.kind) {
        case "any":
        case "pattern":
          return true;
        case "none":
          return r.context["aws:SourceAccount"] === undefined;
        case "account":
          return r.context["aws:SourceAccount"] === who.source.id;
        case "organization":
          return r.context["aws:SourceOrgID"] === who.source.id;
      }
  }
}

function names(text: string, c: Exclude<Caller, { kind: "service" }>): boolean {
  const iam = `arn:${c.partition}:iam::${c.account}`;
  const sts = `arn:${c.partition}:sts::${c.account}`;
  switch (c.kind) {
    case "root":
      return text === `${iam}:root`;
    case "user":
      return text === `${iam}:user/${c.name}`;
    case "session":
      return (
        text === `${iam}:role/${c.role}` ||
        text === `${sts}:assumed-role/${c.role.split("/").at(-1) ?? ""}/${c.session}`
      );
    case "federated-user":
      // A user stands for the sessions that it makes.
      return text === `${sts}:federated-user/${c.name}` || text === `${iam}:user/${c.user ?? "ann"}`;
  }
}

import fc from "fast-check";
import { analyze } from "../../src/access/analyze.js";
import type { Access, AccessMatrix, Who } from "../../src/access/matrix.js";
import { present } from "../../src/domain/fetched.js";
import type { Grant } from "../../src/domain/grant.js";
import type { AccountId } from "../../src/domain/ids.js";
import type { KeyRecord } from "../../src/domain/key.js";
import type { Zone } from "../../src/domain/zone.js";
import { policyDoubts } from "../../src/policy/doubtful.js";
import { parsePolicy } from "../../src/policy/parse.js";
import type { KeyReport } from "../../src/rules/finding.js";
import { judgeKey } from "../../src/rules/judge.js";
import type { AccessRequest, Caller, KeyDocument } from "../../src/semantics/request.js";
import { ExceptionBook } from "../../src/trust/exceptions.js";
import { grantArb, statementArb } from "../generators/policies.js";
import { NOW, OWN, OWN_ORG, TRUSTED } from "../generators/world.js";
import { keyOf } from "../judging.js";

/** A statement as JSON. */
export type StatementJson = Readonly<Record<string, unknown>>;

/** A key whose statements and grants can be changed before it is judged. */
export interface World {
  readonly version: string;
  readonly statements: readonly StatementJson[];
  readonly grants: readonly Grant[];
}

/** Random keys. Each statement has a Sid of its own, so that findings can be followed through a change. */
export const worldArb: fc.Arbitrary<World> = fc
  .record({
    version: fc.constantFrom("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"),
    statements: fc.array(statementArb, { minLength: 1, maxLength: 4 }),
    grants: fc.oneof(
      { arbitrary: fc.constant([] as Grant[]), weight: 3 },
      { arbitrary: fc.array(grantArb, { minLength: 1, maxLength: 2 }), weight: 1 },
    ),
  })
  .map(
    (w): World => ({
      ...w,
      statements: w.statements.map((s, i) => ({ Sid: `S${i}`, ...s })),
      grants: (w.grants as readonly Grant[]).map((g, i) => ({ ...g, GrantId: `g-${i}` })),
    }),
  );

/** The text of a world's key policy. */
export function textOf(w: Pick<World, "version" | "statements">): string {
  return JSON.stringify({ Version: w.version, Statement: w.statements });
}

export const ZONE: Zone = {
  organizations: [OWN_ORG as never],
  accounts: [TRUSTED as AccountId],
  principals: [],
  services: [],
};

/** Puts a world to the symbolic engine. The engines must agree. */
export function matrixOf(w: World, more: { readonly zone?: Zone; readonly own?: string } = {}): AccessMatrix {
  const matrix = analyze({
    facts: recordOf(w).facts,
    policy: parsePolicy(textOf(w)),
    grants: w.grants,
    resourceControlPolicies: [],
    zone: more.zone ?? ZONE,
    organizationOf: new Map(),
    now: NOW,
    scope: "outside",
  });
  if (matrix.disagreements.length > 0) throw new Error(matrix.disagreements.join("; "));
  return matrix;
}

/** A world's key as a scan reads it. */
export function recordOf(w: World, over: Partial<KeyRecord["facts"]> = {}): KeyRecord {
  return keyOf(textOf(w), { grants: w.grants, facts: { tags: { team: "a" }, ...over } });
}

/** Judges a key. The engines must agree. */
export function reportOf(record: KeyRecord, zone: Zone = ZONE): KeyReport {
  const { report, disagreements } = judgeKey(record, {
    zone,
    organizationOf: new Map(),
    exceptions: new ExceptionBook([], NOW),
    now: NOW,
  });
  if (disagreements.length > 0) throw new Error(disagreements.join("; "));
  return report;
}

/** The same key for the reference. */
export function documentOf(w: World): KeyDocument {
  const parsed = parsePolicy(textOf(w));
  if (parsed.policy === undefined) throw new Error("no policy");
  const reading = policyDoubts(parsed);
  return {
    facts: recordOf(w).facts,
    policy: parsed.policy,
    grants: w.grants,
    resourceControlPolicies: [],
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
}

/** A key with other text than JSON.stringify makes. */
export function withText(text: string, grants: readonly Grant[] = []): KeyRecord {
  return { ...keyOf("{}", { grants }), policy: present(text) };
}

/** Accesses of outsiders that `before` has no cell for. */
export function gained(before: AccessMatrix, after: AccessMatrix): Access[] {
  return after.accesses.filter(
    (a) =>
      a.exposure !== "none" &&
      a.actions.some(
        (action) =>
          !before.accesses.some((b) => b.actions.includes(action) && covers(b.who, a.witness.request)),
      ),
  );
}

/** Whether a class of callers holds the caller of a request. */
export function covers(who: Who, r: AccessRequest): boolean {
  const { caller } = r;
  switch (who.kind) {
    case "anyone":
    case "pattern":
      return caller.kind !== "service";
    case "organization":
      return r.context["aws:PrincipalOrgID"] === who.id;
    case "account":
      return caller.kind !== "service" && caller.account === who.id;
    case "principal":
      return caller.kind !== "service" && namesOf(caller).includes(who.arn);
    case "unresolved":
      return (caller.kind === "user" || caller.kind === "session") && caller.uniqueId === who.id;
    case "service": {
      if (caller.kind !== "service" || (who.name !== undefined && who.name !== caller.name)) return false;
      const { source } = who;
      switch (source.kind) {
        case "any":
        case "pattern":
          return true;
        case "none":
          return r.context["aws:SourceAccount"] === undefined;
        case "account":
          return r.context["aws:SourceAccount"] === source.id;
        case "organization":
          return r.context["aws:SourceOrgID"] === source.id;
      }
    }
  }
}

function namesOf(c: Exclude<Caller, { kind: "service" }>): string[] {
  const iam = `arn:${c.partition}:iam::${c.account}`;
  const sts = `arn:${c.partition}:sts::${c.account}`;
  switch (c.kind) {
    case "root":
      return [`${iam}:root`];
    case "user":
      return [`${iam}:user/${c.name}`];
    case "session":
      return [`${iam}:role/${c.role}`, `${sts}:assumed-role/${c.role.split("/").at(-1) ?? ""}/${c.session}`];
    case "federated-user":
      return [`${sts}:federated-user/${c.name}`, `${iam}:user/${c.user ?? "ann"}`];
  }
}

/** Whether a random request comes from outside the zone of trust. */
export function isOutside(r: AccessRequest): boolean {
  const value = (k: string): unknown => r.context[k];
  if (r.caller.kind === "service") {
    const source = value("aws:SourceAccount");
    return source !== OWN && source !== TRUSTED && value("aws:SourceOrgID") !== OWN_ORG;
  }
  const { account } = r.caller;
  return account !== OWN && account !== TRUSTED && value("aws:PrincipalOrgID") !== OWN_ORG;
}

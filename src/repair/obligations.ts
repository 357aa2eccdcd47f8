import { analyze } from "../access/analyze.js";
import { type Change, type Gains, gains, losses } from "../access/diff.js";
import type { Fetched } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import { type Exposure, VERDICT_OF_EXPOSURE } from "../domain/verdict.js";
import { parsePolicy, POLICY_QUOTA_BYTES } from "../policy/parse.js";
import { sourceText, whoLabel } from "../rules/words.js";
import { callerArn } from "../semantics/arn.js";
import { deriveContext, knownContext } from "../semantics/derive-context.js";
import type { KeyDocument } from "../semantics/request.js";
import { perhapsUntaken, untaken } from "./characters.js";
import { certainRcps, keyDocument as documentOf, type OwnSide } from "./managers.js";
import type { Obligation, PlannedChange } from "./plan-file.js";
import type { TrustContext } from "./trust.js";

/** The documents of a key as they are or would be. */
export interface Documents {
  readonly text: string;
  readonly grants: readonly Grant[];
}

/** What a proof is about: one key, before and after. */
export interface Proof {
  readonly record: KeyRecord;
  readonly trust: TrustContext;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly older: Documents;
  readonly newer: Documents;
  /** Users and roles of the key's account, where they were read. */
  readonly own?: OwnSide | undefined;
}

/** What a proof is about before there are new documents. */
export type Subject = Omit<Proof, "newer">;

/** A finding of an obligation, and what it was found from. */
export interface Closed {
  readonly obligation: Obligation;
  readonly exposure: Exposure;
  /** Ways in that are left to outsiders. */
  readonly statements: ReadonlySet<number>;
  readonly grants: ReadonlySet<string>;
  /** Not empty: a bug in keyward. */
  readonly disagreements: readonly string[];
}

/** Analyses documents: is anybody outside the zone left, and through what. */
export function proveClosed({ record, trust, now }: Proof, documents: Documents): Closed {
  const parsed = parsePolicy(documents.text, { kind: "key", partition: record.facts.partition });
  const matrix = analyze({
    facts: record.facts,
    policy: parsed,
    grants: documents.grants,
    resourceControlPolicies: certainRcps(record),
    zone: trust.zone,
    organizationOf: trust.organizationOf,
    now,
    scope: "outside",
  });
  const statements = new Set<number>();
  const grants = new Set<string>();
  for (const { source, exposure } of [
    ...matrix.accesses,
    ...matrix.undecided.map((u) => ({ source: u.source, exposure: "unknown" as const })),
  ]) {
    if (exposure === "none") continue;
    if (source?.kind === "statement") statements.add(source.index);
    if (source?.kind === "grant") grants.add(source.grantId);
  }
  const left = matrix.accesses.filter((a) => a.exposure !== "none");
  const names = parsed.policy?.statements ?? [];
  const details = [
    ...left.map(
      (a) =>
        `${a.exposure}: ${whoLabel(a.who)}, ${a.certainty}, through ${sourceText(shown(a.source), names)}`,
    ),
    ...matrix.undecided.map((u) => `undecided: ${u.reason}`),
  ];
  const closed = matrix.exposure === "none" && matrix.undecided.length === 0;
  const exposed = VERDICT_OF_EXPOSURE[matrix.exposure] !== "weak" || matrix.exposure === "invalid";
  return {
    exposure: matrix.exposure,
    statements,
    grants,
    disagreements: matrix.disagreements,
    obligation: {
      id: "closed",
      result: closed ? "proved" : exposed ? "failed" : "stated",
      statement: closed
        ? "No request by anybody outside the zone of trust is allowed."
        : `Outsiders are left: the key would be ${matrix.exposure}.`,
      details: details.slice(0, 20),
    },
  };
}

function shown(source: Change["source"]): Parameters<typeof sourceText>[0] {
  return source.kind === "statement" || source.kind === "grant" ? source : { kind: "policy" };
}

/** Both directions of the comparison, as a plan tells them. */
export interface Compared {
  readonly obligation: Obligation;
  readonly gains: readonly PlannedChange[];
  readonly loses: readonly PlannedChange[];
  /** Not empty: a bug in keyward. */
  readonly disagreements: readonly string[];
}

/**
 * Compares old and new documents. `allowed` says of a gain whether it is meant: everything else fails the obligation,
 * and so does what could not be compared.
 */
export function proveGains(proof: Proof, allowed: (c: Change) => string | undefined): Compared {
  const input = {
    facts: proof.record.facts,
    old: side(proof, proof.older),
    new: side(proof, proof.newer),
    zone: proof.trust.zone,
    organizationOf: proof.trust.organizationOf,
    now: proof.now,
  };
  const gained = gains(input);
  const lost = losses(input);
  const meant = gained.changes.map((c) => ({ c, why: allowed(c) }));
  const unmeant = meant.filter((m) => m.why === undefined);
  const undecided = gained.undecided.map((u) => u.reason);
  const details = [
    ...unmeant.map(
      ({ c }) => `gained: ${whoLabel(c.who)}, ${c.actions.slice(0, 5).join(", ")} (${c.certainty})`,
    ),
    ...undecided.map((reason) => `not compared: ${reason}`),
    ...meant.flatMap((m) => m.why ?? []),
  ];
  const failed = unmeant.length > 0 || undecided.length > 0;
  return {
    obligation: {
      id: "nothing-gained",
      result: failed ? "failed" : meant.length > 0 ? "stated" : "proved",
      statement: failed
        ? "It is not shown that nobody gains anything."
        : meant.length > 0
          ? "Nobody gains anything but what is listed."
          : "No request is allowed that was not allowed before.",
      details: [...new Set(details)].slice(0, 20),
    },
    gains: planned(gained, proof, proof.newer),
    loses: planned(lost, proof, proof.older),
    disagreements: [...gained.disagreements, ...lost.disagreements],
  };
}

function side(
  { record }: Proof,
  documents: Documents,
): {
  readonly policy: Fetched<string>;
  readonly grants: Fetched<readonly Grant[]>;
  readonly resourceControlPolicies: readonly string[];
} {
  return {
    policy: { kind: "present", value: documents.text },
    grants: { kind: "present", value: documents.grants },
    resourceControlPolicies: record.resourceControlPolicies,
  };
}

/** Lines of the semantic difference; `documents` are those in which the requests are allowed. */
function planned(found: Gains, proof: Proof, documents: Documents): PlannedChange[] {
  const document = keyDocument(proof.record, documents);
  return found.changes.map((c) => ({
    who: whoLabel(c.who),
    trusted: c.trusted,
    actions: [...c.actions],
    capabilities: [...c.capabilities],
    through: sourceText(shown(c.source), document.policy.statements),
    certainty: c.certainty,
    doubts: c.doubts.map((d) => d.id),
    witness: {
      principal: callerArn(c.witness.request.caller),
      action: c.witness.request.action,
      context: mutable(knownContext(deriveContext(c.witness.request, document))),
    },
  }));
}

function mutable(
  context: Readonly<Record<string, string | readonly string[]>>,
): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(context).map(([k, v]) => [k, typeof v === "string" ? v : [...v]]));
}

/** Documents as the reference takes them. */
export function keyDocument(record: KeyRecord, { text, grants }: Documents): KeyDocument {
  return documentOf(record, text, grants);
}

/** Warnings of the parser for which KMS refuses a policy all the same (sandbox/policy-check.ts says since when). */
const REFUSED_WARNINGS: ReadonlySet<string> = new Set(["no-action", "no-resource"]);

/** KMS would store the text: size, characters, grammar, principals that exist. */
export function proveStorable(record: KeyRecord, text: string): Obligation {
  const problems: string[] = [];
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > POLICY_QUOTA_BYTES)
    problems.push(`it has ${bytes} bytes, and the quota is ${POLICY_QUOTA_BYTES}`);
  const refused = untaken(text);
  if (refused.length > 0) problems.push(`it holds characters that KMS does not accept: ${list(refused)}`);
  const parsed = parsePolicy(text, { kind: "key", partition: record.facts.partition });
  for (const d of parsed.diagnostics) {
    if (d.code === "characters" || d.code === "policy-long") continue;
    if (d.level !== "warning" || REFUSED_WARNINGS.has(d.code)) problems.push(d.message);
  }
  for (const s of parsed.policy?.statements ?? []) {
    if (s.principal.kind === "missing") continue;
    for (const e of s.principal.entries) {
      if (e.kind === "unique-id")
        problems.push(`statement ${s.index + 1} names the deleted principal ${e.id}`);
    }
  }
  if (problems.length > 0) {
    return {
      id: "storable",
      result: "failed",
      statement: "KMS would refuse the text.",
      details: problems.slice(0, 20),
    };
  }
  const perhaps = perhapsUntaken(text);
  const size = `${bytes} of ${POLICY_QUOTA_BYTES} bytes`;
  if (perhaps.length > 0) {
    return {
      id: "storable",
      result: "stated",
      statement: `KMS takes the text, but for what AWS does not document clearly: ${size}, grammar as it wants it.`,
      details: [
        `It holds ${list(perhaps)}: the pattern of PutKeyPolicy takes them, and its words speak of printable characters only. If KMS refuses them, nothing is changed.`,
      ],
    };
  }
  return {
    id: "storable",
    result: "proved",
    statement: `KMS takes the text: ${size}, grammar and characters as it wants them.`,
    details: [],
  };
}

function list(characters: readonly string[]): string {
  const more = characters.length - 5;
  return `${characters.slice(0, 5).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

import { analyze } from "../access/analyze.js";
import type { AccessMatrix, Who, Witness } from "../access/matrix.js";
import type { Grant } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import type { Exposure, Verdict } from "../domain/verdict.js";
import { EXPOSURES, VERDICT_OF_EXPOSURE } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";
import { policyDoubts } from "../policy/doubtful.js";
import { locator, positionAt } from "../policy/locate.js";
import { parsePolicy } from "../policy/parse.js";
import { callerArn } from "../semantics/arn.js";
import { deriveContext, knownContext } from "../semantics/derive-context.js";
import type { KeyDocument } from "../semantics/request.js";
import type { ExceptionBook } from "../trust/exceptions.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { Finding, FindingSource, FindingWitness, KeyReport, Waiver } from "./finding.js";
import { groupAccesses } from "./groups.js";
import { findingId, statementNames } from "./identity.js";
import { KEY_RULES } from "./registry.js";
import type { Draft, RuleInput } from "./rule.js";
import { compareSeverity, weakens } from "./severity.js";

/** What the judgement of a key depends on beside the key. */
export interface JudgeContext {
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
  readonly exceptions: ExceptionBook;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly maxSteps?: number;
  /** Remembers what keys have in common; without it every key is worked out from scratch. */
  readonly cache?: JudgeCache;
}

/** What the keys of one audit have in common. */
export class JudgeCache {
  /** Resource control policies by text: all keys of an account are bound by the same ones. */
  readonly resourceControlPolicies = new Map<string, readonly Policy[]>();
}

/** A key's report, and whether keyward's two engines agreed about it. */
export interface Judgement {
  readonly report: KeyReport;
  /** Not empty: a bug in keyward; nothing in the report may be relied on. */
  readonly disagreements: readonly string[];
}

const NO_STATEMENTS: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/**
 * Judges one key: who outside the zone of trust can use it (the exposure), and what else is wrong with its policy and
 * grants. Pure, and it never throws for what stands in them.
 */
export function judgeKey(record: KeyRecord, context: JudgeContext): Judgement {
  const parsed = parsedPolicy(record);
  const analysis = (scope: "outside" | "all"): AccessMatrix =>
    analyze({
      facts: record.facts,
      policy: parsed,
      grants: readGrants(record),
      resourceControlPolicies: record.resourceControlPolicies.flatMap((text) =>
        resourceControlPolicy(text, context.cache),
      ),
      zone: context.zone,
      organizationOf: context.organizationOf,
      now: context.now,
      scope,
      ...(context.maxSteps === undefined ? {} : { maxSteps: context.maxSteps }),
    });
  const outside = analysis("outside");
  let everybody: AccessMatrix | undefined;
  const input: RuleInput = {
    record,
    parsed,
    outside,
    everybody: () => (everybody ??= analysis("all")),
    groups: groupAccesses(outside),
    zone: context.zone,
    organizationOf: context.organizationOf,
  };
  const rules = record.manager === "AWS" ? KEY_RULES.filter((r) => EXPOSURE_RULES.has(r.id)) : KEY_RULES;
  const drafts = rules.flatMap((rule) => rule.find(input));
  const findings = finish(drafts, input, context);
  return {
    report: keyReport(record, exposureOf(record, outside), findings),
    disagreements: [...new Set([...outside.disagreements, ...(everybody?.disagreements ?? [])])],
  };
}

/** Hygiene is the owner's business; the policies of keys that AWS manages are AWS's. */
const EXPOSURE_RULES: ReadonlySet<string> = new Set([
  "public-access",
  "external-access",
  "service-access",
  "network-bound-access",
  "latent-access",
  "invalid-policy",
  "not-assessed",
]);

function parsedPolicy(record: KeyRecord): ParsedPolicy {
  if (record.policy.kind !== "present") return { policy: NO_STATEMENTS, diagnostics: [] };
  return parsePolicy(record.policy.value, { kind: "key", partition: record.facts.partition });
}

/** Undefined: they could not be read. A bare policy file has none, and its reader says so. */
function readGrants(record: KeyRecord): readonly Grant[] | undefined {
  if (record.grants.kind === "present") return record.grants.value;
  return record.grants.kind === "absent" ? [] : undefined;
}

/**
 * The statements of a resource control policy that surely mean what they say. They only deny, and a denial that may
 * not hold must not close a key.
 */
function resourceControlPolicy(text: string, cache: JudgeCache | undefined): readonly Policy[] {
  const known = cache?.resourceControlPolicies.get(text);
  if (known !== undefined) return known;
  const policies = certainDenials(text);
  cache?.resourceControlPolicies.set(text, policies);
  return policies;
}

function certainDenials(text: string): readonly Policy[] {
  const parsed = parsePolicy(text, { kind: "rcp" });
  if (parsed.policy === undefined) return [];
  const doubts = policyDoubts(parsed);
  if (doubts.wholePolicy) return [];
  const statements = parsed.policy.statements.filter(
    (s) => !doubts.notUnderstood.has(s.index) && !doubts.refused.has(s.index),
  );
  return [{ ...parsed.policy, statements }];
}

/** What was not read could be worse than anything but an exposure that is proved already. */
function exposureOf(record: KeyRecord, matrix: AccessMatrix): Exposure {
  const read = record.policy.kind === "present" && readGrants(record) !== undefined;
  return read || VERDICT_OF_EXPOSURE[matrix.exposure] === "exposed" ? matrix.exposure : "unknown";
}

function keyReport(record: KeyRecord, exposure: Exposure, findings: readonly Finding[]): KeyReport {
  const { facts } = record;
  const verdict = verdictOf(exposure, findings);
  const counting = findings.filter((f) => weakens(f.severity));
  return {
    arn: facts.arn,
    accountId: facts.account,
    region: facts.region,
    aliases: facts.aliases ?? [],
    state: facts.state ?? null,
    verdict,
    exposure,
    waived: verdict !== "clear" && counting.length > 0 && counting.every((f) => f.waiver !== null),
    findings,
  };
}

/** A clear key is weak if a hygiene finding says so. What is known of exposure is never made better by one. */
export function verdictOf(exposure: Exposure, findings: readonly Finding[]): Verdict {
  const verdict = VERDICT_OF_EXPOSURE[exposure];
  return verdict === "clear" && findings.some((f) => weakens(f.severity)) ? "weak" : verdict;
}

/** Drafts become findings: worst first, each with its id, its place, its proof and its waiver. */
function finish(drafts: readonly Draft[], input: RuleInput, context: JudgeContext): Finding[] {
  const { record, parsed } = input;
  const { facts, policy } = record;
  const names = statementNames(parsed.policy);
  const place = policy.kind === "present" ? placer(policy.value, parsed) : undefined;
  const document: KeyDocument = {
    facts,
    policy: parsed.policy ?? NO_STATEMENTS,
    grants: readGrants(record) ?? [],
    resourceControlPolicies: [],
  };
  const seen = new Map<string, number>();
  const findings = drafts.map((draft): Finding => {
    const plain = findingId(facts.arn, draft, names);
    const count = seen.get(plain) ?? 0;
    seen.set(plain, count + 1);
    return {
      id: count === 0 ? plain : `${plain}-${count}`,
      rule: draft.rule,
      severity: draft.severity,
      exposure: draft.exposure,
      certainty: draft.certainty,
      who: draft.who,
      capabilities: draft.capabilities,
      actions: draft.actions,
      source: findingSource(draft, parsed, place),
      conditions: draft.conditions,
      witness: draft.witness === undefined ? null : findingWitness(draft.witness, document),
      reason: draft.reason,
      remedy: draft.remedy,
      doubts: draft.doubts,
      waiver: waiverFor(draft, { arn: facts.arn, aliases: facts.aliases ?? [] }, context.exceptions),
    };
  });
  return findings.sort(
    (a, b) =>
      compareSeverity(a.severity, b.severity) ||
      EXPOSURES.indexOf(a.exposure) - EXPOSURES.indexOf(b.exposure),
  );
}

type Placer = (draft: Draft) => { readonly line?: number; readonly column?: number };

/** Looks up the places of drafts in the text of a policy, which is read only if there are any. */
function placer(text: string, parsed: ParsedPolicy): Placer {
  const find = locator(text);
  return (draft) => {
    const { source } = draft;
    const offset = source.kind === "policy" ? source.offset : undefined;
    const path =
      draft.path ??
      (source.kind === "policy"
        ? source.path
        : source.kind === "statement"
          ? parsed.policy?.statements.find((s) => s.index === source.index)?.path
          : undefined);
    const position =
      offset === undefined ? (path === undefined ? undefined : find(path)) : positionAt(text, offset);
    return position === undefined ? {} : { line: position.line, column: position.column };
  };
}

function findingSource(draft: Draft, parsed: ParsedPolicy, place: Placer | undefined): FindingSource {
  const { source } = draft;
  switch (source.kind) {
    case "statement": {
      const sid = parsed.policy?.statements.find((s) => s.index === source.index)?.sid ?? null;
      return { kind: "statement", index: source.index, sid, ...place?.(draft) };
    }
    case "policy":
      return { kind: "policy", ...place?.(draft) };
    case "grant":
    case "grants":
    case "key":
      return source;
  }
}

/** The request that proves a finding, with every condition key that it carries. */
function findingWitness(witness: Witness, document: KeyDocument): FindingWitness {
  const { request } = witness;
  return {
    principal: callerArn(request.caller),
    action: request.action,
    context: knownContext(deriveContext(request, document)),
  };
}

/** The exception that covers a finding about a key, if one does. */
export function waiverFor(
  draft: Pick<Draft, "rule" | "who">,
  key: { readonly arn: string; readonly aliases: readonly string[] },
  exceptions: ExceptionBook,
): Waiver | null {
  const who = draft.who === null ? [] : whoNames(draft.who);
  const found = exceptions.find({ arn: key.arn, aliases: key.aliases, rule: draft.rule, who });
  return found === undefined ? null : { reason: found.reason, owner: found.owner, expires: found.expires };
}

/** Everything that an exception may call a class of callers. */
export function whoNames(who: Who): readonly string[] {
  switch (who.kind) {
    case "anyone":
      return ["anyone"];
    case "pattern":
      return [who.pattern];
    case "organization":
    case "account":
    case "unresolved":
      return [who.id];
    case "principal":
      return [who.arn, who.account];
    case "service": {
      const { source } = who;
      const of = source.kind === "account" || source.kind === "organization" ? [source.id] : [];
      return [who.name ?? "any-service", ...of];
    }
  }
}

import type { Who, Witness } from "../access/matrix.js";
import type { KeyRecord } from "../domain/key.js";
import type { Exposure, Verdict } from "../domain/verdict.js";
import { EXPOSURES, VERDICT_OF_EXPOSURE } from "../domain/verdict.js";
import { callerArn } from "../semantics/arn.js";
import { deriveContext, knownContext } from "../semantics/derive-context.js";
import type { KeyDocument } from "../semantics/request.js";
import type { ExceptionBook } from "../trust/exceptions.js";
import { knownAccountName } from "../domain/known-accounts.js";
import type { Finding, FindingWho, FindingWitness, KeyReport, Waiver } from "./finding.js";
import { hashedId, identityText, sourceName } from "./identity.js";
import type { Opinion, OpinionContext, PlacedDraft } from "./opinion.js";
import { outsiderAssumableRole } from "./outsider-assumable-role.js";
import { opinionOf } from "./opinion.js";
import type { Draft } from "./rule.js";
import { compareSeverity, weakens } from "./severity.js";

/** What the judgement of a key depends on beside the key. */
export interface JudgeContext extends OpinionContext {
  readonly exceptions: ExceptionBook;
}

/** A key's report, and whether keyward's two engines agreed about it. */
export interface Judgement {
  readonly report: KeyReport;
  /** Not empty: a bug in keyward; nothing in the report may be relied on. */
  readonly disagreements: readonly string[];
  /** What the id of each finding is made of, in the order of the findings. */
  readonly identities: readonly string[];
}

/**
 * Judges one key: who outside the zone of trust can use it (the exposure), and what else is wrong with its policy and
 * grants. Pure, and it never throws for what stands in them.
 */
export function judgeKey(record: KeyRecord, context: JudgeContext): Judgement {
  return judgement(record, opinionOf(record, context), context);
}

/** The report that an opinion about a key, or about one like it but for its aliases and tags, gives. */
export function judgement(
  record: KeyRecord,
  opinion: Opinion,
  context: Pick<JudgeContext, "exceptions" | "iamOf" | "reach">,
): Judgement {
  const finished = finish(opinion, record, context);
  return {
    report: keyReport(
      record,
      opinion.exposure,
      finished.map((f) => f.finding),
    ),
    disagreements: opinion.disagreements,
    identities: finished.map((f) => f.identity),
  };
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

/** Drafts become findings: worst first, each with its id, its proof and its waiver. */
function finish(
  opinion: Opinion,
  record: KeyRecord,
  context: Pick<JudgeContext, "exceptions" | "iamOf" | "reach">,
): { readonly finding: Finding; readonly identity: string }[] {
  const { facts } = record;
  const document: KeyDocument = {
    facts,
    policy: opinion.policy,
    grants: opinion.grants,
    resourceControlPolicies: [],
  };
  const seen = new Map<string, number>();
  const findings = [...opinion.drafts, ...pathDrafts(opinion, record, context)].map(
    ({ draft, source, sourceName: through }) => {
      const identity = identityText(facts.arn, draft, through);
      const plain = hashedId(identity);
      const count = seen.get(plain) ?? 0;
      seen.set(plain, count + 1);
      const finding: Finding = {
        id: count === 0 ? plain : `${plain}-${count}`,
        rule: draft.rule,
        severity: draft.severity,
        exposure: draft.exposure,
        certainty: draft.certainty,
        who: named(draft.who),
        capabilities: draft.capabilities,
        actions: draft.actions,
        source,
        conditions: draft.conditions,
        witness: draft.witness === undefined ? null : findingWitness(draft.witness, document),
        reason: draft.reason,
        remedy: draft.remedy,
        doubts: draft.doubts,
        waiver: waiverFor(draft, { arn: facts.arn, aliases: facts.aliases ?? [] }, context.exceptions),
      };
      return { finding, identity };
    },
  );
  return findings.sort(
    ({ finding: a }, { finding: b }) =>
      compareSeverity(a.severity, b.severity) ||
      EXPOSURES.indexOf(a.exposure) - EXPOSURES.indexOf(b.exposure),
  );
}

/** Ways to the key through IAM. They depend on the key's ARN and tags, so keys that are alike do not share them. */
function pathDrafts(
  opinion: Opinion,
  record: KeyRecord,
  context: Pick<JudgeContext, "iamOf" | "reach">,
): readonly PlacedDraft[] {
  const view = context.iamOf?.(record.facts.account);
  const { reach } = context;
  if ((view === undefined && reach === undefined) || record.manager === "AWS") return [];
  const key = { ...opinion.document, facts: record.facts };
  return outsiderAssumableRole(key, view, reach).flatMap((draft) => {
    const { source } = draft;
    if (source.kind !== "identity") return [];
    return [{ draft, source, sourceName: sourceName(source, new Map()) }];
  });
}

/** Adds the name under which the account of a caller is publicly known. */
export function named(who: Who | null): FindingWho | null {
  const account = who?.kind === "account" ? who.id : who?.kind === "principal" ? who.account : undefined;
  const name = account === undefined ? undefined : knownAccountName(account);
  return who === null || name === undefined ? who : { ...who, name };
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

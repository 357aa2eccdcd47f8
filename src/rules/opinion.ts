import { analyze } from "../access/analyze.js";
import { DEFAULT_MAX_STEPS, type Part } from "../access/analysis-input.js";
import type { AccessMatrix } from "../access/matrix.js";
import { itemsRead } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import { EXPOSURE_RULE_IDS } from "../domain/rule-id.js";
import type { Exposure } from "../domain/verdict.js";
import { VERDICT_OF_EXPOSURE } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";
import { denialsOf, policyDoubts, type Denials } from "../policy/doubtful.js";
import { locator, positionAt } from "../policy/locate.js";
import { parsePolicy } from "../policy/parse.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { KeyDocument } from "../semantics/request.js";
import type { OpinionCache } from "./cache.js";
import { canBeShared } from "./cache.js";
import type { FindingSource } from "./finding.js";
import { groupAccesses } from "./groups.js";
import type { EstateReach } from "./estate-reach.js";
import type { IamViewOf } from "./iam-view.js";
import { sourceName, statementNames } from "./identity.js";
import type { RealOrganizations } from "./real-organization.js";
import { asTodayStands } from "./real-organization.js";
import { KEY_RULES } from "./registry.js";
import type { Opinion, PlacedDraft } from "./opinion-type.js";
import type { CountedPolicy, Draft, RuleInput } from "./rule.js";

export type { Opinion, PlacedDraft } from "./opinion-type.js";

/** What an opinion about a key depends on beside the key. */
export interface OpinionContext {
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
  /** IAM of the accounts, where the data has it. */
  readonly iamOf?: IamViewOf;
  /** Ways of outsiders through roles of several accounts, where the data has their IAM. */
  readonly reach?: EstateReach;
  /** Organizations as they really are, where the data has them. */
  readonly real?: RealOrganizations;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly maxSteps?: number;
  /** Remembers what keys have in common; without it every key is worked out from scratch. */
  readonly cache?: OpinionCache;
}

const NO_STATEMENTS: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Analyses a key and applies the rules. Pure, and it never throws for what stands in the key's documents. */
export function opinionOf(record: KeyRecord, context: OpinionContext): Opinion {
  const { cache } = context;
  const known = cache?.find(record, context.zone);
  if (known?.opinion !== undefined) return known.opinion;
  const parsed = parsedPolicy(record);
  const read = record.resourceControlPolicies.map((text) => ({ text, ...denials(text, cache) }));
  const rcps = read.flatMap(({ text, sure }): CountedPolicy[] =>
    sure === undefined ? [] : [{ text, policy: sure }],
  );
  const doubtful = read.flatMap((r) => (r.doubtful === undefined ? [] : [r.doubtful]));
  const opinion = worked(record, parsed, rcps, doubtful, context);
  if (known !== undefined && opinion.shareable) cache?.keep(known.key, opinion);
  return opinion;
}

function worked(
  record: KeyRecord,
  parsed: ParsedPolicy,
  rcps: readonly CountedPolicy[],
  doubtfulDenials: readonly Policy[],
  context: OpinionContext,
): Opinion {
  const denials = rcps.map((r) => r.policy);
  const unbound = denials.length + doubtfulDenials.length === 0;
  const analysis = (
    scope: "outside" | "all",
    counted: readonly Policy[] = denials,
    only: Part = {},
  ): AccessMatrix =>
    analyze({
      only,
      facts: record.facts,
      policy: parsed,
      grants: readGrants(record),
      resourceControlPolicies: counted,
      doubtfulDenials: counted === denials ? doubtfulDenials : [],
      zone: context.zone,
      organizationOf: context.organizationOf,
      now: context.now,
      scope,
      ...(context.maxSteps === undefined ? {} : { maxSteps: context.maxSteps }),
    });
  // They only deny: where nobody comes in without them, nobody comes in with them.
  const around = { facts: record.facts, parsed, ...context };
  const engineWithoutRcps = analysis("outside", []);
  const withoutRcps = asTodayStands(engineWithoutRcps, context.real, around);
  const untouched = unbound || (withoutRcps.accesses.length === 0 && withoutRcps.undecided.length === 0);
  const engine = untouched ? engineWithoutRcps : analysis("outside");
  const outside = untouched ? withoutRcps : asTodayStands(engine, context.real, around);
  const parts = new Map<string, AccessMatrix>();
  const everybody = (part: Part): AccessMatrix => {
    const name = `${part.statement ?? ""}:${part.actions?.join() ?? ""}:${part.trusted === true}`;
    const known = parts.get(name) ?? analysis("all", denials, part);
    parts.set(name, known);
    return known;
  };
  const input: RuleInput = {
    record,
    parsed,
    outside,
    withoutRcps,
    rcps,
    everybody,
    groups: groupAccesses(outside),
    zone: context.zone,
    organizationOf: context.organizationOf,
    iam: context.iamOf?.(record.facts.account),
  };
  const rules = record.manager === "AWS" ? KEY_RULES.filter((r) => EXPOSURE_RULES.has(r.id)) : KEY_RULES;
  const drafts = rules.flatMap((rule) => rule.find(input));
  return {
    exposure: exposureOf(record, outside),
    drafts: placed(drafts, record, parsed),
    policy: parsed.policy ?? NO_STATEMENTS,
    grants: readGrants(record) ?? [],
    document: keyDocument(record, parsed, denials),
    disagreements: [
      ...new Set([outside, withoutRcps, ...parts.values()].flatMap((matrix) => matrix.disagreements)),
    ],
    // Which accounts stand where is another question for a key of one of them.
    shareable:
      withoutRcps === engineWithoutRcps &&
      outside === engine &&
      canBeShared([parsed.policy, ...denials, ...doubtfulDenials]) &&
      Math.max(outside.steps, withoutRcps.steps, ...[...parts.values()].map((m) => m.steps)) <=
        FAR_FROM_BOUND * (context.maxSteps ?? DEFAULT_MAX_STEPS),
  };
}

/** Of the steps that a search may take. Nearer to its bound, another name could make it one step too many. */
const FAR_FROM_BOUND = 0.25;

/** The documents of the key as the reference takes them, but for the facts, which are each key's own. */
function keyDocument(
  record: KeyRecord,
  parsed: ParsedPolicy,
  denials: readonly Policy[],
): Omit<KeyDocument, "facts"> {
  const reading = policyDoubts(parsed);
  return {
    policy: parsed.policy ?? NO_STATEMENTS,
    grants: readGrants(record) ?? [],
    resourceControlPolicies: denials,
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
}

/** Hygiene is the owner's business; the policies of keys that AWS manages are AWS's. */
const EXPOSURE_RULES: ReadonlySet<string> = new Set(EXPOSURE_RULE_IDS);

function parsedPolicy(record: KeyRecord): ParsedPolicy {
  if (record.policy.kind !== "present") return { policy: NO_STATEMENTS, diagnostics: [] };
  return parsePolicy(record.policy.value, { kind: "key", partition: record.facts.partition });
}

/**
 * Undefined: none could be read. Those that were read before reading failed count: they can show an exposure, and what
 * is missing can only add to it. A bare policy file has none, and its reader says so.
 */
function readGrants(record: KeyRecord): readonly Grant[] | undefined {
  const { grants } = record;
  if (grants.kind === "unreadable") return grants.part;
  return grants.kind === "unknown" ? undefined : itemsRead(grants);
}

/** A resource control policy only denies, and a denial that may not hold must neither close a key nor leave it open for certain. */
function denials(text: string, cache: OpinionCache | undefined): Denials {
  const known = cache?.resourceControlPolicies.get(text);
  if (known !== undefined) return known;
  const read = denialsOf(parsePolicy(text, { kind: "rcp" }));
  cache?.resourceControlPolicies.set(text, read);
  return read;
}

/** What was not read could be worse than anything but an exposure that is proved already. */
function exposureOf(record: KeyRecord, matrix: AccessMatrix): Exposure {
  const { policy, grants } = record;
  const read = policy.kind === "present" && (grants.kind === "present" || grants.kind === "absent");
  return read || VERDICT_OF_EXPOSURE[matrix.exposure] === "exposed" ? matrix.exposure : "unknown";
}

function placed(drafts: readonly Draft[], record: KeyRecord, parsed: ParsedPolicy): readonly PlacedDraft[] {
  if (drafts.length === 0) return [];
  const names = statementNames(parsed.policy);
  const place = record.policy.kind === "present" ? placer(record.policy.value, parsed) : undefined;
  return drafts.map((draft) => ({
    draft,
    source: findingSource(draft, parsed, place),
    sourceName: sourceName(draft.source, names),
  }));
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
    case "identity":
      return source;
  }
}

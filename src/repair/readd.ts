import type { KeyRecord } from "../domain/key.js";
import type { UsageEntry } from "../usage/types.js";
import { escaped } from "./characters.js";
import { appendStatement } from "./edit.js";
import { managedBy } from "./managed-by.js";
import { proveManageable } from "./manageable.js";
import { type Documents, proveClosed, proveGains, proveStorable } from "./obligations.js";
import type { KeyChange, PlannedStatement } from "./plan-file.js";
import { characterNotes, computedFrom, plannedPolicy } from "./key-change.js";
import { disagreement, type KeyOutcome, type PlanContext, startOf, uneditablePolicy } from "./outcome.js";
import { parsePolicy } from "../policy/parse.js";
import { callerArn, principalArn } from "../semantics/arn.js";
import { principalName, viaService } from "./observed.js";
import { evidenceOf, isTrustedUse } from "./seen.js";
import { proveUse } from "./use-kept.js";
import { rawStatements } from "./candidate.js";

/** Denials that a key policy can lift; the others come from policies on the caller's side, or from a Deny. */
const LIFTED: ReadonlySet<string> = new Set(["resource", "unknown", "identity"]);

/**
 * Plans to re-admit principals of the zone that were denied: exactly them, with exactly the operations that they were
 * denied, through the services that they used. The policy grows knowingly; what is proved is that nobody else gains.
 */
export function planReadd(record: KeyRecord, x: PlanContext): KeyOutcome {
  const start = startOf(record, x);
  if (start.kind !== "start") return start;
  const { key, before, subject } = start;
  const { older } = subject;
  const denied = (x.usage?.entries ?? []).filter((e) => e.outcome.kind === "denied");
  const { wanted, notes } = sort(denied, x);
  if (wanted.size === 0) {
    const reason = notes[0] ?? "nobody was denied the key in the evidence";
    return { kind: "unchanged", key: { key, exposure: before.exposure, reason } };
  }
  const problem = uneditablePolicy(start);
  if (problem !== undefined) return problem;
  let text = escaped(older.text);
  const statements: PlannedStatement[] = rawStatements(text).map((_, index) => ({
    index,
    sid: parsedSid(text, index),
    change: "keep",
    reason: "re-admitting only adds",
    warnings: [],
  }));
  const sids = new Set(statements.map((s) => s.sid));
  for (const group of groups(wanted)) {
    let number = 1;
    while (sids.has(`KeywardReadmit${number}`)) number++;
    const sid = `KeywardReadmit${number}`;
    sids.add(sid);
    text = appendStatement(text, {
      Sid: sid,
      Effect: "Allow",
      Principal: { AWS: single(group.arns) },
      Action: single(group.actions),
      Resource: "*",
      ...conditionOf(group),
    });
    statements.push({
      index: null,
      sid,
      change: "add",
      reason: `re-admits ${group.arns.length === 1 ? "a principal that was" : `${group.arns.length} principals that were`} denied, with the operations that were denied`,
      warnings: [],
    });
  }
  const newer: Documents = { text, grants: older.grants };
  const proof = { ...subject, newer };
  const closed = proveClosed(proof, newer);
  const compared = proveGains(proof, (c) => {
    const { caller, action } = c.witness.request;
    const arn = principalArn(caller) ?? callerArn(caller);
    const via = c.witness.request.context["kms:ViaService"] ?? "";
    const known = [...wanted.values()].some(
      (w) => w.arn === arn && w.via === via && c.actions.every((a) => w.actions.has(a)),
    );
    return known ? `${arn} gains ${action}, as was asked for` : undefined;
  });
  const manageable = proveManageable({ ...proof, organizationOf: x.trust.organizationOf });
  const disagreements = [closed, compared, manageable].flatMap((p) => p.disagreements);
  if (disagreements.length > 0) return disagreement(key, { disagreements });
  const use = proveUse(proof, x.usage);
  const grew = closed.exposure !== before.exposure && closed.exposure !== "none";
  const obligations = [
    grew ? { ...closed.obligation, result: "failed" as const } : closed.obligation,
    manageable.obligation,
    proveStorable(record, text),
    compared.obligation,
    use.obligation,
  ];
  // An exposure that was there before is not this plan's matter.
  const failed = obligations.find((o) => o.result === "failed" && (o.id !== "closed" || grew));
  if (failed !== undefined) {
    return {
      kind: "refused",
      key: {
        key,
        exposure: before.exposure,
        kind: failed.id === "manageable" ? "safety" : "unplanned",
        obligation: failed.id,
        reason:
          `re-admitting was not shown to be safe: ${failed.statement} ${failed.details[0] ?? ""}`.trim(),
        next: "write the policy by hand and compare it with keyward diff",
        tried: [],
      },
    };
  }
  const policy = plannedPolicy(older.text, text);
  const change: KeyChange = {
    key,
    computedFrom: computedFrom(record, older),
    exposure: { before: before.exposure, after: closed.exposure },
    strategy: "readd",
    reason: "principals of the zone were denied",
    statements,
    policy,
    revokeGrants: [],
    loses: [...compared.loses],
    gains: [...compared.gains],
    obligations: obligations.map((o) =>
      o.id === "closed" && o.result === "failed"
        ? {
            ...o,
            result: "stated" as const,
            // "unknown" and "invalid" come here, too: nothing is known to be exposed then.
            statement: `The exposure of the key was "${before.exposure}" before, and still is.`,
          }
        : o,
    ),
    willBreak: [...use.broken],
    evidence: x.usage === undefined ? null : evidenceOf(x.usage),
    managedBy: policy === null ? null : managedBy(record.facts.tags, policy.text),
    notes: [...notes, ...characterNotes(older.text, policy?.text)],
  };
  return { kind: "change", change };
}

interface Wanted {
  readonly arn: string;
  /** What kms:ViaService has to be; empty: a direct call. */
  readonly via: string;
  readonly actions: Set<string>;
}

function sort(
  denied: readonly UsageEntry[],
  x: PlanContext,
): { readonly wanted: ReadonlyMap<string, Wanted>; readonly notes: string[] } {
  const wanted = new Map<string, Wanted>();
  const notes = new Set<string>();
  for (const entry of denied) {
    const { outcome } = entry;
    if (outcome.kind !== "denied") continue;
    const arn = principalName(entry.principal, x.trust.facts.partition);
    const who = arn ?? `a caller of kind ${entry.principal.kind}`;
    if (arn === undefined) notes.add(`${who} was denied ${entry.action}; no policy can name it.`);
    else if (entry.principal.kind === "foreign") {
      notes.add(
        `Somebody of account ${entry.principal.account} was denied ${entry.action}; who is not in this trail, so it is not re-admitted.`,
      );
    } else if (!isTrustedUse(entry, x.trust)) {
      notes.add(`${who} was denied ${entry.action} and is outside the zone of trust: keyward.yaml decides.`);
    } else if (outcome.effect === "explicit" || !LIFTED.has(outcome.policy)) {
      notes.add(`${who} was denied ${entry.action} by a policy that the key policy cannot overrule.`);
    } else if (entry.via === "unknown") {
      notes.add(`${who} was denied ${entry.action} through a service that the event does not name.`);
    } else {
      const via = entry.via === undefined ? "" : viaService(entry.via, x.trust.facts.region);
      const id = JSON.stringify([arn, via]);
      const its = wanted.get(id) ?? { arn, via, actions: new Set<string>() };
      its.actions.add(entry.action);
      wanted.set(id, its);
    }
  }
  return { wanted, notes: [...notes] };
}

/** Principals that get the same, in one statement. */
interface Group {
  readonly via: string;
  /** Root users: the ARN of one stands for its whole account, unless a condition says that the user is meant. */
  readonly root: boolean;
  readonly actions: readonly string[];
  readonly arns: readonly string[];
}

function groups(wanted: ReadonlyMap<string, Wanted>): readonly Group[] {
  const same = new Map<string, Group & { readonly arns: string[] }>();
  for (const { arn, via, actions } of wanted.values()) {
    const list = [...actions].sort();
    const root = arn.endsWith(":root");
    const id = JSON.stringify([via, root, list]);
    const group = same.get(id) ?? { via, root, actions: list, arns: [] };
    group.arns.push(arn);
    same.set(id, group);
  }
  return [...same.values()].map((g) => ({ ...g, arns: [...new Set(g.arns)].sort() }));
}

/** Keeps a statement to the service that was used, and to root users where they were denied. */
function conditionOf({ via, root, arns }: Group): { readonly Condition?: unknown } {
  if (via === "" && !root) return {};
  return {
    Condition: {
      ...(via === "" ? {} : { StringEquals: { "kms:ViaService": via } }),
      ...(root ? { ArnEquals: { "aws:PrincipalArn": single(arns) } } : {}),
    },
  };
}

function single(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? (values[0] ?? "") : values;
}

function parsedSid(text: string, index: number): string | null {
  return parsePolicy(text, { kind: "key" }).policy?.statements.find((s) => s.index === index)?.sid ?? null;
}

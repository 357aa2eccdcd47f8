import { inert } from "../domain/inert.js";
import { EXPOSURES } from "../domain/verdict.js";
import type { Grant } from "../domain/grant.js";
import { grantsDigest } from "../repair/digest.js";
import {
  assess,
  type Assessment,
  isAsPlanned,
  disagreementText,
  type Unsafe,
  unmanageable,
} from "./assess.js";
import type { KeyPorts, Proposal, RunContext } from "./context.js";
import type { KeyEnd } from "./journal/events.js";
import { sha256 } from "./journal/chain.js";
import { refusalText } from "./next-step.js";
import { grantTerms, hasDigest, type LiveKey, readDescribed, readLive, samePolicy } from "./read.js";
import { lookUntil } from "./settle.js";
import type { KeyTask } from "./tasks.js";
import { createGrant, putPolicy, revokeGrant, stateOf, type Step } from "./write.js";

/** What a stopped run has backed up of this key; undefined: it has not come to it. */
export interface Backup {
  readonly policy: string;
  readonly grants: readonly Grant[];
}

/** How the run got on with a key. */
export interface KeyResult {
  readonly outcome: KeyEnd["outcome"] | "quit";
  readonly reason: string;
  /** True: no key may follow without `keepGoing`. */
  readonly unexpected: boolean;
  /** What the key is after the change; undefined where it was not changed. */
  readonly exposed?: boolean;
  /** True: keyward's two engines disagree about the key. */
  readonly disagreement?: boolean;
}

/**
 * Changes one key: read, compare, judge, ask, back up, write, read back, judge. Dry runs take the same way up to the
 * first call that would change something.
 */
export async function runKey(
  task: KeyTask,
  backup: Backup | undefined,
  context: RunContext,
  place: { readonly index: number; readonly of: number },
): Promise<KeyResult> {
  const { key } = task;
  const ports = await context.portsOf(key);
  if (typeof ports === "string") return failed(ports);
  const read = await readDescribed(ports.read, key, context.signal);
  if (!read.ok) {
    const { code, message } = read.error;
    await context.recorder.add({ type: "failed", key, action: "read", effect: "none", code, message });
    return failed(`Nothing was written. ${refusalText(read.error)}`);
  }
  const live = read.value;
  const todo = compare(task, backup, live);
  if (typeof todo === "string") return { outcome: "drift", reason: todo, unexpected: false };
  if (todo.policy === undefined && todo.revoke.length === 0 && todo.create.length === 0) {
    if (backup === undefined) return soAlready(task, live, context);
    return finish(task, context, ports, { ...live, policy: backup.policy });
  }
  const proposal = propose(task, live, todo, context, place);
  if ("why" in proposal) {
    const { why: reason, disagreement } = proposal;
    return { outcome: "refused", reason, unexpected: false, disagreement };
  }
  const asked = context.now();
  const answer = await context.confirm(proposal);
  if (answer === "quit") return { outcome: "quit", reason: "Stopped by the user.", unexpected: false };
  if (answer === "no") return { outcome: "skipped", reason: "The user said no.", unexpected: false };
  if (context.dryRun) {
    return { outcome: "done", reason: "Dry run: nothing was sent.", unexpected: false };
  }
  if (context.now() - asked > LOOK_AGAIN_MS) {
    const changed = await changedMeanwhile(task, live, ports, context);
    if (changed !== undefined) return changed;
  }
  if (backup === undefined) await context.recorder.backUp(key, live.policy, live.grants, todo.revoke);
  const step = await write(task, live, todo, context, ports);
  if (step.kind === "failed") return failed(step.reason);
  return finish(task, context, ports, live);
}

/** A person who thinks longer than this before saying yes has read what may not be so any more. */
const LOOK_AGAIN_MS = 1_000;

/** Looks at a key again before it is written to; undefined: it is as it was shown. */
async function changedMeanwhile(
  { key }: KeyTask,
  shown: LiveKey,
  ports: KeyPorts,
  context: RunContext,
): Promise<KeyResult | undefined> {
  const read = await readLive(ports.read, key, context.signal);
  if (!read.ok) return failed(`Nothing was written. ${refusalText(read.error)}`);
  const { policy, grants } = read.value;
  if (policy === shown.policy && grantsDigest(grants) === grantsDigest(shown.grants)) return undefined;
  const reason =
    "Somebody has changed it while the question was open. Nothing was written; look at it, and make a new plan.";
  return { outcome: "drift", reason, unexpected: false };
}

/** What is left to do at a key. */
interface Todo {
  readonly policy: string | undefined;
  readonly revoke: readonly Grant[];
  readonly create: readonly Grant[];
}

/**
 * Compares a key with what the task expects, or, where this run has begun with it, with the backup and the task. A
 * sentence: somebody else has changed it.
 */
function compare(task: KeyTask, backup: Backup | undefined, live: LiveKey): Todo | string {
  const { expect } = task;
  const asExpected =
    backup === undefined
      ? expect.policy === null || hasDigest(live.policy, expect.policy)
      : live.policy === backup.policy;
  // In another spelling, too: AWS does not promise to show the bytes that were put.
  const alreadyPut = task.policy !== null && samePolicy(live.policy, task.policy, task.key);
  if (!asExpected && !alreadyPut) {
    const wanted = backup === undefined ? (expect.policy ?? "") : sha256(backup.policy);
    return `Its policy is neither the one that was looked at nor the new one: somebody has changed it since (expected SHA-256 ${wanted}, got ${sha256(live.policy)}). Nothing was written; make a new plan, or for a rollback look at the change and use --over-later-changes.`;
  }
  // Two policies can mean the same and be two texts: what was looked at is replaced byte for byte.
  const put = asExpected && live.policy !== task.policy;
  const policyIsThere = task.policy === null || alreadyPut;
  const grants =
    backup === undefined
      ? expectedGrants(task, live, policyIsThere)
      : grantsSinceBackup(task, backup.grants, live.grants);
  if (typeof grants === "string") return grants;
  const wanted = new Set(task.revoke);
  return {
    policy: put && task.policy !== null ? task.policy : undefined,
    revoke: live.grants.filter((g) => wanted.has(g.GrantId)),
    create: missing(task.create, live.grants),
  };
}

/** @param policyIsThere the policy is the new one, or was not to be changed */
function expectedGrants(task: KeyTask, live: LiveKey, policyIsThere: boolean): string | undefined {
  const { grants } = task.expect;
  if (grants === null || grantsDigest(live.grants) === grants) return undefined;
  // Done before, by whomever: all that is wanted is there already, and no grant that was made since is touched.
  if (policyIsThere && !live.grants.some((g) => task.revoke.includes(g.GrantId))) return undefined;
  return `Its grants are not those that were looked at: some were made or revoked since (expected digest ${grants}, got ${grantsDigest(live.grants)}). Nothing was written; make a new plan.`;
}

/** Outsiders would get further in than before, as far as both are known. */
function isWorse(before: Assessment, after: Assessment): boolean {
  return (
    after.verdict === "exposed" &&
    before.verdict !== "not-assessed" &&
    EXPOSURES.indexOf(after.exposure) < EXPOSURES.indexOf(before.exposure)
  );
}

/** What is wanted of a key is there. Somebody else may have opened it in another way since. */
function soAlready(task: KeyTask, live: LiveKey, context: RunContext): KeyResult {
  const outcome = "nothing-to-do";
  const now = assess({ arn: task.key, ...live }, context.bench(task));
  const disagreement = disagreementText(now);
  if (disagreement !== undefined) {
    return { outcome, reason: `It is so already. ${disagreement}`, unexpected: false, disagreement: true };
  }
  const { exposure, verdict } = now;
  if (context.kind === "rollback" || verdict !== "exposed" || isAsPlanned(task, exposure)) {
    return { outcome, reason: "It is so already.", unexpected: false };
  }
  const reason = `It is so already, and the key is ${exposure} (${verdict}) all the same: it was opened in another way since the plan was made. Next: scan, and make a new plan.`;
  return { outcome, reason, unexpected: false, exposed: true };
}

function grantsSinceBackup(
  task: KeyTask,
  before: readonly Grant[],
  live: readonly Grant[],
): string | undefined {
  const known = new Set(before.map((g) => g.GrantId));
  const created = new Set(task.create.map(grantTerms));
  const now = new Set(live.map((g) => g.GrantId));
  const strange =
    live.some((g) => !known.has(g.GrantId) && !created.has(grantTerms(g))) ||
    before.some((g) => !now.has(g.GrantId) && !task.revoke.includes(g.GrantId));
  return strange
    ? "Its grants were changed by somebody else while this run was stopped: the key has some that neither the backup nor this run explains, or lacks some. Look at aws kms list-grants, then make a new plan, or keyward rollback RUN."
    : undefined;
}

/** Of the wanted terms, those that no grant has; two with the same terms need two. */
function missing(wanted: readonly Grant[], live: readonly Grant[]): readonly Grant[] {
  const there = new Map<string, number>();
  for (const g of live) there.set(grantTerms(g), (there.get(grantTerms(g)) ?? 0) + 1);
  return wanted.filter((g) => {
    const terms = grantTerms(g);
    const count = there.get(terms) ?? 0;
    if (count > 0) there.set(terms, count - 1);
    return count === 0;
  });
}

/** What shall be done and what it makes of the key, or why that would be unsafe. */
function propose(
  task: KeyTask,
  live: LiveKey,
  todo: Todo,
  context: RunContext,
  place: { readonly index: number; readonly of: number },
): Proposal | Unsafe {
  const bench = context.bench(task);
  const unsafe = (why: string, disagreement = false): Unsafe => ({ why, disagreement });
  const now = { arn: task.key, ...live };
  const gone = new Set(todo.revoke.map((g) => g.GrantId));
  const then = {
    ...now,
    policy: todo.policy ?? live.policy,
    grants: [...live.grants.filter((g) => !gone.has(g.GrantId)), ...todo.create],
  };
  if (todo.policy !== undefined) {
    const found = unmanageable(now, todo.policy, context.kind, bench);
    if (found !== undefined) {
      const bug = found.disagreement
        ? "keyward's two engines disagree about this key: a bug; please report it. "
        : "";
      return unsafe(
        `${bug}The new policy has to let somebody of the key's own account change it again. ${inert(found.why, { max: 400 })} No flag permits this. Next: keep a statement for the account's root user or an administrator, and make a new plan; where IAM policies alone let somebody, --estate SNAPSHOT shows them.`,
        found.disagreement,
      );
    }
  }
  const before = assess(now, bench);
  const after = assess(then, bench);
  const disagreement = disagreementText(before, after);
  if (disagreement !== undefined) return unsafe(`Nothing was written. ${disagreement}`, true);
  if (context.kind === "apply" && isWorse(before, after) && !isAsPlanned(task, after.exposure)) {
    return unsafe(
      `The change would make the key ${after.exposure}; it is ${before.exposure} now. No plan of keyward does that: it was edited by hand, or is for another zone of trust. Nothing was written; make a new plan.`,
    );
  }
  if (after.exposure === "invalid")
    return unsafe(
      "KMS would refuse the new policy: it is not valid. Next: keyward check on its text says where; make a new plan.",
    );
  return {
    task,
    live,
    newPolicy: todo.policy,
    revoke: todo.revoke,
    create: todo.create,
    before,
    after,
    ...place,
  };
}

async function write(
  task: KeyTask,
  live: LiveKey,
  todo: Todo,
  context: RunContext,
  ports: KeyPorts,
): Promise<Step> {
  const { key } = task;
  if (todo.policy !== undefined) {
    const step = await putPolicy(context, ports, key, live.policy, todo.policy);
    if (step.kind === "failed") return step;
  }
  for (const grant of todo.revoke) {
    const step = await revokeGrant(context, ports, key, grant.GrantId);
    if (step.kind === "failed") return step;
  }
  const ids = new Set(live.grants.map((g) => g.GrantId));
  for (const terms of todo.create) {
    const step = await createGrant(context, ports, key, terms, ids);
    if (step.kind === "failed") return step;
  }
  return { kind: "done" };
}

/** Reads until the change is visible, and judges what is read. What the run changes is not part of a description. */
async function finish(
  task: KeyTask,
  context: RunContext,
  ports: KeyPorts,
  former: LiveKey,
): Promise<KeyResult> {
  const { key } = task;
  const seen = await lookUntil(context, ports, key, context.settleMs, (live) => {
    const policy = task.policy === null ? "wanted" : stateOf(live.policy, former.policy, task.policy, key);
    if (policy !== "wanted") return policy;
    const grants =
      live.grants.every((g) => !task.revoke.includes(g.GrantId)) &&
      missing(task.create, live.grants).length === 0;
    return grants ? "wanted" : "former";
  });
  switch (seen.kind) {
    case "seen":
      break;
    case "other":
      return failed(
        "The change was written, and somebody else has changed the policy right after: it is neither the old one nor the new one. Next: look at it (aws kms get-key-policy) and at who did it (PutKeyPolicy in CloudTrail), then make a new plan.",
      );
    case "not-yet":
      return failed(
        `AWS took the change, but reads still show the former state after ${Math.round(context.settleMs / 1000)} s. Next: keyward apply --resume RUN later, with a longer --settle.`,
      );
    case "unreadable":
      return failed(`The change was written, and cannot be read back. ${refusalText(seen.failure)}`);
  }
  const live = { ...seen.live, description: former.description };
  const now = assess({ arn: key, ...live }, context.bench(task));
  const { exposure, verdict } = now;
  await context.recorder.add({ type: "evaluated", key, policy: sha256(live.policy), exposure, verdict });
  const disagreement = disagreementText(now);
  if (disagreement !== undefined) {
    const reason = `Written and read back. ${disagreement} Next: keyward rollback RUN undoes the change.`;
    const exposed = verdict === "exposed";
    return { outcome: "done", reason, unexpected: true, exposed, disagreement: true };
  }
  const asPlanned = isAsPlanned(task, exposure);
  const exposed = verdict === "exposed" && !asPlanned;
  const clearly = verdict === "not-assessed" ? "could not be assessed" : `is ${exposure} (${verdict})`;
  return {
    outcome: "done",
    reason: `Written and read back; the key ${clearly}${asPlanned ? ", as the plan says: exceptions let somebody stay" : ""}.`,
    unexpected: exposed && context.kind === "apply",
    exposed,
  };
}

function failed(reason: string): KeyResult {
  return { outcome: "failed", reason: inert(reason, { max: 900 }), unexpected: true };
}

import type { Grant } from "../domain/grant.js";
import type { KeyPorts, RunContext } from "./context.js";
import { sha256 } from "./journal/chain.js";
import type { Written } from "./ports.js";
import { refusalText } from "./next-step.js";
import { grantTerms, samePolicy, type LiveKey } from "./read.js";
import { lookUntil } from "./settle.js";

/** What a step came to. `failed` says in one sentence what is known. */
export type Step = { readonly kind: "done" } | { readonly kind: "failed"; readonly reason: string };

/** Times that one change is sent. Each further one only after a look that showed the former state. */
const SENDINGS = 4;
/** Milliseconds that a look after a lost answer lasts, where sending the same again does no harm. */
const LOOK_MS = 1_000;

type Action = "put-policy" | "revoke-grant" | "create-grant";

/** One change: how it is sent, and what a key looks like after and before it. */
interface Change<T> {
  readonly action: Action;
  readonly key: string;
  readonly send: () => Promise<Written<T>>;
  readonly judge: (live: LiveKey) => "wanted" | "former" | "other";
  /**
   * Milliseconds for which a lost change is looked for before it is sent again. CreateGrant makes another grant each time
   * (KMS API reference, CreateGrant, `Name`), so what may still become visible is waited for.
   */
  readonly lookMs: number;
  /** Id of the grant that is gone or was made. */
  readonly grantId: (answer: T | undefined, live: LiveKey | undefined) => string | null;
}

/**
 * Sends a change whose intent is on the disk. An error that leaves open whether it was done is resolved by reading the
 * key: done, not done and so sent again, or changed by somebody else. Never guessed.
 */
async function send<T>(context: RunContext, ports: KeyPorts, change: Change<T>): Promise<Step> {
  const { action, key } = change;
  const { recorder } = context;
  for (let sending = 1; ; sending++) {
    const written = await change.send();
    if (written.ok) {
      const grantId = change.grantId(written.value, undefined);
      await recorder.add({ type: "done", key, action, how: "answered", grantId });
      return { kind: "done" };
    }
    const { effect, call, code, message } = written.error;
    const fail = async (known: "none" | "unknown", reason: string): Promise<Step> => {
      await recorder.add({ type: "failed", key, action, effect: known, code, message });
      return { kind: "failed", reason };
    };
    const gone = action === "revoke-grant" && written.error.kind === "not-found";
    if (effect === "none" && !gone) return fail("none", `AWS refused ${refusalText(written.error)}`);
    const seen = await lookUntil(context, ports, key, change.lookMs, change.judge);
    switch (seen.kind) {
      case "seen": {
        const grantId = change.grantId(undefined, seen.live);
        await recorder.add({ type: "done", key, action, how: "read-back", grantId });
        return { kind: "done" };
      }
      case "other":
        return fail(
          "unknown",
          `${call} got no clear answer (${code}), and somebody else has changed the key since: it is neither as before nor as it was to be. Next: look at it by hand, then make a new plan, or keyward rollback RUN --over-later-changes.`,
        );
      case "unreadable":
        return fail(
          "unknown",
          `${call} got no clear answer (${code}), and the key cannot be read: it is not known whether it was done. ${refusalText(seen.failure)}`,
        );
      case "not-yet":
        if (sending < SENDINGS) continue;
        return fail(
          "unknown",
          `${call} got no clear answer ${sending} times (${code}), and the key still reads as before; a late change is possible. Next: keyward apply --resume RUN when KMS answers again.`,
        );
    }
  }
}

/**
 * Which of two policies a key has. Bytes first: the two can mean the same. Then the meaning: AWS may show what was put in
 * another spelling.
 */
export function stateOf(live: string, from: string, to: string, key: string): "wanted" | "former" | "other" {
  if (live === to) return "wanted";
  if (live === from) return "former";
  return samePolicy(live, to, key) ? "wanted" : "other";
}

/** Puts a policy in place of another one, of which there is a backup. */
export async function putPolicy(
  context: RunContext,
  ports: KeyPorts,
  key: string,
  from: string,
  to: string,
): Promise<Step> {
  const digest = await context.recorder.keep(to);
  await context.recorder.add({ type: "intent", key, action: "put-policy", from: sha256(from), to: digest });
  return send(context, ports, {
    action: "put-policy",
    key,
    send: () => ports.write.putKeyPolicy(key, to, context.signal),
    judge: (live) => stateOf(live.policy, from, to, key),
    lookMs: LOOK_MS,
    grantId: () => null,
  });
}

/** Revokes a grant of which there is a backup. */
export async function revokeGrant(
  context: RunContext,
  ports: KeyPorts,
  key: string,
  grantId: string,
): Promise<Step> {
  await context.recorder.add({ type: "intent", key, action: "revoke-grant", grantId });
  return send(context, ports, {
    action: "revoke-grant",
    key,
    send: () => ports.write.revokeGrant(key, grantId, context.signal),
    judge: (live) => (live.grants.some((g) => g.GrantId === grantId) ? "former" : "wanted"),
    lookMs: LOOK_MS,
    grantId: () => grantId,
  });
}

/**
 * Makes a grant with the terms of a revoked one.
 * @param before ids of the grants that the key has
 */
export async function createGrant(
  context: RunContext,
  ports: KeyPorts,
  key: string,
  terms: Grant,
  before: ReadonlySet<string>,
): Promise<Step> {
  const same = grantTerms(terms);
  const made = (live: LiveKey): Grant | undefined =>
    live.grants.find((g) => !before.has(g.GrantId) && grantTerms(g) === same);
  await context.recorder.add({ type: "intent", key, action: "create-grant", insteadOf: terms.GrantId });
  return send(context, ports, {
    action: "create-grant",
    key,
    send: () => ports.write.createGrant(key, terms, context.signal),
    judge: (live) => (made(live) === undefined ? "former" : "wanted"),
    lookMs: Math.max(LOOK_MS, context.settleMs),
    grantId: (answer, live) => answer ?? (live === undefined ? undefined : made(live)?.GrantId) ?? null,
  });
}

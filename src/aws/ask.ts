import type { Asked, CallFailure, Page } from "../collect/ports.js";
import { err, ok } from "../domain/result.js";
import { unlessAborted } from "./aborts.js";
import type { RenewableCredentials } from "./credentials.js";
import { callFailure, isExpiry, isTransient } from "./failure.js";
import type { Action } from "./permissions.js";
import type { AttemptEnd, Scheduler, Target } from "./scheduler.js";

/** Options that the SDK's `send` takes. */
export interface SendOptions {
  readonly abortSignal: AbortSignal;
}

/** Sends one command; what AWS refuses becomes a value that names the action. */
export type Ask = <T>(
  action: Action,
  signal: AbortSignal,
  send: (options: SendOptions) => Promise<T>,
) => Promise<Asked<T>>;

/** An {@link Ask} whose help sentences name the user's profile. */
export function asker(profile: string | undefined): Ask {
  return async (action, signal, send) => {
    try {
      return ok(await unlessAborted(signal, send({ abortSignal: signal })));
    } catch (error) {
      return err(callFailure(action, error, profile));
    }
  };
}

/** Attempts of one call, each kind of failure counted by itself. Throttling passes, so it is waited out longer. */
const ATTEMPTS = { throttled: 12, transient: 6, timeout: 3, expired: 4 } as const;
/** Milliseconds: the longest first wait, which doubles with each attempt, and the longest wait of all. */
const FIRST_WAIT = { throttled: 400, transient: 100 } as const;
const LONGEST_WAIT = 20_000;

/** What the calls of one account in one Region are made with. */
export interface Paced {
  readonly scheduler: Scheduler;
  readonly target: Target;
  readonly credentials: RenewableCredentials;
  readonly profile: string | undefined;
  /**
   * `refusals`: only what surely did nothing (throttling, expired credentials) is repeated. For calls that change
   * something: after a lost answer somebody has to look first. Undefined: everything that may pass by itself.
   */
  readonly repeat?: "refusals";
}

/**
 * An {@link Ask} that sends every attempt when the scheduler says so and repeats what passes by itself: throttling,
 * failures of the service and the connection (exponential waits with full jitter, so that calls which failed together
 * do not come back together), and expired credentials, once new ones are there. The commands must come from clients
 * that make a single attempt.
 */
export function pacedAsker(paced: Paced): Ask {
  const { scheduler, target, credentials, profile } = paced;
  const { random, sleep } = scheduler.surroundings;
  return async <T>(action: Action, signal: AbortSignal, send: (options: SendOptions) => Promise<T>) => {
    const failed = { throttled: 0, transient: 0, timeout: 0, expired: 0 };
    for (;;) {
      const stamp = credentials.stamp;
      const attempt = await scheduler.attempt(
        target,
        action,
        signal,
        () => once(action, signal, send, profile),
        (result) => result.end,
      );
      const { answer, repeat } = attempt;
      if (answer.ok || repeat === undefined || signal.aborted) return answer;
      if (paced.repeat === "refusals" && (repeat === "transient" || repeat === "timeout")) return answer;
      failed[repeat] += 1;
      if (failed[repeat] >= ATTEMPTS[repeat]) return answer;
      if (repeat === "expired") {
        const renewed = await renewal(action, credentials, stamp, profile);
        // The same credentials again: one more attempt, for a service that was wrong about them, and no more.
        if (!renewed.ok) return renewed;
        if (!renewed.value && failed.expired > 1) return answer;
        continue;
      }
      const kind = repeat === "throttled" ? "throttled" : "transient";
      const longest = Math.min(LONGEST_WAIT, FIRST_WAIT[kind] * 2 ** (failed[repeat] - 1));
      await sleep(random() * longest, signal);
    }
  };
}

interface Attempt<T> {
  readonly answer: Asked<T>;
  readonly end: AttemptEnd;
  /** Why the same call may well succeed later; undefined: it may not. */
  readonly repeat: keyof typeof ATTEMPTS | undefined;
}

async function once<T>(
  action: Action,
  signal: AbortSignal,
  send: (options: SendOptions) => Promise<T>,
  profile: string | undefined,
): Promise<Attempt<T>> {
  try {
    const value = await unlessAborted(signal, send({ abortSignal: signal }));
    return { answer: ok(value), end: "answered", repeat: undefined };
  } catch (error) {
    const failure = callFailure(action, error, profile);
    const answer = err(failure);
    if (failure.kind === "throttled") return { answer, end: "throttled", repeat: "throttled" };
    if (isExpiry(failure)) return { answer, end: "answered", repeat: "expired" };
    if (failure.kind === "unreachable") {
      const timeout = /timeout/i.test(failure.code) || failure.code === "ETIMEDOUT";
      return { answer, end: timeout ? "no-answer" : "answered", repeat: timeout ? "timeout" : "transient" };
    }
    return { answer, end: "answered", repeat: isTransient(error) ? "transient" : undefined };
  }
}

async function renewal(
  action: Action,
  credentials: RenewableCredentials,
  stamp: number,
  profile: string | undefined,
): Promise<Asked<boolean>> {
  try {
    return ok(await credentials.renew(stamp));
  } catch (error) {
    const failure = error instanceof CallRefused ? error.failure : callFailure(action, error, profile);
    return err({ ...failure, kind: "credentials" });
  }
}

/** A call that was made to get credentials failed. Thrown through the SDK, which asks for them on its own. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  constructor(readonly failure: CallFailure) {
    super(`${failure.code}: ${failure.message}`);
  }
}

/** An answer that contradicts the API reference. Its name is the code that a report shows. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
}

/**
 * One page of a list. A list that says it goes on and does not say where would end too early in silence, and an answer
 * without the list (an empty body, `{}`) comes from something that is not AWS and says nothing; both are failures.
 */
export function page<T, U>(
  items: readonly T[] | undefined,
  truncated: boolean,
  next: string | undefined,
  convert: (item: T) => U,
): Page<U> {
  if (truncated && (next === undefined || next === "")) {
    throw new UnexpectedAnswer("The list says that it goes on, but not where.");
  }
  return { items: listed(items).map(convert), next: truncated ? next : undefined };
}

/** The items of a list, which the SDK does not check: an empty list is there, a missing one was not answered. */
export function listed<T>(items: readonly T[] | undefined): readonly T[] {
  const found: unknown = items;
  if (Array.isArray(found) && !found.includes(null)) {
    return found as readonly T[];
  }
  throw new UnexpectedAnswer("The answer does not hold the list that was asked for.");
}

import type { Asked, Page } from "../collect/ports.js";
import { err, ok } from "../domain/result.js";
import { callFailure } from "./failure.js";
import type { Action } from "./permissions.js";

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
      return ok(await send({ abortSignal: signal }));
    } catch (error) {
      return err(callFailure(action, error, profile));
    }
  };
}

/** An answer that contradicts the API reference. Its name is the code that a report shows. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
}

/**
 * One page of a list. A list that says it goes on and does not say where would end too early in silence; that is a
 * failure.
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
  return { items: (items ?? []).map(convert), next: truncated ? next : undefined };
}

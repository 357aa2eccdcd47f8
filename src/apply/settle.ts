import type { CallFailure } from "../collect/ports.js";
import type { RunContext } from "./context.js";
import type { KeyPorts } from "./context.js";
import type { LiveKey } from "./read.js";
import { readLive } from "./read.js";

/** Milliseconds between two looks: the first wait, which doubles, and the longest one. */
const FIRST_LOOK = 50;
const LONGEST_LOOK = 2_000;

/** What looking at a key until it changed came to. */
export type Seen =
  | { readonly kind: "seen"; readonly live: LiveKey }
  /** Neither before nor after: somebody else has changed it. */
  | { readonly kind: "other"; readonly live: LiveKey }
  /** Still as before when the time was up. */
  | { readonly kind: "not-yet"; readonly live: LiveKey }
  | { readonly kind: "unreadable"; readonly failure: CallFailure };

/**
 * Reads a key until it is as wanted. KMS is eventually consistent: reads can show the former state for seconds. Source:
 * KMS Developer Guide, "Eventual consistency".
 *
 * @param judge what a state is: the wanted one, the former one (look again), or neither
 */
export async function lookUntil(
  context: Pick<RunContext, "now" | "sleep" | "signal">,
  ports: KeyPorts,
  key: string,
  forMs: number,
  judge: (live: LiveKey) => "wanted" | "former" | "other",
): Promise<Seen> {
  const end = context.now() + forMs;
  for (let wait = FIRST_LOOK; ; wait = Math.min(LONGEST_LOOK, wait * 2)) {
    const read = await readLive(ports.read, key, context.signal);
    if (!read.ok) return { kind: "unreadable", failure: read.error };
    const state = judge(read.value);
    if (state === "wanted") return { kind: "seen", live: read.value };
    if (state === "other") return { kind: "other", live: read.value };
    if (context.now() >= end) return { kind: "not-yet", live: read.value };
    await context.sleep(Math.min(wait, Math.max(1, end - context.now())));
  }
}

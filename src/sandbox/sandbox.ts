import { setTimeout as sleep } from "node:timers/promises";
import type { SnapshotLine } from "../snapshot/lines.js";
import { type SandboxOptions, openDesk } from "./desk.js";
import { inert } from "../domain/inert.js";
import { KeywardError } from "../domain/result.js";
import { Faults, parseFault } from "./faults.js";
import { type Controls, localPage } from "./pages.js";
import { deletePrincipal } from "./world/deletion.js";
import { ServiceError } from "./errors.js";
import { KMS } from "./reply.js";
import type { Desk } from "./job.js";
import { type Answered, answerAws } from "./router.js";
import { type HttpRequest, serve } from "./server.js";
import { type SandboxStats, StatsBook } from "./stats.js";
import { saveWorld } from "./world/save.js";
import type { World } from "./world/world.js";

/** A running sandbox. */
export interface Sandbox {
  /** `http://127.0.0.1:PORT`: the endpoint of KMS, STS, EC2 and Account. */
  readonly url: string;
  readonly port: number;
  /** Keys that the snapshot brought. */
  readonly keys: number;
  /** Requests so far. */
  stats(): SandboxStats;
  /** The present state as snapshot lines. */
  snapshot(): Iterable<SnapshotLine>;
  /** Puts other faults, as `--fault` takes them, in place of the present ones. */
  setFaults(specs: readonly string[]): void;
  /** Deletes a user or role; its unique id, which key policies show from then on. */
  deletePrincipal(arn: string): string;
  /** Stops the server. */
  close(): Promise<void>;
}

/**
 * Starts a local KMS on 127.0.0.1. It judges requests by the rules of `src/semantics`; signatures are read, not
 * verified, so any secret will do.
 * @throws KeywardError for a snapshot, callers file or fault that is wrong, or a port that is taken.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const now = options.now ?? Date.now;
  const desk = await openDesk(options);
  const { world } = desk.services;
  const stats = new StatsBook(now());
  const controls = controlsOf(desk, stats, now);
  const server = await serve(options.port ?? 0, async (request) => {
    const local = localPage(request, controls);
    if (local !== undefined) return { kind: "reply", reply: local };
    const { outcome, slowMs } = answer(desk, request, stats, options);
    const waitMs = (options.latencyMs ?? 0) + slowMs;
    if (waitMs > 0) await sleep(waitMs, undefined, { ref: false });
    return outcome;
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    keys: [...world.keys()].length,
    stats: () => stats.read(),
    snapshot: () => saveWorld(world, now()),
    setFaults: (specs) => controls.setFaults(specs),
    deletePrincipal: (arn) => controls.deletePrincipal(arn),
    close: () => server.close(),
  };
}

function answer(
  desk: Desk,
  request: HttpRequest,
  stats: StatsBook,
  options: SandboxOptions,
): Pick<Answered, "outcome" | "slowMs"> {
  try {
    const answered = answerAws(desk, request);
    const { operation, result, caller, target, place } = answered;
    stats.count(operation, result, place);
    options.onRequest?.({ operation, result, caller, target, place });
    return answered;
  } catch (error) {
    // A bug. The client gets an answer, the server lives on, and whoever started it hears of it.
    options.onBug?.(error);
    stats.count("unknown", "InternalFailure", undefined);
    const failure = new ServiceError("InternalFailure", "The sandbox failed: a bug in keyward.", 500);
    return { outcome: { kind: "reply", reply: KMS.refusal(failure, request.id) }, slowMs: 0 };
  }
}

/** What can be looked at and changed while the sandbox runs. */
function controlsOf(desk: Desk, stats: StatsBook, now: () => number): Controls {
  const { world, keepMs } = desk.services;
  return {
    stats: () => stats.read(),
    snapshotText: () => snapshotText(world, now()),
    setFaults: (specs) => {
      const faults = specs.map(parseFault);
      const longest = Faults.longestStale(faults);
      if (longest > keepMs) {
        throw new KeywardError({
          what: "the sandbox does not remember former states for that long",
          where: "faults",
          expected: `stale-MS up to ${keepMs}`,
          got: `stale-${longest}`,
          next: "start it with --stale, or with a fault that looks back as far",
        });
      }
      desk.faults.replace(faults);
    },
    deletePrincipal: (arn) => {
      if (/^arn:[^:]+:iam::[0-9]{12}:(user|role)\/.+$/.test(arn)) return deletePrincipal(world, arn, now());
      throw new KeywardError({
        what: "this is no user or role",
        where: "deleted principals",
        expected: "an ARN such as arn:aws:iam::111122223333:role/app",
        got: inert(arn, { max: 200 }),
      });
    },
  };
}

function* snapshotText(world: World, now: number): Generator<string> {
  for (const line of saveWorld(world, now)) yield `${JSON.stringify(line)}\n`;
}

import { setTimeout as sleep } from "node:timers/promises";
import type { SnapshotLine } from "../snapshot/lines.js";
import { type SandboxOptions, openDesk } from "./desk.js";
import { ServiceError } from "./errors.js";
import { KMS, type Reply } from "./reply.js";
import { type Desk, answerAws } from "./router.js";
import { type HttpRequest, type Outcome, serve } from "./server.js";
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
  const server = await serve(options.port ?? 0, async (request) => {
    const local = localReply(request, stats, world, now);
    if (local !== undefined) return { kind: "reply", reply: local };
    const outcome = answer(desk, request, stats, options);
    if ((options.latencyMs ?? 0) > 0) await sleep(options.latencyMs, undefined, { ref: false });
    return outcome;
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    keys: [...world.keys()].length,
    stats: () => stats.read(),
    snapshot: () => saveWorld(world, now()),
    close: () => server.close(),
  };
}

function answer(desk: Desk, request: HttpRequest, stats: StatsBook, options: SandboxOptions): Outcome {
  try {
    const answered = answerAws(desk, request);
    stats.count(answered.operation, answered.result);
    const { operation, result, caller, target } = answered;
    options.onRequest?.({ operation, result, caller, target });
    return answered.outcome;
  } catch (error) {
    // A bug. The client gets an answer, the server lives on, and whoever started it hears of it.
    options.onBug?.(error);
    stats.count("unknown", "InternalFailure");
    const failure = new ServiceError("InternalFailure", "The sandbox failed: a bug in keyward.", 500);
    return { kind: "reply", reply: KMS.refusal(failure, request.id) };
  }
}

/** The sandbox's own pages, for scripts. */
function localReply(
  request: HttpRequest,
  stats: StatsBook,
  world: World,
  now: () => number,
): Reply | undefined {
  if (!request.path.startsWith("/_sandbox/")) return undefined;
  const headers = { "cache-control": "no-store" };
  if (request.method !== "GET") {
    return {
      status: 405,
      headers: { ...headers, allow: "GET", "content-type": "text/plain" },
      body: "GET only\n",
    };
  }
  switch (request.path) {
    case "/_sandbox/stats":
      return {
        status: 200,
        headers: { ...headers, "content-type": "application/json" },
        body: `${JSON.stringify(stats.read(), undefined, 2)}\n`,
      };
    case "/_sandbox/snapshot":
      return {
        status: 200,
        headers: { ...headers, "content-type": "application/x-ndjson" },
        body: snapshotText(world, now()),
      };
    default:
      return {
        status: 404,
        headers: { ...headers, "content-type": "text/plain" },
        body: "There are /_sandbox/stats and /_sandbox/snapshot.\n",
      };
  }
}

function* snapshotText(world: World, now: number): Generator<string> {
  for (const line of saveWorld(world, now)) yield `${JSON.stringify(line)}\n`;
}

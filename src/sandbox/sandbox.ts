import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { KeywardError } from "../domain/result.js";
import { parseAccountId } from "../domain/ids.js";
import type { SnapshotLine } from "../snapshot/lines.js";
import { Access } from "./access.js";
import { Callers } from "./callers.js";
import { NO_CALLERS, parseCallers } from "./callers-file.js";
import { Cipher } from "./ciphertext.js";
import { ServiceError } from "./errors.js";
import { Faults, parseFault } from "./faults.js";
import { Pager } from "./paging.js";
import { Quotas } from "./quotas.js";
import { seededRandom } from "./random.js";
import { DEFAULT_DISABLED_REGION, Regions } from "./regions.js";
import { KMS, type Reply } from "./reply.js";
import { type Desk, answerAws } from "./router.js";
import { type HttpRequest, type Outcome, serve } from "./server.js";
import { type SandboxStats, StatsBook } from "./stats.js";
import { GrantTokens } from "./world/grant-tokens.js";
import { loadSnapshotFile, loadWorld } from "./world/load.js";
import { saveWorld } from "./world/save.js";
import type { World } from "./world/world.js";

/** How a sandbox starts. Everything has a default: an empty estate without faults. */
export interface SandboxOptions {
  /** The estate: the path of a snapshot, or its lines. */
  readonly snapshot?: string | Iterable<SnapshotLine>;
  /** Port on 127.0.0.1; 0 (default) takes a free one. */
  readonly port?: number;
  /** The JSON value of a callers file (docs/sandbox.md). */
  readonly callers?: unknown;
  /** Where `callers` came from, for messages. */
  readonly callersFrom?: string;
  /** No access key works that `callers` does not have and AssumeRole did not make. */
  readonly onlyCallers?: boolean;
  /** Account of access keys that name none. Default: that of the first key of the snapshot, else 111122223333. */
  readonly account?: string;
  /** ARNs of the users and roles that exist; key policies that name others are refused. Default: all exist. */
  readonly principals?: readonly string[];
  /** Enforce AWS's default request quotas. */
  readonly quotas?: boolean;
  /** Milliseconds that every answer waits. */
  readonly latencyMs?: number;
  /** Milliseconds for which GetKeyPolicy and ListGrants show the state before a change. */
  readonly staleMs?: number;
  /** Faults, as `--fault` takes them. */
  readonly faults?: readonly string[];
  /** Seed of chance and of key material. Default 1. */
  readonly seed?: number;
  /** Opt-in Regions that are not enabled. Default: af-south-1. */
  readonly disabledRegions?: readonly string[];
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** Hears of every request. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Hears of bugs: a request that was answered with InternalFailure because the sandbox itself failed. */
  readonly onBug?: (error: unknown) => void;
}

/** One answered request. */
export interface RequestEvent {
  /** e.g. `kms:GetKeyPolicy`. */
  readonly operation: string;
  /** `ok`, the code of the refusal, `reset` or `hang`. */
  readonly result: string;
  /** ARN; undefined where the request was refused before it was known. */
  readonly caller: string | undefined;
  /** Key ARN, role ARN or `ACCOUNT/REGION`. */
  readonly target: string | undefined;
}

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
  const world = await readWorld(options, now());
  const desk = openDesk(options, world, now);
  const stats = new StatsBook(now());
  const server = await serve(options.port ?? 0, async (request) => {
    const local = localReply(request, stats, world, now);
    if (local !== undefined) return { kind: "reply", reply: local };
    const outcome = answer(desk, request, stats, options);
    if ((options.latencyMs ?? 0) > 0) await sleep(options.latencyMs);
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

function readWorld(options: SandboxOptions, now: number): Promise<World> {
  const load = { staleMs: options.staleMs ?? 0, now };
  return typeof options.snapshot === "string"
    ? loadSnapshotFile(options.snapshot, load)
    : loadWorld(options.snapshot ?? [], load);
}

function openDesk(options: SandboxOptions, world: World, now: () => number): Desk {
  const seed = options.seed ?? 1;
  const rules =
    options.callers === undefined
      ? NO_CALLERS
      : parseCallers(options.callers, options.callersFrom ?? "callers");
  for (const identity of rules.accessKeys.values()) {
    if (identity.account !== undefined) world.addAccount(identity.account);
  }
  const first = world.keys().next();
  const accountText = options.account ?? (first.done === true ? "111122223333" : first.value.account);
  const account = parseAccountId(accountText);
  if (account === undefined) {
    throw new KeywardError({
      what: "not an account id",
      where: "--account",
      expected: "twelve digits",
      got: accountText,
    });
  }
  world.addAccount(account);
  return {
    services: {
      world,
      access: new Access(world),
      pager: new Pager(createHash("sha256").update(`markers ${seed}`).digest()),
      cipher: new Cipher(seed),
      grantTokens: new GrantTokens(),
      principals: options.principals === undefined ? undefined : new Set(options.principals),
      staleMs: options.staleMs ?? 0,
    },
    callers: new Callers(rules, options.onlyCallers ?? false, account),
    rules,
    regions: new Regions(options.disabledRegions ?? [DEFAULT_DISABLED_REGION], () => world.regions),
    faults: new Faults((options.faults ?? []).map(parseFault), seededRandom(seed)),
    quotas: options.quotas === true ? new Quotas() : undefined,
    now,
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

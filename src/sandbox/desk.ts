import { createHash } from "node:crypto";
import { parseAccountId } from "../domain/ids.js";
import { KeywardError } from "../domain/result.js";
import type { SnapshotLine } from "../snapshot/lines.js";
import { Access } from "./access.js";
import { CallerPolicies } from "./caller-policies.js";
import { Callers } from "./callers.js";
import { NO_CALLERS, parseCallers } from "./callers-file.js";
import { Cipher } from "./ciphertext.js";
import { Faults, parseFault } from "./faults.js";
import { Pager } from "./paging.js";
import { Quotas } from "./quotas.js";
import { seededRandom } from "./random.js";
import { DEFAULT_DISABLED_REGION, Regions } from "./regions.js";
import type { Desk } from "./job.js";
import { GrantTokens } from "./world/grant-tokens.js";
import { loadSnapshotFile, loadWorld } from "./world/load.js";
import { Trail } from "./trail.js";
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
  /** Enforce AWS's default request quotas; or those with other numbers for some operations (`kms:ListGrants`). */
  readonly quotas?: boolean | Readonly<Record<string, number>>;
  /** Milliseconds that every answer waits. */
  readonly latencyMs?: number;
  /** Milliseconds for which GetKeyPolicy and ListGrants show the state before a change. */
  readonly staleMs?: number;
  /** Faults, as `--fault` takes them. */
  readonly faults?: readonly string[];
  /** Seed of chance and of key material. Default 1. */
  readonly seed?: number;
  /** Opt-in Regions that no account (`REGION`) or one account (`ACCOUNT/REGION`) has enabled. Default: af-south-1. */
  readonly disabledRegions?: readonly string[];
  /** Seconds after which the credentials of AssumeRole end, whatever was asked for. Default: what was asked for. */
  readonly sessionSeconds?: number;
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
  /** The caller's `ACCOUNT/REGION`. */
  readonly place: string | undefined;
}

function readWorld(options: SandboxOptions, keepMs: number, now: number): Promise<World> {
  const load = { staleMs: keepMs, now };
  return typeof options.snapshot === "string"
    ? loadSnapshotFile(options.snapshot, load)
    : loadWorld(options.snapshot ?? [], load);
}

function quotasOf(option: SandboxOptions["quotas"]): Quotas | undefined {
  if (option === undefined || option === false) return undefined;
  return new Quotas(option === true ? new Map() : new Map(Object.entries(option)));
}

/**
 * Sets up everything that answers requests.
 * @throws KeywardError for a snapshot, callers file, account or fault that is wrong.
 */
export async function openDesk(options: SandboxOptions): Promise<Desk> {
  const now = options.now ?? Date.now;
  const faults = (options.faults ?? []).map(parseFault);
  const staleMs = options.staleMs ?? 0;
  const keepMs = Math.max(staleMs, Faults.longestStale(faults));
  const world = await readWorld(options, keepMs, now());
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
      keepMs,
    },
    callers: new Callers(rules, options.onlyCallers ?? false, account, new CallerPolicies(world)),
    rules,
    regions: new Regions(
      options.disabledRegions ?? [DEFAULT_DISABLED_REGION],
      () => world.regions,
      (id) => world.iam.account(id)?.regions ?? [],
    ),
    sessionSeconds: options.sessionSeconds,
    trail: new Trail(),
    faults: new Faults(faults, seededRandom(seed)),
    quotas: quotasOf(options.quotas),
    staleMs,
    now,
  };
}

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FormerPolicy } from "../../apply/former.js";
import { chooseFormer, formerInHistory, formerInLogs } from "../../apply/former.js";
import { formerInConfig, formerRecorded } from "../../apply/former-config.js";
import { sha256 } from "../../apply/journal/chain.js";
import { readLive, samePolicy } from "../../apply/read.js";
import type { KeyTask, TaskList } from "../../apply/tasks.js";
import { TASKS_SCHEMA } from "../../apply/tasks.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { KeywardError } from "../../domain/result.js";
import { zoneOf } from "../../trust/zone.js";
import { logFiles } from "../../usage/folder.js";
import { HISTORY_DAYS } from "../../usage/lookup.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { loadConfigFile } from "../config-file.js";
import { toolVersion } from "../version.js";
import { openCloud } from "./cloud.js";
import type { ChangeFlags } from "./flags.js";

/** Where a former policy comes from if not from the journal. */
export interface FormerSource {
  readonly cloudtrail: readonly string[];
  readonly lookupEvents: boolean;
  readonly askConfig: boolean;
  /** Folders or files that AWS Config has delivered, or answers of get-resource-config-history. */
  readonly config: readonly string[];
  /** A file that holds the policy. */
  readonly policyFile: string | undefined;
  /** RFC 3339: the policy that was in force then. */
  readonly at: string | undefined;
}

/** Tasks that put former policies back on the named keys. Throws {@link KeywardError} where none is known. */
export async function formerTasks(source: FormerSource, flags: ChangeFlags, io: Io): Promise<TaskList> {
  const keys = [...(flags.keys ?? [])];
  const [first, ...more] = keys;
  if (first === undefined || (source.policyFile !== undefined && more.length > 0)) {
    throw new KeywardError({
      what:
        source.policyFile === undefined
          ? "it has to be said which keys"
          : "one file is the policy of one key",
      where: "--key",
      expected: source.policyFile === undefined ? "--key ARN, once for each key" : "--key ARN, once",
      got: first === undefined ? "no --key" : `${keys.length} keys`,
      next: "keyward scan lists the ARNs of keys",
    });
  }
  const config = await loadConfigFile(undefined);
  const all = source.policyFile === undefined ? await formerPolicies(source, keys, flags, io) : [];
  const file = source.policyFile === undefined ? undefined : await policyText(source.policyFile);
  const cloud = await openCloud(flags, io, regionOf(first));
  try {
    const tasks: KeyTask[] = [];
    for (const key of keys) {
      const ports = await cloud.portsOf(key);
      const live =
        typeof ports === "string" ? ports : await readLive(ports.read, key, new AbortController().signal);
      if (typeof live === "string" || !live.ok) {
        throw new KeywardError({
          what: "the key cannot be read",
          where: key,
          got:
            typeof live === "string" ? live : `${live.error.call}: ${live.error.code}: ${live.error.message}`,
          next: "permit kms:GetKeyPolicy and kms:ListGrants on it (keyward doctor --for rollback), with credentials of the key's account",
        });
      }
      const { policy: now } = live.value;
      const chosen =
        file === undefined
          ? chooseFormer(all, key, source.at, liveIn(all, key, now))
          : { policy: file, words: `The policy is that of the file ${source.policyFile ?? ""}.` };
      if (chosen === undefined) throw notFound(key, source);
      const words =
        "words" in chosen
          ? chosen.words
          : `The policy is that of ${chosen.event} by ${chosen.by} at ${chosen.at} (event ${chosen.eventId}).`;
      tasks.push({
        key,
        expect: { policy: sha256(now), grants: null },
        policy: chosen.policy,
        revoke: [],
        create: [],
        foreseen: [words, "Grants are left as they are."],
      });
    }
    const zone = zoneOf(config, []);
    const { organizations, accounts, principals, services } = zone;
    return {
      schema: TASKS_SCHEMA,
      kind: "rollback",
      zone: {
        organizations: [...organizations],
        accounts: [...accounts],
        principals: [...principals],
        services: [...services],
      },
      tasks,
    };
  } finally {
    cloud.close();
  }
}

async function formerPolicies(
  source: FormerSource,
  keys: readonly string[],
  flags: ChangeFlags,
  io: Io,
): Promise<readonly FormerPolicy[]> {
  const all: FormerPolicy[] = [];
  for (const path of source.cloudtrail) {
    all.push(
      ...(await formerInLogs(logFiles(path), (gap) => {
        sayTo(io.stderr)(`gap in the evidence: ${gap}`);
      })),
    );
  }
  for (const path of source.config) {
    all.push(
      ...(await formerInConfig(logFiles(path), (gap) => {
        sayTo(io.stderr)(`gap in the evidence: ${gap}`);
      })),
    );
  }
  if (source.askConfig) all.push(...(await recorded(keys, source.at, flags, io)));
  if (!source.lookupEvents) return all;
  const { connectUsage } = await import("../../aws/usage.js");
  const connection = await connectUsage({
    profile: flags.profile,
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
  });
  try {
    for (const region of new Set(keys.map(regionOf).filter((r) => r !== undefined))) {
      const to = io.now();
      const span = { from: to - HISTORY_DAYS * 86_400_000, to };
      const tools = { wait: () => sleep(500), signal: new AbortController().signal };
      const found = await formerInHistory(connection.history(region), span, tools);
      if (typeof found === "string") {
        throw new KeywardError({
          what: "the event history cannot be read",
          where: region,
          got: found,
          next: "permit cloudtrail:LookupEvents, or name log files with --cloudtrail",
        });
      }
      all.push(...found);
    }
  } finally {
    connection.close();
  }
  return all;
}

/** What AWS Config has recorded of the keys, each in its Region. */
async function recorded(
  keys: readonly string[],
  at: string | undefined,
  flags: ChangeFlags,
  io: Io,
): Promise<readonly FormerPolicy[]> {
  const { connectConfig } = await import("../../aws/config.js");
  const connection = await connectConfig({
    profile: flags.profile,
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
  });
  try {
    const all: FormerPolicy[] = [];
    const { signal } = new AbortController();
    for (const key of keys) {
      const arn = parseKeyArn(key);
      if (arn === undefined) continue;
      const { region, keyId } = keyArnParts(arn);
      const until = at === undefined ? undefined : Date.parse(at);
      const found = await formerRecorded(connection.recorded(region), keyId, until, signal);
      if (!("call" in found)) {
        all.push(...found);
        continue;
      }
      throw new KeywardError({
        what: "AWS Config cannot be asked for the history of the key",
        where: key,
        got: `${found.call}: ${found.code}: ${found.message}`,
        next:
          found.code === "ResourceNotDiscoveredException"
            ? "AWS Config has not recorded this key: take the policy with --from cloudtrail, or with --policy FILE"
            : `${found.help ?? "Permit config:GetResourceConfigHistory."} Or name files that AWS Config has delivered with --config-history.`,
      });
    }
    return all;
  } finally {
    connection.close();
  }
}

async function policyText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new KeywardError({
      what: "the policy cannot be read",
      where: path,
      got: error.message,
      next: "name a file that holds the policy's JSON text, such as a backup of the journal, with --policy",
    });
  }
}

/** By bytes where the evidence has them; else by meaning, as AWS may show a policy in another spelling. */
function liveIn(all: readonly FormerPolicy[], key: string, now: string): (policy: string) => boolean {
  const exact = all.some((f) => f.key === key && f.policy === now);
  return (policy) => (exact ? policy === now : samePolicy(policy, now, key));
}

function notFound(key: string, source: FormerSource): KeywardError {
  return new KeywardError({
    what: "the evidence holds no former policy of this key",
    where: key,
    expected: `a PutKeyPolicy, a CreateKey or a configuration item with a policy${source.at === undefined ? "" : ` up to ${source.at}`}`,
    next: "name files that reach further back with --cloudtrail or --config-history, or give the policy with --policy FILE",
  });
}

function regionOf(key: string): string | undefined {
  const arn = parseKeyArn(key);
  return arn === undefined ? undefined : keyArnParts(arn).region;
}

import { createReadStream } from "node:fs";
import { KeywardError } from "../../domain/result.js";
import { parseKeyArn } from "../../domain/ids.js";
import { KEY_STATES, KEY_USAGES } from "../../domain/key.js";
import type { KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import { readSnapshot } from "../../snapshot/read.js";
import { GrantBook } from "./grants.js";
import { SandboxKey } from "./key.js";
import { World } from "./world.js";

/** Automatic rotation happens once a year unless the key says otherwise. */
export const DEFAULT_ROTATION_DAYS = 365;

/** How a snapshot becomes a world. */
export interface LoadOptions {
  /** How far back readers of policies and grants look, in milliseconds. */
  readonly staleMs: number;
  /** Milliseconds since the epoch; the creation time of keys whose snapshot has none. */
  readonly now: number;
}

/**
 * Loads a snapshot file, gzipped or not.
 * @throws KeywardError for a file that is missing or is not a snapshot.
 */
export async function loadSnapshotFile(path: string, options: LoadOptions): Promise<World> {
  return loadWorld(readSnapshot(createReadStream(path), path), options);
}

/** Builds a world from snapshot lines. */
export async function loadWorld(
  lines: AsyncIterable<SnapshotLine> | Iterable<SnapshotLine>,
  options: LoadOptions,
): Promise<World> {
  const world = new World();
  const texts = new Map<string, string>();
  for await (const line of lines) {
    switch (line.type) {
      case "key":
        addKeyLine(world, shareText(line, texts), options);
        break;
      case "organization":
      case "resource-control-policy":
      case "service-control-policy":
        world.addEstateLine(line);
        break;
      case "account":
      case "user":
      case "role":
      case "group":
      case "managed-policy":
        world.addIamLine(line);
        break;
      // What a scan could not have, and how far it went, are facts about the scan and not about the estate.
      case "snapshot":
      case "incomplete":
      case "region":
      case "coverage":
        break;
    }
  }
  return world;
}

/** Policies repeat across an estate: equal texts become one text in memory. */
function shareText(line: KeyLine, texts: Map<string, string>): KeyLine {
  if (line.policy.kind !== "present") return line;
  const known = texts.get(line.policy.text);
  if (known !== undefined) return { ...line, policy: { kind: "present", text: known } };
  texts.set(line.policy.text, line.policy.text);
  return line;
}

/**
 * A snapshot may leave facts out. A sandbox needs some value for each, and takes the commonest one: an enabled
 * symmetric encryption key of the customer with material made by KMS.
 */
function addKeyLine(world: World, line: KeyLine, options: LoadOptions): void {
  const arn = parseKeyArn(line.arn);
  if (arn === undefined) throw new Error(`the reader lets no such ARN through: ${line.arn}`);
  const createdAt = time(line.createdAt) ?? options.now;
  const lastUsedAt = time(line.lastUsedAt);
  const grants = line.grants?.kind === "present" ? line.grants.items : [];
  const key = new SandboxKey(
    {
      arn,
      manager: line.manager ?? "CUSTOMER",
      state: oneOf(KEY_STATES, line.state, "state", line.arn) ?? "Enabled",
      spec: line.spec ?? "SYMMETRIC_DEFAULT",
      usage: oneOf(KEY_USAGES, line.usage, "usage", line.arn) ?? "ENCRYPT_DECRYPT",
      origin: line.origin ?? "AWS_KMS",
      multiRegion: line.multiRegion ?? false,
      multiRegionKeyType: line.multiRegionKeyType,
      description: line.description ?? "",
      createdAt,
      deletionDate: time(line.deletionDate),
      rotation: {
        enabled: line.rotationEnabled ?? false,
        periodDays: DEFAULT_ROTATION_DAYS,
        since: createdAt,
      },
      lastUse: lastUsedAt === undefined ? undefined : { at: lastUsedAt },
      tags: line.tags ?? {},
      policy: line.policy,
      grants: new GrantBook(grants, options.staleMs),
      grantsUnreadable: line.grants?.kind === "unreadable" ? line.grants : undefined,
    },
    options.staleMs,
  );
  world.addKey(key);
  const { aliases } = world.vault(key.account, key.region);
  for (const name of line.aliases ?? []) {
    aliases.set({ name, targetKeyId: key.keyId, createdAt, updatedAt: createdAt });
  }
}

function time(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function oneOf<T extends string>(
  values: readonly T[],
  text: string | undefined,
  field: string,
  arn: string,
): T | undefined {
  if (text === undefined) return undefined;
  const found = values.find((v) => v === text);
  if (found !== undefined) return found;
  throw new KeywardError({
    what: `the sandbox has no such key ${field}`,
    where: arn,
    expected: values.join(", "),
    got: JSON.stringify(text),
    next: "correct the snapshot",
  });
}

import type { Grant } from "../domain/grant.js";
import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { KeyLine, RawGrants, RawPolicy } from "../snapshot/lines.js";
import { isSurelyManagedByAws } from "./managed-by-aws.js";
import { allPages } from "./paging.js";
import type { Asked, CallFailure, KeyDescription, KmsPort, ListedKey } from "./ports.js";
import type { DetailCall, KeyOutcome, RegionRun } from "./run.js";

/** Names of the aliases of each key id. */
export type AliasesByKey = ReadonlyMap<string, readonly string[]>;

/** The aliases of a Region by key, or why they are not known. */
export async function readAliases(run: RegionRun, kms: KmsPort): Promise<Asked<AliasesByKey>> {
  const all = await allPages("kms:ListAliases", (marker) =>
    run.ask("kms:ListAliases", (signal) => kms.listAliases(marker, signal)),
  );
  if (!all.ok) return all;
  const byKey = new Map<string, string[]>();
  for (const { name, keyId } of all.value) {
    if (keyId === undefined) continue;
    const names = byKey.get(keyId);
    if (names === undefined) byKey.set(keyId, [name]);
    else names.push(name);
  }
  return { ok: true, value: byKey };
}

/** What reading a key came to; `gaps` is what a verdict would have needed and was not read. */
export interface KeyResult {
  readonly outcome: KeyOutcome;
  readonly gaps: number;
}

/** Details that are read only on demand. */
export interface Details {
  readonly tags: boolean;
  readonly rotation: boolean;
  readonly lastUsage: boolean;
}

/** What a Region's keys are read with. */
export interface KeyReading {
  readonly kms: KmsPort;
  readonly aliases: () => Promise<Asked<AliasesByKey>>;
  readonly details: Details;
}

/**
 * Reads one key and writes its line. Keys that AWS manages are left out: nobody can change who uses them. A failure
 * marks this key and is never passed on.
 *
 * @param known what an earlier scan has read of it, and is not asked again
 */
export async function readKey(
  run: RegionRun,
  reading: KeyReading,
  key: ListedKey,
  known: KeyLine | undefined,
): Promise<KeyResult> {
  const { kms } = reading;
  const description = isDescribed(known)
    ? undefined
    : await run.ask("kms:DescribeKey", (signal) => kms.describeKey(key.id, signal));
  if (description?.ok === true && description.value.manager === "AWS") {
    return { outcome: "aws-managed", gaps: 0 };
  }
  const names = await reading.aliases();
  // The prefix is reserved: only keys that AWS manages have such an alias. Source: KMS API reference, CreateAlias.
  const ownNames = names.ok ? (names.value.get(key.id) ?? []) : known?.aliases;
  if (ownNames?.some((name) => name.startsWith("alias/aws/")) === true) {
    return { outcome: "aws-managed", gaps: 0 };
  }
  const [policy, grants, details] = await Promise.all([
    isKnown(known?.policy)
      ? undefined
      : run.ask("kms:GetKeyPolicy", (signal) => kms.getKeyPolicy(key.id, signal)),
    isKnown(known?.grants)
      ? undefined
      : allPages("kms:ListGrants", (marker) =>
          run.ask("kms:ListGrants", (signal) => kms.listGrants(key.id, marker, signal)),
        ),
    readDetails(run, reading, key.id, known),
  ]);
  const state = description?.ok === true ? description.value.state : known?.state;
  if ((isGone(policy) || isGone(grants)) && mayEnd(state)) return { outcome: "deleted", gaps: 0 };
  const rawPolicies = policy === undefined ? (known?.policy ?? NOT_ASKED) : rawPolicy(policy);
  const rawGrant = grants === undefined ? (known?.grants ?? NOT_ASKED) : rawGrants(grants);
  if (description?.ok === false) {
    if (managedByItsDocuments(key, rawPolicies, rawGrant)) return { outcome: "aws-managed", gaps: 0 };
    run.missDetail("kms:DescribeKey", description.error.code);
  }
  for (const [call, code] of details.missing) run.missDetail(call, code);
  const line: KeyLine = {
    type: "key",
    arn: key.arn,
    ...descriptionOf(known),
    ...(description?.ok === true ? described(description.value) : {}),
    ...(ownNames === undefined ? {} : { aliases: ownNames }),
    ...details.members,
    policy: rawPolicies,
    grants: rawGrant,
  };
  await run.emit(line);
  const gaps = [policy, grants].flatMap((asked) => (asked === undefined || asked.ok ? [] : [asked.error]));
  for (const gap of gaps) await run.emitIncomplete(key.arn, gap);
  return { outcome: "written", gaps: gaps.length };
}

/** Whether nothing about the key is left to ask. */
export function isWhole(line: KeyLine, details: Details): boolean {
  return (
    isDescribed(line) &&
    isKnown(line.policy) &&
    isKnown(line.grants) &&
    line.aliases !== undefined &&
    (!details.tags || line.tags !== undefined) &&
    (!details.rotation || line.rotationEnabled !== undefined) &&
    (!details.lastUsage || line.usageTrackedSince !== undefined || line.lastUsedAt !== undefined)
  );
}

/** The lines of a key that was listed but, because the scan has stopped, never asked about. */
export async function writeUnread(
  run: RegionRun,
  key: ListedKey,
  known: KeyLine | undefined,
  reason: CallFailure,
): Promise<KeyResult> {
  const gap = { ...reason, call: "kms:GetKeyPolicy" };
  const policy = known?.policy;
  const grants = known?.grants;
  await run.emit({
    ...(known ?? { type: "key", arn: key.arn }),
    policy: isKnown(policy) && policy !== undefined ? policy : unreadable(gap),
    grants: isKnown(grants) && grants !== undefined ? grants : unreadable(gap),
  });
  if (isKnown(policy) && isKnown(grants)) return { outcome: "written", gaps: 0 };
  await run.emitIncomplete(key.arn, isKnown(policy) ? { ...gap, call: "kms:ListGrants" } : gap);
  return { outcome: "written", gaps: 1 };
}

/** Stands where both an answer and what was known before are missing, which cannot be. */
const NOT_ASKED = { kind: "unreadable", code: "NotAsked" } as const;

function isKnown(raw: RawPolicy | RawGrants | undefined): boolean {
  // Every key has a policy: an answer without one is asked for again.
  return raw?.kind === "present";
}

/** DescribeKey always tells the state. Source: KMS API reference, KeyMetadata. */
function isDescribed(line: KeyLine | undefined): boolean {
  return line?.state !== undefined;
}

/** The members of a line that come from DescribeKey. */
function descriptionOf(line: KeyLine | undefined): Partial<KeyLine> {
  if (line === undefined) return {};
  const { manager, state, spec, usage, origin, multiRegion, multiRegionKeyType, relatedKeys } = line;
  const { description, createdAt, deletionDate } = line;
  return withoutUndefined({
    manager,
    state,
    spec,
    usage,
    origin,
    multiRegion,
    multiRegionKeyType,
    relatedKeys,
    description,
    createdAt,
    deletionDate,
  });
}

interface DetailResult {
  readonly members: Partial<KeyLine>;
  readonly missing: readonly (readonly [DetailCall, string])[];
}

/** What was asked for on demand. */
async function readDetails(
  run: RegionRun,
  { kms, details }: KeyReading,
  key: string,
  known: KeyLine | undefined,
): Promise<DetailResult> {
  const missing: [DetailCall, string][] = [];
  const value = <T>(call: DetailCall, asked: Asked<T> | undefined): T | undefined => {
    if (asked?.ok === false && asked.error.kind !== "not-found") missing.push([call, asked.error.code]);
    return asked?.ok === true ? asked.value : undefined;
  };
  const [tags, rotation, usage] = await Promise.all([
    details.tags && known?.tags === undefined ? readTags(run, kms, key) : undefined,
    details.rotation && known?.rotationEnabled === undefined
      ? run.ask("kms:GetKeyRotationStatus", (signal) => kms.rotationEnabled(key, signal))
      : undefined,
    details.lastUsage && known?.usageTrackedSince === undefined && known?.lastUsedAt === undefined
      ? run.ask("kms:GetKeyLastUsage", (signal) => kms.lastUsage(key, signal))
      : undefined,
  ]);
  const used = value("kms:GetKeyLastUsage", usage);
  return {
    members: withoutUndefined({
      tags: known?.tags ?? value("kms:ListResourceTags", tags),
      rotationEnabled: known?.rotationEnabled ?? value("kms:GetKeyRotationStatus", rotation),
      lastUsedAt: known?.lastUsedAt ?? used?.at,
      usageTrackedSince: known?.usageTrackedSince ?? used?.trackedSince,
    }),
    missing,
  };
}

/** AWS does not find it. Both calls work in every state of a key. */
function isGone(asked: Asked<unknown> | undefined): boolean {
  return asked?.ok === false && asked.error.kind === "not-found";
}

/**
 * Whether a key that is not found any more was deleted: only what was scheduled for it is deleted, after a week at least.
 * Any other one is there: KMS is eventually consistent, so a call may not find a new key yet. Source: KMS API reference,
 * ScheduleKeyDeletion; KMS Developer Guide, "AWS KMS eventual consistency".
 */
function mayEnd(state: string | undefined): boolean {
  return state === "PendingDeletion" || state === "PendingReplicaDeletion";
}

async function readTags(
  run: RegionRun,
  kms: KmsPort,
  key: string,
): Promise<Asked<Readonly<Record<string, string>>>> {
  const all = await allPages("kms:ListResourceTags", (marker) =>
    run.ask("kms:ListResourceTags", (signal) => kms.listResourceTags(key, marker, signal)),
  );
  return all.ok ? { ok: true, value: Object.fromEntries(all.value) } : all;
}

function managedByItsDocuments(key: ListedKey, policy: RawPolicy, grants: RawGrants): boolean {
  const arn = parseKeyArn(key.arn);
  if (arn === undefined || policy.kind !== "present" || grants.kind !== "present") return false;
  return isSurelyManagedByAws(policy.text, grants.items, keyArnParts(arn).account);
}

/** The members of KeyDescription are members of KeyLine, with the same names and types. */
function described(d: KeyDescription): Partial<KeyLine> {
  return withoutUndefined(d);
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Only members whose value is undefined are taken away, which is what the type says.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function rawPolicy(asked: Asked<string | undefined>): RawPolicy {
  if (!asked.ok) return unreadable(asked.error);
  return asked.value === undefined ? { kind: "absent" } : { kind: "present", text: asked.value };
}

function rawGrants(asked: Asked<readonly Grant[]>): RawGrants {
  return asked.ok ? { kind: "present", items: asked.value } : unreadable(asked.error);
}

function unreadable(failure: CallFailure): RawPolicy & RawGrants {
  return { kind: "unreadable", code: failure.code, message: failure.message };
}

import type { Grant } from "../domain/grant.js";
import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { KeyLine, RawGrants, RawPolicy, Unreadable } from "../snapshot/lines.js";
import { isSurelyManagedByAws } from "./managed-by-aws.js";
import type { Gathered } from "./paging.js";
import { allPages, gatheredPages } from "./paging.js";
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

/**
 * What reading a key came to; `gaps` counts what a verdict would have needed and was not read, and what a scan that
 * stopped would still have asked.
 */
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
 * marks this key and is never passed on. Wherever the scan stops, before the first call about the key or between two
 * pages of its grants, the key has a line with what was read until then, and is named as incomplete.
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
      : gatheredPages("kms:ListGrants", (marker) =>
          run.ask("kms:ListGrants", (signal) => kms.listGrants(key.id, marker, signal)),
        ),
    readDetails(run, reading, key.id, known),
  ]);
  const state = description?.ok === true ? description.value.state : known?.state;
  const failed = [policy?.ok === false ? policy.error : undefined, grants?.failure].filter(isFailure);
  if (failed.some((f) => f.kind === "not-found") && mayEnd(state)) return { outcome: "deleted", gaps: 0 };
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
  const gaps = gapsOf(run, failed, [
    description?.ok === false ? description.error : undefined,
    names.ok || known?.aliases !== undefined ? undefined : names.error,
    ...details.failures,
  ]);
  for (const gap of gaps) await run.emitIncomplete(key.arn, gap);
  return { outcome: "written", gaps: gaps.length };
}

/**
 * What is told of a key that lacks something: what a verdict needs, and of all that was not asked because the scan
 * stopped, the first. Other details have a count of their own (see {@link RegionRun.missDetail}).
 */
function gapsOf(
  run: RegionRun,
  needed: readonly CallFailure[],
  details: readonly (CallFailure | undefined)[],
): readonly CallFailure[] {
  const stop = run.stopped?.code;
  const isCut = (f: CallFailure): boolean => stop !== undefined && f.code === stop;
  const cut = [...needed, ...details.filter(isFailure)].find(isCut);
  return [...needed.filter((f) => !isCut(f)), ...(cut === undefined ? [] : [cut])];
}

function isFailure(failure: CallFailure | undefined): failure is CallFailure {
  return failure !== undefined;
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
  readonly failures: readonly CallFailure[];
}

/** What was asked for on demand. */
async function readDetails(
  run: RegionRun,
  { kms, details }: KeyReading,
  key: string,
  known: KeyLine | undefined,
): Promise<DetailResult> {
  const missing: [DetailCall, string][] = [];
  const failures: CallFailure[] = [];
  const value = <T>(call: DetailCall, asked: Asked<T> | undefined): T | undefined => {
    if (asked?.ok === false && asked.error.kind !== "not-found") {
      missing.push([call, asked.error.code]);
      failures.push(asked.error);
    }
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
    failures,
  };
}

/**
 * Whether a key that is not found any more, by calls that work in every state, was deleted: only what was scheduled for it is deleted, after a week at least.
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

function rawGrants({ items, failure }: Gathered<Grant>): RawGrants {
  if (failure === undefined) return { kind: "present", items };
  return { ...unreadable(failure), ...(items.length === 0 ? {} : { items }) };
}

function unreadable(failure: CallFailure): Unreadable {
  return { kind: "unreadable", code: failure.code, message: failure.message };
}

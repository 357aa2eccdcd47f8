import type { Grant } from "../domain/grant.js";
import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { KeyLine, RawGrants, RawPolicy } from "../snapshot/lines.js";
import { isSurelyManagedByAws } from "./managed-by-aws.js";
import { allPages } from "./paging.js";
import type { Asked, CallFailure, KeyDescription, KmsPort, ListedKey } from "./ports.js";
import type { KeyOutcome, Run } from "./run.js";

/** Names of the aliases of each key id. */
export type AliasesByKey = ReadonlyMap<string, readonly string[]>;

/** The aliases of a Region by key, or why they are not known. */
export async function readAliases(run: Run, kms: KmsPort): Promise<Asked<AliasesByKey>> {
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

/**
 * Reads one key and writes its line. Keys that AWS manages are left out: nobody can change who uses them. A failure
 * marks this key and is never passed on.
 */
export async function readKey(
  run: Run,
  kms: KmsPort,
  key: ListedKey,
  aliases: Promise<Asked<AliasesByKey>>,
  withTags: boolean,
): Promise<KeyResult> {
  const description = await run.ask("kms:DescribeKey", (signal) => kms.describeKey(key.id, signal));
  if (description.ok && description.value.manager === "AWS") return { outcome: "aws-managed", gaps: 0 };
  const names = await aliases;
  // The prefix is reserved: only keys that AWS manages have such an alias. Source: KMS API reference, CreateAlias.
  const ownNames = names.ok ? (names.value.get(key.id) ?? []) : undefined;
  if (ownNames?.some((name) => name.startsWith("alias/aws/")) === true) {
    return { outcome: "aws-managed", gaps: 0 };
  }
  const [policy, grants, tags] = await Promise.all([
    run.ask("kms:GetKeyPolicy", (signal) => kms.getKeyPolicy(key.id, signal)),
    allPages("kms:ListGrants", (marker) =>
      run.ask("kms:ListGrants", (signal) => kms.listGrants(key.id, marker, signal)),
    ),
    withTags ? readTags(run, kms, key.id) : undefined,
  ]);
  if (isGone(policy) || isGone(grants)) return { outcome: "deleted", gaps: 0 };
  if (!description.ok && managedByItsDocuments(key, policy, grants)) {
    return { outcome: "aws-managed", gaps: 0 };
  }
  missedDetail(run, "kms:DescribeKey", description);
  if (tags !== undefined) missedDetail(run, "kms:ListResourceTags", tags);
  const gaps = [policy, grants].flatMap((asked) => (asked.ok ? [] : [asked.error]));
  const line: KeyLine = {
    type: "key",
    arn: key.arn,
    ...(description.ok ? described(description.value) : {}),
    ...(ownNames === undefined ? {} : { aliases: ownNames }),
    ...(tags?.ok === true ? { tags: tags.value } : {}),
    policy: rawPolicy(policy),
    grants: rawGrants(grants),
  };
  await run.emit(line);
  for (const gap of gaps) await run.emitIncomplete(key.arn, gap);
  return { outcome: "written", gaps: gaps.length };
}

/** The lines of a key that was listed but, because the scan has stopped, never asked about. */
export async function writeUnread(run: Run, key: ListedKey, reason: CallFailure): Promise<KeyResult> {
  const gap = { ...reason, call: "kms:GetKeyPolicy" };
  await run.emit({ type: "key", arn: key.arn, policy: unreadable(gap), grants: unreadable(gap) });
  await run.emitIncomplete(key.arn, gap);
  return { outcome: "written", gaps: 1 };
}

/** Deleted since the listing: both calls work in every state of a key. */
function isGone(asked: Asked<unknown>): boolean {
  return !asked.ok && asked.error.kind === "not-found";
}

async function readTags(run: Run, kms: KmsPort, key: string): Promise<Asked<Record<string, string>>> {
  const all = await allPages("kms:ListResourceTags", (marker) =>
    run.ask("kms:ListResourceTags", (signal) => kms.listResourceTags(key, marker, signal)),
  );
  return all.ok ? { ok: true, value: Object.fromEntries(all.value) } : all;
}

function missedDetail(
  run: Run,
  call: "kms:DescribeKey" | "kms:ListResourceTags",
  asked: Asked<unknown>,
): void {
  if (!asked.ok) run.missDetail(call, asked.error.code);
}

function managedByItsDocuments(
  key: ListedKey,
  policy: Asked<string | undefined>,
  grants: Asked<readonly Grant[]>,
): boolean {
  const arn = parseKeyArn(key.arn);
  if (arn === undefined || !policy.ok || policy.value === undefined || !grants.ok) return false;
  return isSurelyManagedByAws(policy.value, grants.value, keyArnParts(arn).account);
}

function described(d: KeyDescription): Partial<KeyLine> {
  const entries = Object.entries(d).filter(([, value]) => value !== undefined);
  // The members of KeyDescription are members of KeyLine, with the same names and types.
  return Object.fromEntries(entries);
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

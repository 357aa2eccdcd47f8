import { createHash } from "node:crypto";
import { KeywardError } from "../../domain/result.js";
import type { KeyRecord } from "../../domain/key.js";
import { type Estate, isEstateLine, keyRecord } from "../../snapshot/key-record.js";
import type { IncompleteLine, KeyLine } from "../../snapshot/lines.js";
import type { Input } from "../check/inputs.js";
import { snapshotLines } from "../check/snapshot-file.js";

/** One key on both sides; a side is undefined where the snapshot does not hold the key. */
export interface Pair {
  readonly old: KeyRecord | undefined;
  readonly new: KeyRecord | undefined;
}

/** What the snapshots say beside their keys. */
export interface PairContext {
  readonly old: Estate;
  readonly new: Estate;
  readonly incomplete: IncompleteLine[];
  /** Keys that are the same in every byte that counts, and were read in full: they are not compared. */
  unchanged: number;
}

/** Old lines that are kept at a time, in characters of their documents: more of them mean one more reading. */
const BATCH_CHARACTERS = 48 * 1024 * 1024;

/**
 * The keys of two snapshots, side by side. Neither snapshot is kept in memory: of the old one an index of digests, then
 * what changed in batches. Unchanged keys are only counted.
 */
export async function* snapshotPairs(older: Input, newer: Input, context: PairContext): AsyncGenerator<Pair> {
  const index = new Map<string, string>();
  for await (const line of snapshotLines(older)) {
    if (isEstateLine(line)) context.old.add(line);
    else if (line.type === "incomplete") context.incomplete.push(line);
    else if (line.type === "key") {
      if (index.has(line.arn)) throw twice(line, older);
      index.set(line.arn, digest(line, context.old));
    }
  }
  const seen = new Set<string>();
  let batch = new Map<string, KeyLine>();
  let size = 0;
  for await (const line of snapshotLines(newer)) {
    if (isEstateLine(line)) context.new.add(line);
    else if (line.type === "incomplete") context.incomplete.push(line);
    else if (line.type === "key") {
      if (seen.has(line.arn)) throw twice(line, newer);
      seen.add(line.arn);
      const before = index.get(line.arn);
      if (before === undefined) {
        yield { old: undefined, new: keyRecord(line, context.new) };
        continue;
      }
      if (wasRead(line) && before === digest(line, context.new)) {
        context.unchanged += 1;
        continue;
      }
      batch.set(line.arn, line);
      size += line.policy.kind === "present" ? line.policy.text.length + 2_000 : 2_000;
      if (size > BATCH_CHARACTERS) {
        yield* withOldSides(batch, older, context);
        batch = new Map();
        size = 0;
      }
    }
  }
  yield* withOldSides(batch, older, context);
  const gone = [...index.keys()].some((arn) => !seen.has(arn));
  if (!gone) return;
  for await (const line of snapshotLines(older)) {
    if (line.type === "key" && !seen.has(line.arn)) {
      yield { old: keyRecord(line, context.old), new: undefined };
    }
  }
}

async function* withOldSides(
  batch: ReadonlyMap<string, KeyLine>,
  older: Input,
  context: PairContext,
): AsyncGenerator<Pair> {
  if (batch.size === 0) return;
  let missing = batch.size;
  for await (const line of snapshotLines(older)) {
    if (line.type !== "key") continue;
    const now = batch.get(line.arn);
    if (now === undefined) continue;
    yield { old: keyRecord(line, context.old), new: keyRecord(now, context.new) };
    missing -= 1;
    if (missing === 0) return;
  }
}

function wasRead(line: KeyLine): boolean {
  return (
    (line.policy.kind === "present" || line.policy.kind === "absent") &&
    (line.grants?.kind === "present" || line.grants?.kind === "absent")
  );
}

/** Over everything that access depends on, the resource control policies of the account included. */
function digest(line: KeyLine, estate: Estate): string {
  const { facts, resourceControlPolicies } = keyRecord(line, estate);
  return createHash("sha256")
    .update(
      JSON.stringify([
        line.policy,
        line.grants,
        line.manager,
        line.state,
        line.spec,
        line.usage,
        line.origin,
        line.multiRegion,
        line.multiRegionKeyType,
        line.tags,
        line.aliases,
        facts.organization,
        [...resourceControlPolicies].sort(),
      ]),
    )
    .digest("base64");
}

function twice(line: KeyLine, input: Input): KeywardError {
  return new KeywardError({
    what: "the snapshot holds a key twice",
    where: input.name,
    got: line.arn,
    next: "compare one snapshot at a time: put nothing together from several",
  });
}

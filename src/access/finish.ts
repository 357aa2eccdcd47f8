import type { KeyValue } from "./condition.js";
import type { KeyModel } from "./key-models.js";
import { CHAIN, type Slots } from "./slots.js";
import { parseDate } from "./typed.js";
import { viewText } from "./views.js";

/** What a request of the shape has to hold: values of the segments, and of the keys that were asked about. */
export interface Solution {
  readonly values: readonly string[];
  /** By key in lower case; `name` as the policy writes it. */
  readonly keys: ReadonlyMap<string, { readonly name: string; readonly value: KeyValue }>;
  readonly time: number;
}

/** What is known of pairs of the encryption context before anything is searched for; by key in lower case. */
export interface KnownPairs {
  /** Settled beforehand: what a service fills in for a known account. */
  readonly settled: Map<string, { readonly name: string; readonly value: string }>;
  /** They hold an identity, and conditions ask whether they are there. */
  readonly present: Map<
    string,
    { readonly key: string; readonly model: Extract<KeyModel, { kind: "word" }> }
  >;
  /** Names of pairs that are left out: no list of the context's keys holds them. */
  readonly missing: Set<string>;
}

const NO_PAIRS: ReadonlySet<string> = new Set();

/**
 * Pairs of the encryption context are left out where they may be; a list of its keys can ask for one all the same.
 * Then they are put in, in every combination.
 */
export function finish(slots: Slots, pairs: KnownPairs): Solution | undefined {
  if ((slots.get("kms:encryptioncontextkeys")?.length ?? 0) === 0) return finishWith(slots, pairs, NO_PAIRS);
  const optional = [...slots.keys()].filter(
    (k) => k.startsWith("kms:encryptioncontext:") && (slots.get(k)?.length ?? 0) > 0,
  );
  for (let i = 0; i < 2 ** Math.min(optional.length, 5); i += 1) {
    const found = finishWith(slots, pairs, new Set(optional.filter((_, bit) => ((i >> bit) & 1) === 1)));
    if (found !== undefined) return found;
  }
  if (optional.length > 5) slots.exhausted = true;
  return undefined;
}

function finishWith(slots: Slots, pairs: KnownPairs, forced: ReadonlySet<string>): Solution | undefined {
  const values = slots.solveWords();
  if (values === undefined) return undefined;
  const keys = new Map<string, { name: string; value: KeyValue }>();
  let time = slots.q.now;
  const contextKeys: string[] = [];
  const absentContextKeys: string[] = [...pairs.missing];
  for (const [key, pair] of pairs.settled) {
    keys.set(key, pair);
    contextKeys.push(pair.name.slice("kms:EncryptionContext:".length));
  }
  for (const [keyLower, { key, model }] of pairs.present) {
    keys.set(keyLower, { name: key, value: viewText(model.view, values) });
    contextKeys.push(key.slice("kms:EncryptionContext:".length));
  }
  for (const l of slots.get("words") ?? []) {
    const { keyLower, key } = l.c.source;
    const m = slots.q.shape.model(keyLower);
    if (m.kind !== "word") continue;
    const text = viewText(m.view, values);
    keys.set(keyLower, { name: key, value: m.list ? [text] : text });
    if (keyLower.startsWith("kms:encryptioncontext:")) {
      contextKeys.push(key.slice("kms:EncryptionContext:".length));
    }
  }
  for (const slot of slots.keys()) {
    if (slot === "words" || (slots.get(slot)?.length ?? 0) === 0) continue;
    if (slot === "time") {
      const t = slots.solveTime();
      if (t === undefined) return undefined;
      time = t;
      continue;
    }
    if (slot === CHAIN) {
      const chain = slots.solveChain();
      if (chain === undefined) return undefined;
      for (const [key, shown] of chain) keys.set(key, shown);
      continue;
    }
    if (slots.q.shape.model(slot).kind === "set") continue;
    const s = slots.solveKey(slot, { must: [], mustNot: [] }, forced.has(slot));
    if (s === undefined) return undefined;
    const name = slots.nameOf(slot);
    keys.set(slot, { name, value: s.value });
    const tail = /^kms:encryptioncontext:(.+)$/i.exec(name)?.[1];
    if (tail !== undefined) (s.value === undefined ? absentContextKeys : contextKeys).push(tail);
  }
  for (const slot of slots.keys()) {
    if (slot === "words" || slot === "time" || slot === CHAIN) continue;
    if ((slots.get(slot)?.length ?? 0) === 0) continue;
    if (slots.q.shape.model(slot).kind !== "set") continue;
    const linked =
      slot === "kms:encryptioncontextkeys"
        ? { must: contextKeys, mustNot: absentContextKeys }
        : { must: [], mustNot: [] };
    const s = slots.solveKey(slot, linked);
    if (s === undefined) return undefined;
    keys.set(slot, { name: slots.nameOf(slot), value: s.value });
  }
  const token = keys.get("aws:tokenissuetime")?.value;
  const issued = typeof token === "string" ? parseDate(token) : undefined;
  if (issued !== undefined && issued > time) {
    const later = slots.solveTime(Math.ceil(issued));
    if (later === undefined) {
      // Another moment of issue might do.
      slots.exhausted = true;
      return undefined;
    }
    time = later;
  }
  return { values, keys, time };
}

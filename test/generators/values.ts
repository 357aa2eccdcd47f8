import { formatIp, parseIpRange } from "../../src/access/typed.js";
import { instantiate, nearMiss } from "./near.js";
import type { Random } from "./random.js";
import type { Topic } from "./topics.js";
import { type Place, valueOf } from "./vocabulary.js";

/** A value that a request could hold under a key that the documents ask about: what they ask for, nearly that, or not. */
export function requestValue(r: Random, topic: Topic, place: Place): string {
  const { facts, values, lower } = topic;
  const plain = (): string => valueOf(r, lower, facts, place);
  if (values.length === 0) return plain();
  const asked = r.pick(values);
  switch (facts?.type) {
    case "bool":
      return r.pick(["true", "false"]);
    case "number":
      return r.chance(60) && Number.isFinite(Number(asked)) && asked.trim() !== ""
        ? String(Number(asked) + r.pick([0, 0, 1, -1, 0.5]))
        : plain();
    case "date":
      return r.chance(50) ? asked : plain();
    case "ip":
      return r.chance(65) ? addressNear(r, asked, plain) : plain();
    case "string":
    case "arn":
    case "binary":
    case undefined:
      return r.weighted(
        [60, () => instantiate(r, asked)],
        [12, () => nearMiss(r, instantiate(r, asked))],
        [28, plain],
      );
  }
}

/** The first or last address of a block, the one before or behind it, or one inside. */
function addressNear(r: Random, block: string, otherwise: () => string): string {
  const range = parseIpRange(block);
  if (range === undefined) return otherwise();
  const top = range.family === 4 ? (1n << 32n) - 1n : (1n << 128n) - 1n;
  const value = r.pick([
    range.first,
    range.last,
    range.first - 1n,
    range.last + 1n,
    (range.first + range.last) / 2n,
  ]);
  return value < 0n || value > top ? otherwise() : formatIp(range.family, value);
}

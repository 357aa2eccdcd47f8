import { inert } from "../domain/inert.js";
import type { KeyLine } from "../snapshot/lines.js";

/** What is known of a key beside who can use it. A member that is missing was not read. */
export type KeyFacts = Pick<
  KeyLine,
  | "manager"
  | "spec"
  | "usage"
  | "aliases"
  | "description"
  | "createdAt"
  | "tags"
  | "rotationEnabled"
  | "lastUsedAt"
  | "usageTrackedSince"
>;

/** These facts of a line of a snapshot. */
export function keyFacts(line: KeyLine): KeyFacts {
  const { manager, spec, usage, aliases, description, createdAt, tags } = line;
  const { rotationEnabled, lastUsedAt, usageTrackedSince } = line;
  const all = { manager, spec, usage, aliases, description, createdAt, tags };
  const facts = { ...all, rotationEnabled, lastUsedAt, usageTrackedSince };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** Names and tags that are shown one by one. */
const SHOWN = 6;

/** The facts in a few lines; what was not read, and descriptions and tags that are empty, have none. */
export function keyFactsLines(facts: KeyFacts, all: boolean): readonly string[] {
  const { aliases = [], description = "", createdAt, tags = {}, rotationEnabled } = facts;
  const list = (items: readonly string[]): string => {
    const shown = all ? items : items.slice(0, SHOWN);
    const rest = items.length - shown.length;
    return `${shown.map((item) => inert(item, { max: 120 })).join(", ")}${rest > 0 ? ` and ${rest} more (--all)` : ""}`;
  };
  const pairs = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  return [
    aliases.length === 0 ? "" : list(aliases),
    description === "" ? "" : `description: ${inert(description, { max: all ? 8192 : 200 })}`,
    pairs.length === 0 ? "" : `tags: ${list(pairs)}`,
    createdAt === undefined ? "" : `made: ${inert(createdAt)}`,
    rotationEnabled === undefined ? "" : `rotated by AWS: ${rotationEnabled ? "yes" : "no"}`,
    lastUse(facts),
  ].filter((line) => line !== "");
}

function lastUse({ lastUsedAt, usageTrackedSince }: KeyFacts): string {
  if (lastUsedAt !== undefined) return `last used: ${inert(lastUsedAt)}`;
  return usageTrackedSince === undefined
    ? ""
    : `last used: not since ${inert(usageTrackedSince)}, when AWS began to keep track`;
}

import { createHash } from "node:crypto";
import { itemsRead } from "../domain/fetched.js";
import type { KeyRecord } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { Policy } from "../policy/ast.js";
import type { Denials } from "../policy/doubtful.js";
import type { Opinion } from "./opinion-type.js";

/** Opinions that are kept; each is as large as its findings. */
const MOST = 4_096;

/**
 * What the keys of one audit have in common. Policies repeat across an estate, so that most keys need no analysis of
 * their own. Keys with grants are never shared: no two have the same.
 */
export class OpinionCache {
  private readonly opinions = new Map<string, Opinion>();
  private zone: Zone | undefined;

  /** @param most opinions that are kept; 0: only resource control policies are remembered */
  constructor(private readonly most = MOST) {}

  /** Resource control policies by text: all keys of an account are bound by the same ones. */
  readonly resourceControlPolicies = new Map<string, Denials>();

  /** The opinion about a key that is like this one; undefined where no other key's could be used. */
  find(
    record: KeyRecord,
    zone: Zone,
  ): { readonly key: string; readonly opinion: Opinion | undefined } | undefined {
    if (this.most === 0) return undefined;
    if (zone !== this.zone) {
      this.zone = zone;
      this.opinions.clear();
    }
    const key = likeness(record);
    if (key === undefined) return undefined;
    const opinion = this.opinions.get(key);
    if (opinion !== undefined) {
      // Used last, dropped last.
      this.opinions.delete(key);
      this.opinions.set(key, opinion);
    }
    return { key, opinion };
  }

  /** Keeps an opinion for keys that are like the one that it is about. */
  keep(key: string, opinion: Opinion): void {
    this.opinions.set(key, opinion);
    if (this.opinions.size <= this.most) return;
    const [oldest] = this.opinions.keys();
    if (oldest !== undefined) this.opinions.delete(oldest);
  }
}

/** A text that may ask for tags or aliases of the key, or hide that it does. */
const ASKS_FOR_NAMES = /resource(tag|aliases)|\\u/i;

/** Everything that an opinion depends on but the key's id; undefined for a key with grants. */
function likeness(record: KeyRecord): string | undefined {
  const { facts, policy, grants } = record;
  if (itemsRead(grants).length > 0) return undefined;
  const shared = { ...facts, arn: undefined, keyId: undefined, tags: undefined, aliases: undefined };
  const texts = [policy.kind === "present" ? policy.value : "", ...record.resourceControlPolicies];
  const names = texts.some((t) => ASKS_FOR_NAMES.test(t)) ? { tags: facts.tags, aliases: facts.aliases } : {};
  const all = [shared, names, record.manager, policy, grants, record.resourceControlPolicies];
  return createHash("sha256").update(JSON.stringify(all), "utf8").digest("base64");
}

/** Whether policies say the same of every key: no statement is limited to some keys by its Resource. */
export function canBeShared(policies: readonly (Policy | undefined)[]): boolean {
  return policies.every(
    (policy) =>
      policy?.statements.every(
        ({ resource }) =>
          resource.kind === "missing" ||
          (resource.kind === "listed" && resource.patterns.every((p) => p === "*")),
      ) === true,
  );
}

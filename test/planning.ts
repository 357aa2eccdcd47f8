import type { Zone } from "../src/domain/zone.js";
import type { KeyOutcome } from "../src/repair/outcome.js";
import type { KeyChange, StrategyChoice } from "../src/repair/plan-file.js";
import { planKey } from "../src/repair/plan-key.js";
import { planReadd } from "../src/repair/readd.js";
import type { ObservedKeyUsage } from "../src/usage/types.js";
import { FRIEND, NOW, account, keyOf, type Setting } from "./judging.js";

/** Nobody but the key's own account and FRIEND. */
export const ZONE: Zone = { organizations: [], accounts: [account(FRIEND)], principals: [], services: [] };

/** What a plan is made with. */
export interface Around extends Setting {
  readonly strategy?: StrategyChoice;
  readonly zone?: Zone;
  readonly usage?: ObservedKeyUsage;
  readonly weak?: boolean;
  readonly readd?: boolean;
  readonly zoneWithoutExceptions?: Zone;
}

/** What planning for a key with this policy comes to. */
export function outcome(policy: string, around: Around = {}): KeyOutcome {
  const record = keyOf(policy, around);
  return (around.readd === true ? planReadd : planKey)(record, {
    trust: {
      facts: record.facts,
      zone: around.zone ?? ZONE,
      organizationOf: new Map(),
      ownOrganizationAssumed: false,
    },
    now: NOW,
    strategy: around.strategy ?? "auto",
    usage: around.usage,
    weak: around.weak ?? false,
    ...(around.zoneWithoutExceptions === undefined
      ? {}
      : { zoneWithoutExceptions: around.zoneWithoutExceptions }),
  });
}

/** The change that is planned; anything else fails the test. */
export function change(policy: string, around: Around = {}): KeyChange {
  const found = outcome(policy, around);
  if (found.kind !== "change") throw new Error(JSON.stringify(found, null, 2));
  return found.change;
}

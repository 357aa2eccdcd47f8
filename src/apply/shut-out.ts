import type { Zone } from "../domain/zone.js";
import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { UsageEntry } from "../usage/types.js";
import { foretold, principalName, principalText } from "../repair/observed.js";
import type { KeyTask } from "./tasks.js";

/** Somebody whose requests were denied since a change. */
export interface ShutOut {
  readonly key: string;
  readonly principal: string;
  /** Of the key's own account or the zone of trust: it was perhaps not meant. Outsiders are what the change was for. */
  readonly trusted: boolean;
  readonly action: string;
  readonly via: string | undefined;
  readonly count: number;
  readonly lastSeen: string;
  /** The plan said that this would break. */
  readonly foreseen: boolean;
  /** A service control policy, a permissions boundary or the like refused it, and not the key: no change of a key helps. */
  readonly byOther: string | undefined;
}

/** What the key cannot help against. `identity` stays: where the key hands control to IAM, it is half of the answer. */
const OTHER = new Set([
  "permissions-boundary",
  "session",
  "service-control",
  "resource-control",
  "vpc-endpoint",
]);

/** The denials of one key among its uses since the change. */
export function shutOut(
  task: KeyTask,
  entries: readonly UsageEntry[],
  zone: Zone,
  since: string,
  organizationOf: OrganizationOf = new Map(),
): readonly ShutOut[] {
  const arn = parseKeyArn(task.key);
  const owner = arn === undefined ? undefined : keyArnParts(arn);
  const partition = owner?.partition ?? "aws";
  return entries.flatMap((entry): ShutOut[] => {
    const { outcome, action, via, count, lastSeen, principal, account } = entry;
    if (outcome.kind !== "denied" || lastSeen < since) return [];
    const name = principalName(principal, partition) ?? principalText(principal, partition);
    const of = account ?? ("account" in principal ? principal.account : undefined);
    const trusted =
      zone.principals.includes(name) ||
      (of !== undefined &&
        (of === owner?.account ||
          zone.accounts.includes(of) ||
          zone.organizations.some((id) => id === organizationOf.get(of)?.id)));
    const foreseen = foretold(task.breaks ?? [], entry, partition);
    const byOther = OTHER.has(outcome.policy) ? outcome.policy : undefined;
    return [{ key: task.key, principal: name, trusted, action, via, count, lastSeen, foreseen, byOther }];
  });
}

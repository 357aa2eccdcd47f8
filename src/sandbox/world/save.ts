import type { KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import { SNAPSHOT_SCHEMA } from "../../snapshot/lines.js";
import type { SandboxKey } from "./key.js";
import type { World } from "./world.js";

/** The present state of a world as snapshot lines. `now`: milliseconds since the epoch. */
export function* saveWorld(world: World, now: number): Generator<SnapshotLine> {
  yield {
    type: "snapshot",
    schema: SNAPSHOT_SCHEMA,
    createdAt: iso(now),
    tool: "keyward sandbox",
  };
  yield* world.estateLines;
  yield* world.iam.lines();
  for (const key of world.keys()) yield keyLine(world, key);
}

function keyLine(world: World, key: SandboxKey): KeyLine {
  const aliases = world.vault(key.account, key.region).aliases.list(key.keyId);
  return {
    type: "key",
    arn: key.arn,
    manager: key.manager,
    state: key.state,
    spec: key.spec,
    usage: key.usage,
    origin: key.origin,
    multiRegion: key.multiRegion,
    ...(key.multiRegionKeyType === undefined ? {} : { multiRegionKeyType: key.multiRegionKeyType }),
    description: key.description,
    createdAt: iso(key.createdAt),
    ...(key.deletionDate === undefined ? {} : { deletionDate: iso(key.deletionDate) }),
    rotationEnabled: key.rotation.enabled,
    ...(key.lastUse === undefined ? {} : { lastUsedAt: iso(key.lastUse.at) }),
    aliases: aliases.map((a) => a.name),
    tags: Object.fromEntries(key.tags),
    policy: key.policy.current,
    grants: key.grantsUnreadable ?? { kind: "present", items: key.grants.active },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

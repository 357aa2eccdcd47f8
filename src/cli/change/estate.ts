import { createReadStream } from "node:fs";
import type { Bench } from "../../apply/assess.js";
import { zoneOfTasks } from "../../apply/assess.js";
import type { TaskList } from "../../apply/tasks.js";
import { Estate } from "../../snapshot/key-record.js";
import { readSnapshotItems } from "../../snapshot/read.js";

/**
 * By what keys are judged after a change: the zone that the plan was made with, and the organizations and resource
 * control policies of a snapshot. Without a snapshot no resource control policy closes anything.
 */
export async function benchOf(
  tasks: TaskList,
  snapshot: string | undefined,
  now: () => number,
): Promise<() => Bench> {
  const estate = new Estate();
  if (snapshot !== undefined) {
    for await (const line of readSnapshotItems(createReadStream(snapshot), snapshot)) {
      if (line.type === "organization" || line.type === "resource-control-policy") estate.add(line);
    }
  }
  const zone = zoneOfTasks(tasks);
  return () => ({ zone, estate, now: Math.floor(now() / 1000) });
}

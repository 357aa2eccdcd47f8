import { createReadStream } from "node:fs";
import type { Bench } from "../../apply/assess.js";
import { zoneOfTask } from "../../apply/assess.js";
import type { KeyTask, TaskList } from "../../apply/tasks.js";
import { Estate, isEstateLine } from "../../snapshot/key-record.js";
import { readSnapshotItems } from "../../snapshot/read.js";
import { isContextLine } from "../estate/key-judge.js";
import { EstateIam } from "../estate-iam.js";

/**
 * By what keys are judged before and after a change: the zone that the plan was made with, and the organizations,
 * resource control policies, users and roles of a snapshot. Without a snapshot no resource control policy closes
 * anything, and nobody is a manager by IAM policies alone.
 */
export async function benchOf(
  tasks: TaskList,
  snapshot: string | undefined,
  now: () => number,
): Promise<(task: KeyTask) => Bench> {
  const estate = new Estate();
  const iam = new EstateIam(estate);
  if (snapshot !== undefined) {
    for await (const line of readSnapshotItems(createReadStream(snapshot), snapshot)) {
      if (line.type === "raw-key" || !isContextLine(line)) continue;
      if (isEstateLine(line)) estate.add(line);
      if (line.type !== "resource-control-policy") iam.add(line);
    }
  }
  return (task) => {
    const zone = zoneOfTask(task, tasks);
    return {
      zone,
      estate,
      own: (account) => {
        // Of users and roles only who they are and what they may do is asked, which no zone decides.
        const view = iam.viewOf(account, { zone, organizationOf: estate.organizationOf });
        return view === undefined
          ? undefined
          : { analysis: view.analysis, exists: (kind, name) => view.exists(kind, name) };
      },
      now: Math.floor(now() / 1000),
    };
  };
}

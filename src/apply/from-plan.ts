import type { KeyChange, PlanFile } from "../repair/plan-file.js";
import type { KeyTask, TaskList } from "./tasks.js";
import { TASKS_SCHEMA } from "./tasks.js";

/**
 * What a plan asks for, as tasks.
 * @param wanted key ARNs; undefined: all
 */
export function tasksOfPlan(plan: PlanFile, wanted: ReadonlySet<string> | undefined): TaskList {
  return {
    schema: TASKS_SCHEMA,
    kind: "apply",
    zone: plan.zone,
    tasks: plan.changes.filter((c) => wanted === undefined || wanted.has(c.key.arn)).map(taskOf),
  };
}

function taskOf(change: KeyChange): KeyTask {
  return {
    key: change.key.arn,
    expect: { policy: change.computedFrom.policySha256, grants: change.computedFrom.grantsSha256 },
    ...(change.zone === undefined ? {} : { zone: change.zone }),
    policy: change.policy?.text ?? null,
    revoke: change.revokeGrants.map((g) => g.grantId),
    create: [],
    ...(change.exposure.after === "none" ? {} : { after: change.exposure.after }),
    ...(change.willBreak.length === 0
      ? {}
      : {
          breaks: change.willBreak.map(({ principal, account, via, action }) => ({
            principal,
            account,
            via,
            action,
          })),
        }),
    foreseen: [
      ...change.willBreak.map(
        (use) =>
          `Will be refused from now on: ${use.action} by ${use.principal}${use.via === null ? "" : ` through ${use.via}`} (seen ${use.count} times, last ${use.lastSeen}).`,
      ),
      ...(change.evidence === null
        ? ["There was no evidence of use: what this breaks is not known."]
        : change.evidence.caveats),
      ...change.revokeGrants.flatMap((g) => [
        `The grant ${g.grantId} of ${g.grantee} is revoked. A rollback can make a new one with the same terms, but not with its id, its token or its issuing account.`,
        ...g.notRestorable,
      ]),
      ...(change.managedBy === null
        ? []
        : [`${change.managedBy.kind} ${change.managedBy.name} owns this key: ${change.managedBy.advice}`]),
      ...change.notes,
    ],
  };
}

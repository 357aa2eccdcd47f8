import type { Command } from "commander";
import { KeywardError } from "../domain/result.js";
import { addChangeFlags, changeFlags, rawOptions, textOf, withoutEffect } from "./change/flags.js";
import type { Io } from "./command.js";

const HELP = `
For each key: read it again and refuse if it is not what the plan was made from; show the change and ask; write a backup
of policy and grants to the journal and have it on the disk; put the new policy; read it back until it is visible; judge
it again. Never bypasses AWS's lockout safety check, and never puts a policy that leaves the key without a manager.

Needs kms:GetKeyPolicy, kms:ListGrants, kms:PutKeyPolicy and kms:RevokeGrant; more exact with kms:DescribeKey.
Stops after the first unexpected failure. A run that was stopped or killed goes on with --resume RUN, or back with
keyward rollback RUN. Exit code 2: something failed; 4: a key was refused; 3: some keys were not changed;
5: keyward's two engines disagreed about a key.`;

/** `keyward apply`: carries out a plan. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("apply")
    .argument("[plan]", "the plan file, YAML or JSON")
    .summary("carry out a plan, with a backup of everything first")
    .description("Carry out a plan: change the keys that it lists, each after a backup to the journal.");
  addChangeFlags(command)
    .option("--resume <run>", "go on with a run that was stopped or killed, in place of a plan")
    .option(
      "--rehearse <snapshot>",
      "carry the plan out in a local KMS with this snapshot loaded, not in AWS, and write the result into the plan",
    )
    .option("--usage <file>", "with --rehearse: a usage file, whose requests are tried before and after")
    .addHelpText("after", HELP)
    .action(async (plan: string | undefined) => {
      const raw = rawOptions(command);
      const resume = textOf(raw["resume"]);
      if ((plan === undefined) === (resume === undefined)) {
        throw new KeywardError({
          what: "one thing to carry out is needed",
          where: "keyward apply",
          expected: "keyward apply PLAN, or keyward apply --resume RUN",
          next: "keyward journal list shows the runs",
        });
      }
      const rehearse = textOf(raw["rehearse"]);
      const usage = textOf(raw["usage"]);
      if (resume !== undefined && rehearse !== undefined) {
        const next = "make a plan of what is left, and rehearse that; a run that goes on is sent to AWS";
        throw withoutEffect("--rehearse", "keyward apply PLAN --rehearse SNAPSHOT, without --resume", next);
      }
      if (resume !== undefined && raw["key"] !== undefined) {
        const next = "leave --key out; --dry-run shows what the run would still do";
        throw withoutEffect("--key", "a plan: a run goes on with all keys that it has left", next);
      }
      if (usage !== undefined && rehearse === undefined) {
        const next = "add --rehearse, or leave --usage out: what breaks stands in the plan";
        throw withoutEffect("--usage", "--rehearse SNAPSHOT", next);
      }
      const { applyPlan, resumeRun } = await import("./change/apply.js");
      if (plan !== undefined && rehearse !== undefined) {
        const { rehearsePlan } = await import("./change/rehearse.js");
        io.exit(await rehearsePlan(plan, rehearse, usage, io));
        return;
      }
      const flags = changeFlags(command);
      io.exit(
        plan === undefined ? await resumeRun(resume ?? "", flags, io) : await applyPlan(plan, flags, io),
      );
    });
}

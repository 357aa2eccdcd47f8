import type { Command } from "commander";
import { Option } from "commander";
import type { Io } from "./command.js";
import { EXIT } from "./exit.js";

const PURPOSES = ["scan", "organization", "plan", "apply"] as const;

/** `keyward doctor`: what the credentials can read, and what to permit. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("doctor")
    .description(
      "Try what the credentials can read, say what a gap costs, and print the least-privilege policy or a StackSet template.",
    )
    .addOption(new Option("--for <purpose>", "print the IAM policy to attach for this").choices(PURPOSES))
    .option("--stackset", "print a CloudFormation template of the read-only role for every account")
    .option("--profile <name>", "profile of the AWS configuration files (default: AWS_PROFILE)")
    .option("--region <region>", "try this Region (default: the home Region)")
    .option("--endpoint-url <url>", "send all calls to this address, such as a sandbox");
  command.action(async () => {
    const raw = command.opts<Readonly<Record<string, unknown>>>();
    const text = (name: string): string | undefined => {
      const value = raw[name];
      return typeof value === "string" && value !== "" ? value : undefined;
    };
    const purpose = PURPOSES.find((p) => p === raw["for"]);
    if (purpose !== undefined || raw["stackset"] === true) {
      const { leastPrivilege, stackSetTemplate } = await import("../aws/least-privilege.js");
      io.stdout.write(purpose === undefined ? stackSetTemplate() : `${leastPrivilege(purpose)}\n`);
      io.exit(EXIT.clear);
      return;
    }
    const { runDoctor } = await import("./doctor/run.js");
    const region = text("region");
    io.exit(await runDoctor({ profile: text("profile"), region, endpointUrl: text("endpointUrl") }, io));
  });
}

import type { Command } from "commander";
import { KeywardError } from "../domain/result.js";
import { argument, repeated, strings } from "./options.js";

/** Which roles are assumed on the way to an account. */
export interface RoleFlags {
  /** Name of the role in each account, with its path if it has one. */
  readonly role: string | undefined;
  readonly externalId: string | undefined;
  readonly sessionName: string | undefined;
  /** ARNs of roles that are assumed before, one from the other. */
  readonly via: readonly string[];
}

/** Source of the patterns: IAM and STS API references, CreateRole and AssumeRole. */
const roleName = argument(
  (text) => (/^(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/.test(text) ? text : undefined),
  "the name of a role, with its path if it has one, such as audit/KeywardReader; not an ARN",
);
const roleArn = argument(
  (text) => (/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]+$/.test(text) ? text : undefined),
  "the ARN of a role",
);
const sessionName = argument(
  (text) => (/^[\w+=,.@-]{2,64}$/.test(text) ? text : undefined),
  "2 to 64 letters, digits and any of _+=,.@-",
);
const externalId = argument(
  (text) => (/^[\w+=,.@:/-]{2,1224}$/.test(text) ? text : undefined),
  "2 to 1224 letters, digits and any of _+=,.@:/-",
);

/**
 * Adds the flags.
 *
 * @param role what `--role` is for
 */
export function addRoleFlags(command: Command, role: string): Command {
  return command
    .option("--role <name>", role, roleName)
    .option("--external-id <id>", "external id for that role", externalId)
    .option(
      "--session-name <name>",
      "name of the sessions, which CloudTrail shows (default: keyward)",
      sessionName,
    )
    .option("--via <arn>", "role to assume first; repeated: one from the other", repeated(roleArn));
}

/** The flags out of what commander parsed. Throws KeywardError for one that would have no effect. */
export function roleFlags(raw: Readonly<Record<string, unknown>>): RoleFlags {
  const text = (name: string): string | undefined => {
    const value = raw[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const flags = {
    role: text("role"),
    externalId: text("externalId"),
    sessionName: text("sessionName"),
    via: strings(raw["via"]),
  };
  if (flags.externalId !== undefined && flags.role === undefined) {
    throw new KeywardError({
      what: "an external id needs a role",
      where: "--external-id",
      next: "add --role",
    });
  }
  if (flags.sessionName !== undefined && flags.role === undefined && flags.via.length === 0) {
    throw new KeywardError({
      what: "without a role there is no session to name",
      where: "--session-name",
      next: "add --role or --via",
    });
  }
  return flags;
}

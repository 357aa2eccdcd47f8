import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { AccountLine } from "../snapshot/lines.js";
import type { Asked, CloudPort } from "./ports.js";

/** What asking needs of a scan. */
export interface MembershipRun {
  ask<T>(call: string, send: (signal: AbortSignal) => Promise<Asked<T>>): Promise<Asked<T>>;
  /** Not undefined: nothing more is asked. */
  readonly stopped?: unknown;
}

const CALL = "organizations:DescribeOrganization";

/**
 * Asks an account which organization it is in. Every member may ask, and an account that is in none is told so by an
 * error of its own. A refusal is no gap of the scan: verdicts of keys do not need the answer, and what an identity policy
 * allows is then "may be able to". Undefined: it was not asked. Source: Organizations API Reference,
 * DescribeOrganization (read 2026-11-23): "You can call this operation from any account in a organization";
 * AWSOrganizationsNotInUseException: "Your account isn't a member of an organization".
 */
export async function askMembership(
  run: MembershipRun,
  cloud: Pick<CloudPort, "organization">,
): Promise<AccountLine["organization"]> {
  const port = await cloud.organization?.();
  if (port === undefined) return undefined;
  const asked = await run.ask(CALL, (signal) => port.describe(signal));
  if (!asked.ok) {
    // A scan that goes on from here asks again.
    if (run.stopped !== undefined) return undefined;
    const { code, message } = asked.error;
    return code === NOT_IN_USE ? { kind: "absent" } : { kind: "unreadable", code, message };
  }
  const { id, managementAccountId, featureSet } = asked.value;
  if (parseOrganizationId(id) === undefined) return STRANGE;
  if (managementAccountId !== undefined && parseAccountId(managementAccountId) === undefined) return STRANGE;
  return {
    kind: "present",
    id,
    ...(managementAccountId === undefined ? {} : { managementAccountId }),
    ...(featureSet === undefined ? {} : { featureSet }),
  };
}

const NOT_IN_USE = "AWSOrganizationsNotInUseException";

/** Not AWS, or an AWS that names things as no documentation says. */
const STRANGE = { kind: "unreadable", code: "UnexpectedAnswer" } as const;

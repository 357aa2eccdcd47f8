import type { STSClientConfig } from "@aws-sdk/client-sts";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { Ask } from "./ask.js";
import { CallRefused, UnexpectedAnswer } from "./ask.js";
import type { Credentials } from "./credentials.js";

/** The command that assumes roles, beside its action. */
export const ROLE_COMMANDS = { "sts:AssumeRole": AssumeRoleCommand } as const;

/** A role to assume, and how. */
export interface RoleRequest {
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId: string | undefined;
}

/** Seconds. The longest that AWS permits where a role session assumes the next role. Source: STS API reference, AssumeRole. */
const DURATION = 3600;

/**
 * Assumes a role at the STS of the client's Region: sessions of the global endpoint are not valid in opt-in Regions.
 * Throws {@link CallRefused} for what AWS refuses, since the SDK too asks for credentials.
 */
export async function assumeRole(
  config: STSClientConfig,
  ask: Ask,
  role: RoleRequest,
  signal: AbortSignal,
): Promise<Credentials> {
  const client = new STSClient(config);
  const asked = await ask("sts:AssumeRole", signal, async (options) => {
    const command = new ROLE_COMMANDS["sts:AssumeRole"]({
      RoleArn: role.arn,
      RoleSessionName: role.sessionName,
      DurationSeconds: DURATION,
      ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
    });
    const { Credentials: got } = await client.send(command, options);
    if (got?.AccessKeyId === undefined || got.SecretAccessKey === undefined) {
      throw new UnexpectedAnswer("STS did not give credentials.");
    }
    return {
      accessKeyId: got.AccessKeyId,
      secretAccessKey: got.SecretAccessKey,
      ...(got.SessionToken === undefined ? {} : { sessionToken: got.SessionToken }),
      ...(got.Expiration === undefined ? {} : { expiration: got.Expiration }),
    };
  });
  if (!asked.ok) throw new CallRefused(asked.error);
  return asked.value;
}

import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Asked, Identity } from "../collect/ports.js";
import type { Ask } from "./ask.js";
import { UnexpectedAnswer } from "./ask.js";
import type { Clients } from "./session.js";

/** The command of STS that keyward sends, beside its action. */
export const STS_COMMANDS = { "sts:GetCallerIdentity": GetCallerIdentityCommand } as const;

/** The account and partition that the credentials belong to. */
export async function identity(session: Clients, ask: Ask, signal: AbortSignal): Promise<Asked<Identity>> {
  const client = new STSClient(session.clientConfig(session.homeRegion));
  return ask("sts:GetCallerIdentity", signal, async (options) => {
    const answer = await client.send(new STS_COMMANDS["sts:GetCallerIdentity"]({}), options);
    const [, partition = "", account = ""] =
      /^arn:(aws[a-z-]*):[a-z]+::([0-9]{12}):/.exec(answer.Arn ?? "") ?? [];
    if (account === "") throw new UnexpectedAnswer("STS did not name an account.");
    return { account, partition };
  });
}

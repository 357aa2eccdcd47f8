import { ConfigServiceClient, GetResourceConfigHistoryCommand } from "@aws-sdk/client-config-service";
import type { RecordedPort } from "../apply/former-config.js";
import { asker, page } from "./ask.js";
import { type SessionOptions, Session } from "./session.js";

/** The command that is sent to AWS Config, beside the action that permits it. */
export const CONFIG_COMMANDS = {
  "config:GetResourceConfigHistory": GetResourceConfigHistoryCommand,
} as const;

/** Largest page. Source: AWS Config API reference, GetResourceConfigHistory. */
const PAGE = 100;

/** AWS Config, in whatever Region. */
export interface ConfigConnection {
  recorded(region: string): RecordedPort;
  close(): void;
}

/** Connects with the user's credentials. Throws KeywardError where there are none. */
export async function connectConfig(options: SessionOptions): Promise<ConfigConnection> {
  const session = await Session.open(options);
  const ask = asker(options.profile);
  return {
    recorded: (region) => {
      const client = new ConfigServiceClient(session.clientConfig(region));
      return {
        history: (keyId, until, token, signal) =>
          ask("config:GetResourceConfigHistory", signal, async (options) => {
            const answer = await client.send(
              new CONFIG_COMMANDS["config:GetResourceConfigHistory"]({
                resourceType: "AWS::KMS::Key",
                resourceId: keyId,
                limit: PAGE,
                ...(until === undefined ? {} : { laterTime: new Date(until) }),
                ...(token === undefined ? {} : { nextToken: token }),
              }),
              options,
            );
            const next = answer.nextToken === "" ? undefined : answer.nextToken;
            return page(answer.configurationItems, next !== undefined, next, (item) => ({
              ...item,
              configurationItemCaptureTime: item.configurationItemCaptureTime?.toISOString(),
            }));
          }),
      };
    },
    close: () => session.close(),
  };
}

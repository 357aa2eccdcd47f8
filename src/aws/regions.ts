import { AccountClient, ListRegionsCommand } from "@aws-sdk/client-account";
import { DescribeRegionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { allPages } from "../collect/paging.js";
import type { AccountRegion, Asked } from "../collect/ports.js";
import type { Ask } from "./ask.js";
import type { Clients } from "./session.js";

/** The commands that list Regions, each beside its action. */
export const REGION_COMMANDS = {
  "ec2:DescribeRegions": DescribeRegionsCommand,
  "account:ListRegions": ListRegionsCommand,
} as const;

/** All Regions as EC2 sees them. */
export async function describeRegions(
  session: Clients,
  ask: Ask,
  signal: AbortSignal,
): Promise<Asked<readonly AccountRegion[]>> {
  const client = new EC2Client(session.clientConfig(session.homeRegion));
  return ask("ec2:DescribeRegions", signal, async (options) => {
    const command = new REGION_COMMANDS["ec2:DescribeRegions"]({ AllRegions: true });
    const answer = await client.send(command, options);
    return (answer.Regions ?? []).flatMap((r) =>
      r.RegionName === undefined ? [] : [{ name: r.RegionName, enabled: r.OptInStatus !== "not-opted-in" }],
    );
  });
}

/**
 * All Regions as Account Management sees them. One that is being enabled or disabled may hold keys and counts as
 * enabled; its refusals are told.
 */
export async function listRegions(
  session: Clients,
  ask: Ask,
  signal: AbortSignal,
): Promise<Asked<readonly AccountRegion[]>> {
  const client = new AccountClient(session.clientConfig(session.homeRegion));
  return allPages("account:ListRegions", (marker) =>
    ask("account:ListRegions", signal, async (options) => {
      const command = new REGION_COMMANDS["account:ListRegions"]({
        MaxResults: 50,
        ...(marker === undefined ? {} : { NextToken: marker }),
      });
      const answer = await client.send(command, options);
      const items = (answer.Regions ?? []).flatMap((r) =>
        r.RegionName === undefined ? [] : [{ name: r.RegionName, enabled: r.RegionOptStatus !== "DISABLED" }],
      );
      return { items, next: answer.NextToken === "" ? undefined : answer.NextToken };
    }),
  );
}

import type { Access } from "./access.js";
import { requireAccountLevel } from "./account-access.js";
import type { Identity } from "./identity.js";
import type { Input } from "./input.js";
import type { RegionInfo, Regions } from "./regions.js";
import type { QueryCall } from "./sts.js";
import type { Xml } from "./xml.js";

/**
 * ec2:DescribeRegions: the enabled Regions, or with AllRegions all of them; by name and by opt-in status.
 * Source: EC2 API reference, DescribeRegions.
 */
export function describeRegions(call: QueryCall, access: Access, regions: Regions): Xml {
  const account = requireAccountLevel(access, call.identity, {
    action: "ec2:DescribeRegions",
    resource: "*",
    now: call.now,
  });
  const all = call.parameters.get("AllRegions") === "true";
  const names = members(call.parameters, /^RegionName\.\d+$/);
  const statuses = [...call.parameters].flatMap(([name, value]) => {
    const filter = /^Filter\.(\d+)\.Name$/.exec(name);
    return filter !== null && value === "opt-in-status"
      ? [members(call.parameters, new RegExp(`^Filter\\.${filter[1] ?? ""}\\.Value\\.\\d+$`))]
      : [];
  });
  const shown = regions
    .list(account)
    .filter((r) => all || r.status !== "not-opted-in")
    .filter((r) => names.length === 0 || names.includes(r.name))
    .filter((r) => statuses.every((wanted) => wanted.includes(r.status)));
  return [
    [
      "regionInfo",
      shown.map(
        (r) =>
          [
            "item",
            [
              ["regionName", r.name],
              ["regionEndpoint", `ec2.${r.name}.amazonaws.com`],
              ["optInStatus", r.status],
            ],
          ] as const,
      ),
    ],
  ];
}

function members(parameters: URLSearchParams, pattern: RegExp): readonly string[] {
  return [...parameters].filter(([name]) => pattern.test(name)).map(([, value]) => value);
}

const ACCOUNT_STATUS: Readonly<Record<RegionInfo["status"], string>> = {
  "opt-in-not-required": "ENABLED_BY_DEFAULT",
  "opted-in": "ENABLED",
  "not-opted-in": "DISABLED",
};

/** account:ListRegions, in one page. Source: Account Management API reference, ListRegions. */
export function listAccountRegions(
  identity: Identity,
  input: Input,
  access: Access,
  regions: Regions,
  now: number,
): Readonly<Record<string, unknown>> {
  const account = requireAccountLevel(access, identity, {
    action: "account:ListRegions",
    resource: "*",
    now,
  });
  const wanted = input.strings("RegionOptStatusContains");
  return {
    Regions: regions
      .list(account)
      .map((r) => ({ RegionName: r.name, RegionOptStatus: ACCOUNT_STATUS[r.status] }))
      .filter((r) => wanted === undefined || wanted.includes(r.RegionOptStatus)),
  };
}

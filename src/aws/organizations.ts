import {
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  ListAccountsCommand,
  ListAccountsForParentCommand,
  ListOrganizationalUnitsForParentCommand,
  ListPoliciesCommand,
  ListRootsCommand,
  ListTagsForResourceCommand,
  ListTargetsForPolicyCommand,
  OrganizationsClient,
} from "@aws-sdk/client-organizations";
import type { Account } from "@aws-sdk/client-organizations";
import type { ListedAccount, ListedRoot, OrganizationPort, Page } from "../collect/ports.js";
import type { Ask } from "./ask.js";
import { listed, UnexpectedAnswer } from "./ask.js";
import type { Clients } from "./session.js";

/** The commands of Organizations that keyward sends, each beside the action that permits it. */
export const ORGANIZATIONS_COMMANDS = {
  "organizations:DescribeOrganization": DescribeOrganizationCommand,
  "organizations:ListAccounts": ListAccountsCommand,
  "organizations:ListRoots": ListRootsCommand,
  "organizations:ListOrganizationalUnitsForParent": ListOrganizationalUnitsForParentCommand,
  "organizations:ListAccountsForParent": ListAccountsForParentCommand,
  "organizations:ListTagsForResource": ListTagsForResourceCommand,
  "organizations:ListPolicies": ListPoliciesCommand,
  "organizations:DescribePolicy": DescribePolicyCommand,
  "organizations:ListTargetsForPolicy": ListTargetsForPolicyCommand,
} as const;

/** AWS Organizations. Its lists can have empty pages that go on; only the token says where a list ends. */
export function organizationPort(session: Clients, ask: Ask): OrganizationPort {
  const client = new OrganizationsClient(session.clientConfig(session.homeRegion));
  return {
    describe: (signal) =>
      ask("organizations:DescribeOrganization", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:DescribeOrganization"]({});
        const { Organization: found } = await client.send(command, options);
        if (found?.Id === undefined)
          throw new UnexpectedAnswer("Organizations did not name an organization.");
        return {
          id: found.Id,
          managementAccountId: found.MasterAccountId,
          featureSet: found.FeatureSet,
        };
      }),
    accounts: (marker, signal) =>
      ask("organizations:ListAccounts", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListAccounts"](from(marker));
        const answer = await client.send(command, options);
        return paged(answer.Accounts, answer.NextToken, account);
      }),
    roots: (marker, signal) =>
      ask("organizations:ListRoots", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListRoots"](from(marker));
        const answer = await client.send(command, options);
        return paged(answer.Roots, answer.NextToken, (r) => ({
          id: r.Id ?? "",
          organization: organizationIn(r.Arn),
          policyTypes: (r.PolicyTypes ?? []).flatMap((t) =>
            t.Type !== undefined && t.Status === "ENABLED" ? [t.Type] : [],
          ),
        }));
      }),
    unitsOf: (parent, marker, signal) =>
      ask("organizations:ListOrganizationalUnitsForParent", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListOrganizationalUnitsForParent"]({
          ParentId: parent,
          ...from(marker),
        });
        const answer = await client.send(command, options);
        return paged(answer.OrganizationalUnits, answer.NextToken, (u) => ({ id: u.Id ?? "", name: u.Name }));
      }),
    accountsOf: (parent, marker, signal) =>
      ask("organizations:ListAccountsForParent", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListAccountsForParent"]({
          ParentId: parent,
          ...from(marker),
        });
        const answer = await client.send(command, options);
        return paged(answer.Accounts, answer.NextToken, account);
      }),
    tagsOf: (resource, marker, signal) =>
      ask("organizations:ListTagsForResource", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListTagsForResource"]({
          ResourceId: resource,
          ...from(marker),
        });
        const answer = await client.send(command, options);
        return paged(answer.Tags, answer.NextToken, (t) => [t.Key ?? "", t.Value ?? ""] as const);
      }),
    policies: (type, marker, signal) =>
      ask("organizations:ListPolicies", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListPolicies"]({
          Filter: type,
          ...from(marker),
        });
        const answer = await client.send(command, options);
        return paged(answer.Policies, answer.NextToken, (p) => ({ id: p.Id ?? "", name: p.Name }));
      }),
    policyText: (id, signal) =>
      ask("organizations:DescribePolicy", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:DescribePolicy"]({ PolicyId: id });
        const text: unknown = (await client.send(command, options)).Policy?.Content;
        if (typeof text !== "string")
          throw new UnexpectedAnswer("Organizations left out the text of a policy.");
        return text;
      }),
    targetsOf: (policy, marker, signal) =>
      ask("organizations:ListTargetsForPolicy", signal, async (options) => {
        const command = new ORGANIZATIONS_COMMANDS["organizations:ListTargetsForPolicy"]({
          PolicyId: policy,
          ...from(marker),
        });
        const answer = await client.send(command, options);
        return paged(answer.Targets, answer.NextToken, (t) => t.TargetId ?? "");
      }),
  };
}

/** `arn:PARTITION:organizations::MANAGEMENT:root/ORGANIZATION/ROOT`. Source: Organizations API reference, Root. */
function organizationIn(arn: string | undefined): ListedRoot["organization"] {
  const [, managementAccountId, id] =
    /^arn:[^:]+:organizations::([0-9]{12}):root\/(o-[a-z0-9]+)\//.exec(arn ?? "") ?? [];
  return managementAccountId === undefined || id === undefined ? undefined : { id, managementAccountId };
}

/** `Status` was deprecated in favour of `State` in 2025; either may be missing. */
function account(a: Account): ListedAccount {
  return { id: a.Id ?? "", name: a.Name, status: a.State ?? a.Status };
}

function from(marker: string | undefined): { NextToken?: string } {
  return marker === undefined ? {} : { NextToken: marker };
}

function paged<T, U>(
  items: readonly T[] | undefined,
  token: string | undefined,
  convert: (item: T) => U,
): Page<U> {
  return { items: listed(items).map(convert), next: token === "" ? undefined : token };
}

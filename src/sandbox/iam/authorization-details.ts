import type { AccountId } from "../../domain/ids.js";
import type { IdentityLine } from "../../snapshot/lines.js";
import { validationError } from "../errors.js";
import type { IamBook } from "../world/iam.js";
import type { Element, Xml } from "../xml.js";
import { type IamCall, type IamOperation, iamAccount, iamPage, listParameter, members } from "./call.js";
import { groupDetail, policyBasics, policyVersion, roleDetail, userDetail } from "./entities.js";

/** The kinds of entities, in the order in which pages bring them. */
const FILTERS = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"] as const;
type Filter = (typeof FILTERS)[number];

/**
 * GetAccountAuthorizationDetails: users, roles, groups, local managed policies and those of AWS that are attached, in
 * pages that go over all kinds. Of managed policies only the default version is known.
 * Source: IAM API reference, GetAccountAuthorizationDetails.
 */
export const getAccountAuthorizationDetails: IamOperation = (call) => {
  const account = iamAccount(call, "GetAccountAuthorizationDetails");
  const wanted = filters(call);
  const { iam } = call.world;
  const items = wanted.flatMap((filter) =>
    linesOf(iam, account, filter).map((line) => ({ line, id: `${FILTERS.indexOf(filter)}/${line.arn}` })),
  );
  const list = `GetAccountAuthorizationDetails/${account}/${wanted.join(",")}`;
  const page = iamPage(call, list, items, (i) => i.id);
  const counts = attachmentCounts(iam, account);
  const lists = { user: [], group: [], role: [], "managed-policy": [] } as Record<
    IdentityLine["type"],
    Xml[]
  >;
  for (const { line } of page.items) lists[line.type].push(detail(line, counts));
  const content: readonly Element[] = [
    ["UserDetailList", members(lists.user)],
    ["GroupDetailList", members(lists.group)],
    ["RoleDetailList", members(lists.role)],
    ["Policies", members(lists["managed-policy"])],
    ...page.end,
  ];
  return content;
};

function filters(call: IamCall): readonly Filter[] {
  const asked = listParameter(call, "Filter");
  const unknown = asked.find((f) => !FILTERS.some((known) => known === f));
  if (unknown !== undefined) {
    const constraint = `Member must satisfy enum value set: [${FILTERS.join(", ")}]`;
    throw validationError(`'${unknown.slice(0, 256)}'`, "filter.1.member", constraint);
  }
  return asked.length === 0 ? FILTERS : FILTERS.filter((f) => asked.includes(f));
}

function linesOf(iam: IamBook, account: AccountId, filter: Filter): readonly IdentityLine[] {
  switch (filter) {
    case "User":
      return iam.users(account);
    case "Role":
      return iam.roles(account);
    case "Group":
      return iam.groups(account);
    case "LocalManagedPolicy":
      return iam.localPolicies(account);
    case "AWSManagedPolicy":
      return iam.awsPolicies(account);
  }
}

function detail(line: IdentityLine, counts: ReadonlyMap<string, number>): Xml {
  switch (line.type) {
    case "user":
      return userDetail(line);
    case "role":
      return roleDetail(line);
    case "group":
      return groupDetail(line);
    case "managed-policy":
      return [
        ...policyBasics(line, counts.get(line.arn) ?? 0),
        ["PolicyVersionList", members([policyVersion(line)])],
      ];
  }
}

/** To how many users, roles and groups of an account each managed policy is attached. */
export function attachmentCounts(iam: IamBook, account: AccountId): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entity of [...iam.users(account), ...iam.roles(account), ...iam.groups(account)]) {
    for (const arn of entity.attachedPolicies ?? []) counts.set(arn, (counts.get(arn) ?? 0) + 1);
  }
  return counts;
}

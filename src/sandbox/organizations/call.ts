import type { Identity } from "../identity.js";
import type { Input } from "../input.js";
import type { Pager } from "../paging.js";
import type { MemberAccount, OrgNode, OrgPolicy, OrgTree } from "../world/organization.js";
import type { World } from "../world/world.js";
import { requireAccountLevel } from "../account-access.js";
import type { Access } from "../access.js";
import { ServiceError } from "../errors.js";
import type { JsonObject } from "../operations/operation.js";

/** One request to Organizations. */
export interface OrgCall {
  readonly world: World;
  readonly access: Access;
  readonly pager: Pager;
  readonly identity: Identity;
  readonly input: Input;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Does one operation of Organizations. Throws ServiceError to refuse. */
export type OrgOperation = (call: OrgCall) => JsonObject;

/**
 * Lets a member of an organization pass whose identity policies allow the action.
 * @throws ServiceError AccessDeniedException, AWSOrganizationsNotInUseException.
 */
export function requireMember(call: OrgCall, operation: string): OrgTree {
  const account = requireAccountLevel(call.access, call.identity, {
    action: `organizations:${operation}`,
    resource: "*",
    now: call.now,
  });
  const tree = call.world.organizationTree(account);
  if (tree !== undefined) return tree;
  throw new ServiceError(
    "AWSOrganizationsNotInUseException",
    "Your account is not a member of an organization.",
  );
}

/**
 * Lets the management account and delegated administrators pass. Every read but DescribeOrganization asks for it.
 * Source: Organizations API reference, each operation: "can be called only from the organization's management account
 * or by a member account that is a delegated administrator".
 */
export function requireAdministrator(call: OrgCall, operation: string): OrgTree {
  const tree = requireMember(call, operation);
  const { account } = call.identity;
  if (account === tree.managementAccount || tree.delegatedAdministrators.has(account ?? "")) return tree;
  throw new ServiceError(
    "AccessDeniedException",
    "You don't have permissions to access this resource.",
    400,
    "only the management account and delegated administrators of the organization may ask",
  );
}

/** ARNs of Organizations name the management account. */
export function orgArn(tree: OrgTree, resource: string): string {
  return `arn:aws:organizations::${tree.managementAccount ?? "000000000000"}:${resource}`;
}

export function accountArn(tree: OrgTree, id: string): string {
  return orgArn(tree, `account/${tree.id}/${id}`);
}

export function nodeArn(tree: OrgTree, node: OrgNode): string {
  switch (node.kind) {
    case "ROOT":
      return orgArn(tree, `root/${tree.id}/${node.id}`);
    case "ORGANIZATIONAL_UNIT":
      return orgArn(tree, `ou/${tree.id}/${node.id}`);
    case "ACCOUNT":
      return accountArn(tree, node.id);
  }
}

/** The Account structure of the API. `State` follows `Status`, which AWS is retiring. */
export function accountJson(tree: OrgTree, account: MemberAccount): JsonObject {
  return {
    Id: account.id,
    Arn: accountArn(tree, account.id),
    Email: `${account.id}@example.com`,
    Name: account.name,
    Status: account.status,
    State: account.status,
    JoinedMethod: account.id === tree.managementAccount ? "INVITED" : "CREATED",
    JoinedTimestamp: JOINED,
  };
}

/** When accounts joined is in no snapshot: 2020-01-01, in seconds since the epoch. */
const JOINED = 1_577_836_800;

/** The PolicySummary structure of the API. */
export function policyJson(tree: OrgTree, policy: OrgPolicy): JsonObject {
  const type = policy.type.toLowerCase();
  return {
    Id: policy.id,
    Arn: policy.awsManaged
      ? `arn:aws:organizations::aws:policy/${type}/${policy.id}`
      : orgArn(tree, `policy/${tree.id}/${type}/${policy.id}`),
    Name: policy.name,
    Description: "",
    Type: policy.type,
    AwsManaged: policy.awsManaged,
  };
}

/** A root or organizational unit that a request names as `ParentId`. */
export function parentNode(call: OrgCall, tree: OrgTree): OrgNode {
  const id = call.input.string("ParentId", {
    max: 100,
    pattern: /^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$/,
  });
  const node = tree.node(id);
  if (node !== undefined && node.kind !== "ACCOUNT") return node;
  throw new ServiceError("ParentNotFoundException", "You specified parent that doesn't exist.");
}

/** A page in the words of Organizations. */
export function orgPage<T>(
  call: OrgCall,
  list: string,
  items: readonly T[],
  idOf: (item: T) => string,
): { readonly items: readonly T[]; readonly end: { readonly NextToken?: string } } {
  return call.pager.tokenPage(call.input, ORG_PAGE, list, items, idOf);
}

/** Source: Organizations API reference, `MaxResults`: up to 20 items. */
const ORG_PAGE = { default: 20, max: 20 };

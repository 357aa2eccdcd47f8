import { describeAccount, listAccounts, listAccountsForParent, listTagsForResource } from "./accounts.js";
import type { OrgOperation } from "./call.js";
import { describeOrganization } from "./organization.js";
import { describePolicy, listPolicies, listPoliciesForTarget, listTargetsForPolicy } from "./policies.js";
import {
  describeOrganizationalUnit,
  listChildren,
  listDelegatedAdministrators,
  listOrganizationalUnitsForParent,
  listParents,
  listRoots,
} from "./tree.js";

/** The operations of Organizations that the sandbox knows. */
export const ORG_OPERATIONS: ReadonlyMap<string, OrgOperation> = new Map([
  ["DescribeAccount", describeAccount],
  ["DescribeOrganization", describeOrganization],
  ["DescribeOrganizationalUnit", describeOrganizationalUnit],
  ["DescribePolicy", describePolicy],
  ["ListAccounts", listAccounts],
  ["ListAccountsForParent", listAccountsForParent],
  ["ListChildren", listChildren],
  ["ListDelegatedAdministrators", listDelegatedAdministrators],
  ["ListOrganizationalUnitsForParent", listOrganizationalUnitsForParent],
  ["ListParents", listParents],
  ["ListPolicies", listPolicies],
  ["ListPoliciesForTarget", listPoliciesForTarget],
  ["ListRoots", listRoots],
  ["ListTagsForResource", listTagsForResource],
  ["ListTargetsForPolicy", listTargetsForPolicy],
]);

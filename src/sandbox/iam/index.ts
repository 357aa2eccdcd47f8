import { listAccountAliases } from "./account.js";
import { getAccountAuthorizationDetails } from "./authorization-details.js";
import type { IamOperation } from "./call.js";
import { getPolicy, getPolicyVersion } from "./policies.js";
import { getRole, getRolePolicy, listAttachedRolePolicies, listRolePolicies, listRoles } from "./roles.js";

/** The operations of IAM that the sandbox knows: reads only. */
export const IAM_OPERATIONS: ReadonlyMap<string, IamOperation> = new Map([
  ["GetAccountAuthorizationDetails", getAccountAuthorizationDetails],
  ["GetPolicy", getPolicy],
  ["GetPolicyVersion", getPolicyVersion],
  ["GetRole", getRole],
  ["GetRolePolicy", getRolePolicy],
  ["ListAccountAliases", listAccountAliases],
  ["ListAttachedRolePolicies", listAttachedRolePolicies],
  ["ListRolePolicies", listRolePolicies],
  ["ListRoles", listRoles],
]);

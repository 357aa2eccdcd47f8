import type { RoleLine } from "../../snapshot/lines.js";
import {
  type IamCall,
  type IamOperation,
  attachedList,
  encodeDocument,
  iamAccount,
  iamPage,
  members,
  noSuchEntity,
  pathAndName,
  required,
} from "./call.js";
import { role } from "./entities.js";

/** ListRoles, by path prefix. */
export const listRoles: IamOperation = (call) => {
  const account = iamAccount(call, "ListRoles");
  const prefix = call.parameters.get("PathPrefix") ?? "/";
  const roles = call.world.iam.roles(account).filter((r) => pathAndName(r.arn).path.startsWith(prefix));
  const page = iamPage(call, `ListRoles/${account}/${prefix}`, roles, (r) => r.arn);
  return [["Roles", members(page.items.map((r) => role(r, false)))], ...page.end];
};

/** Names of roles are unique in an account whatever their path, and compared without case. */
function roleNamed(call: IamCall, operation: string): RoleLine {
  const account = iamAccount(call, operation);
  const name = required(call, "RoleName");
  const found = call.world.iam
    .roles(account)
    .find((r) => pathAndName(r.arn).name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw noSuchEntity(`The role with name ${name} cannot be found.`);
}

/** GetRole. */
export const getRole: IamOperation = (call) => [["Role", role(roleNamed(call, "GetRole"), true)]];

/** ListRolePolicies: names of inline policies. */
export const listRolePolicies: IamOperation = (call) => {
  const { arn, inlinePolicies } = roleNamed(call, "ListRolePolicies");
  const names = (inlinePolicies ?? []).map((p) => p.name).sort();
  const page = iamPage(call, `ListRolePolicies/${arn}`, names, (n) => n);
  return [["PolicyNames", members(page.items)], ...page.end];
};

/** GetRolePolicy: one inline policy. */
export const getRolePolicy: IamOperation = (call) => {
  const { arn, inlinePolicies } = roleNamed(call, "GetRolePolicy");
  const name = required(call, "PolicyName");
  const policy = inlinePolicies?.find((p) => p.name === name);
  if (policy === undefined) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
  return [
    ["RoleName", pathAndName(arn).name],
    ["PolicyName", name],
    ["PolicyDocument", encodeDocument(policy.text)],
  ];
};

/** ListAttachedRolePolicies. */
export const listAttachedRolePolicies: IamOperation = (call) => {
  const { arn, attachedPolicies } = roleNamed(call, "ListAttachedRolePolicies");
  const page = iamPage(
    call,
    `ListAttachedRolePolicies/${arn}`,
    [...(attachedPolicies ?? [])].sort(),
    (a) => a,
  );
  return [["AttachedPolicies", attachedList(page.items)], ...page.end];
};

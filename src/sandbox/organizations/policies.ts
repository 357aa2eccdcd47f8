import { ServiceError } from "../errors.js";
import type { OrgNode, OrgPolicy, OrgTree, PolicyType } from "../world/organization.js";
import {
  type OrgCall,
  type OrgOperation,
  nodeArn,
  orgPage,
  policyJson,
  requireAdministrator,
} from "./call.js";

const TYPES: readonly PolicyType[] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];
/** Types that Organizations has beside those; the sandbox has no policies of them. */
const OTHER_TYPES = [
  "TAG_POLICY",
  "BACKUP_POLICY",
  "AISERVICES_OPT_OUT_POLICY",
  "CHATBOT_POLICY",
  "DECLARATIVE_POLICY_EC2",
] as const;

/** Undefined: a type of which the sandbox has no policies. */
function policyType(call: OrgCall): PolicyType | undefined {
  const text = call.input.string("Filter", { oneOf: [...TYPES, ...OTHER_TYPES] });
  return TYPES.find((t) => t === text);
}

function policyOf(call: OrgCall, tree: OrgTree): OrgPolicy {
  const policy = tree.policy(call.input.string("PolicyId", { max: 130, pattern: /^p-[0-9a-zA-Z_]{8,128}$/ }));
  if (policy !== undefined) return policy;
  throw new ServiceError("PolicyNotFoundException", "You specified a policy that doesn't exist.");
}

function targetOf(call: OrgCall, tree: OrgTree): OrgNode {
  const node = tree.node(call.input.string("TargetId", { max: 100 }));
  if (node !== undefined) return node;
  throw new ServiceError("TargetNotFoundException", "You specified a target that doesn't exist.");
}

/** ListPolicies of one type. */
export const listPolicies: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListPolicies");
  const type = policyType(call);
  const policies = type === undefined ? [] : tree.policies(type);
  const page = orgPage(call, `ListPolicies/${type ?? ""}`, policies, (p) => p.id);
  return { Policies: page.items.map((p) => policyJson(tree, p)), ...page.end };
};

/** ListPoliciesForTarget: those attached to the target itself, not the inherited ones. */
export const listPoliciesForTarget: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListPoliciesForTarget");
  const type = policyType(call);
  const target = targetOf(call, tree);
  const policies = type === undefined ? [] : tree.attached(target.id, type);
  const page = orgPage(call, `ListPoliciesForTarget/${target.id}/${type ?? ""}`, policies, (p) => p.id);
  return { Policies: page.items.map((p) => policyJson(tree, p)), ...page.end };
};

/** ListTargetsForPolicy. */
export const listTargetsForPolicy: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListTargetsForPolicy");
  const policy = policyOf(call, tree);
  const targets = [...policy.targets].sort().flatMap((id) => tree.node(id) ?? []);
  const page = orgPage(call, `ListTargetsForPolicy/${policy.id}`, targets, (n) => n.id);
  return {
    Targets: page.items.map((n) => ({ TargetId: n.id, Arn: nodeArn(tree, n), Name: n.name, Type: n.kind })),
    ...page.end,
  };
};

/** DescribePolicy: the text of one. */
export const describePolicy: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "DescribePolicy");
  const policy = policyOf(call, tree);
  return { Policy: { PolicySummary: policyJson(tree, policy), Content: policy.text } };
};

import { type OrgOperation, accountArn, orgArn, requireMember } from "./call.js";

/** DescribeOrganization: every member may ask. */
export const describeOrganization: OrgOperation = (call) => {
  const tree = requireMember(call, "DescribeOrganization");
  const management = tree.managementAccount ?? "000000000000";
  return {
    Organization: {
      Id: tree.id,
      Arn: orgArn(tree, `organization/${tree.id}`),
      FeatureSet: "ALL",
      MasterAccountArn: accountArn(tree, management),
      MasterAccountId: management,
      MasterAccountEmail: `${management}@example.com`,
      AvailablePolicyTypes: [...tree.policyTypes].map((type) => ({ Type: type, Status: "ENABLED" })),
    },
  };
};

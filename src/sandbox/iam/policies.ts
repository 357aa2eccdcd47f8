import type { ManagedPolicyLine } from "../../snapshot/lines.js";
import { attachmentCounts } from "./authorization-details.js";
import { type IamCall, type IamOperation, iamAccount, noSuchEntity, required } from "./call.js";
import { policyBasics, policyVersion } from "./entities.js";

function policyNamed(call: IamCall, operation: string): { line: ManagedPolicyLine; attachments: number } {
  const arn = required(call, "PolicyArn");
  const account = iamAccount(call, operation, arn);
  const line = call.world.iam.managedPolicy(arn);
  const owner = arn.split(":")[4];
  if (line === undefined || (owner !== account && owner !== "aws")) {
    throw noSuchEntity(`Policy ${arn} was not found.`);
  }
  return { line, attachments: attachmentCounts(call.world.iam, account).get(arn) ?? 0 };
}

/** GetPolicy. */
export const getPolicy: IamOperation = (call) => {
  const { line, attachments } = policyNamed(call, "GetPolicy");
  return [["Policy", policyBasics(line, attachments)]];
};

/** GetPolicyVersion: only the default version is known. */
export const getPolicyVersion: IamOperation = (call) => {
  const { line } = policyNamed(call, "GetPolicyVersion");
  const version = required(call, "VersionId");
  if (version === (line.version ?? "v1")) return [["PolicyVersion", policyVersion(line)]];
  throw noSuchEntity(`Policy ${line.arn} version ${version} does not exist or is not attachable.`);
};

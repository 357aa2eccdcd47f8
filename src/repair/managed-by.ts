import type { ManagedBy } from "./plan-file.js";

/** Tags by which people and tools say that Terraform made a resource. There is no tag of Terraform's own. */
const TERRAFORM_TAG = /^(?:terraform|tf)(?:[-_:/].*)?$/i;
const MANAGED_BY_TAG = /^(?:managed[-_ ]?by|created[-_ ]?by|provisioner|iac(?:[-_ ]?tool)?)$/i;

/**
 * What owns a key, as its tags say: the next deployment of that source would write the old policy back, so the change
 * has to be made there. CloudFormation's tags cannot be set by anybody else; others are a convention and a hint.
 * Source: CloudFormation User Guide, "Resource tag" (aws:cloudformation:stack-name, logical-id, stack-id).
 */
export function managedBy(
  tags: Readonly<Record<string, string>> | undefined,
  policyText: string | undefined,
): ManagedBy | null {
  if (tags === undefined) return null;
  const stack = tags["aws:cloudformation:stack-name"];
  const json = policyText === undefined ? undefined : (JSON.parse(policyText) as unknown);
  if (stack !== undefined) {
    const logical = tags["aws:cloudformation:logical-id"];
    return {
      kind: "cloudformation",
      name: stack,
      evidence: "the tag aws:cloudformation:stack-name",
      advice: `Change KeyPolicy of ${logical === undefined ? "the key" : `resource ${logical}`} in the template of stack ${stack} as well: the next deployment that touches it writes back what the template says.`,
      snippet: json === undefined ? "" : `"KeyPolicy": ${JSON.stringify(json, null, 2)}`,
    };
  }
  for (const [key, value] of Object.entries(tags)) {
    const terraform =
      (TERRAFORM_TAG.test(key) && !/^(?:false|no|0)$/i.test(value)) ||
      (MANAGED_BY_TAG.test(key) && /terraform|opentofu/i.test(value));
    if (terraform) {
      return {
        kind: "terraform",
        name: TERRAFORM_TAG.test(key) && !/^(?:true|yes|1)$/i.test(value) ? value : "not named by the tags",
        evidence: `the tag ${key}=${value}`,
        advice:
          "Change the policy of its aws_kms_key (or aws_kms_key_policy) as well: the next apply writes back what the configuration says.",
        snippet: json === undefined ? "" : heredoc(JSON.stringify(json, null, 2)),
      };
    }
    if (MANAGED_BY_TAG.test(key) && /pulumi|cdk|crossplane|ansible|serverless/i.test(value)) {
      return {
        kind: "other",
        name: value,
        evidence: `the tag ${key}=${value}`,
        advice: `Change the policy in ${value} as well: the next deployment writes back what it says.`,
        snippet: json === undefined ? "" : JSON.stringify(json, null, 2),
      };
    }
  }
  return null;
}

/** HCL takes `${` and `%{` in a heredoc for its own templates, and policies have variables. */
function heredoc(json: string): string {
  const text = json.replaceAll("${", "$${").replaceAll("%{", "%%{");
  return `policy = <<-POLICY\n${text}\nPOLICY`;
}

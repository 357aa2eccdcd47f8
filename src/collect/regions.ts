/**
 * Regions in which AWS offers KMS, by partition; used where the account may not be asked. Source: `endpoints.json` of
 * botocore 1.44.5, service `kms`, read 2026-11-23.
 */
const KMS_REGIONS: Readonly<Record<string, readonly string[]>> = {
  aws: [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
  ],
  "aws-cn": ["cn-north-1", "cn-northwest-1"],
  "aws-us-gov": ["us-gov-east-1", "us-gov-west-1"],
  "aws-iso": ["us-iso-east-1", "us-iso-west-1"],
  "aws-iso-b": ["us-isob-east-1", "us-isob-west-1"],
  "aws-iso-e": ["eu-isoe-west-1"],
  "aws-iso-f": ["us-isof-east-1", "us-isof-south-1"],
  "aws-eusc": ["eusc-de-east-1"],
};

/**
 * Regions of the partition `aws` that every account has: those opened before 20 March 2019. All later ones have to be
 * enabled, so this list does not grow. Source: AWS Account Management Reference Guide, "Enable or disable AWS Regions
 * in your account".
 */
const ALWAYS_ENABLED: ReadonlySet<string> = new Set([
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-northeast-3",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "ca-central-1",
  "eu-central-1",
  "eu-north-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
]);

/** The partitions whose Regions this version of keyward knows. */
export const PARTITIONS: readonly string[] = Object.keys(KMS_REGIONS);

/** The Regions of a partition that this version of keyward knows. Empty for an unknown partition. */
export function builtInRegions(partition: string): readonly string[] {
  return KMS_REGIONS[partition] ?? [];
}

/** False for a Region that no account can be without: a refusal there is a failure, not a Region left disabled. */
export function canBeDisabled(region: string): boolean {
  if (ALWAYS_ENABLED.has(region)) return false;
  const restricted = Object.entries(KMS_REGIONS).some(
    ([partition, names]) => partition !== "aws" && names.includes(region),
  );
  return !restricted;
}

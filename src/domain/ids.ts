/**
 * Identifiers that could be swapped by mistake are branded: only the parsers of this file make them.
 */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Twelve decimal digits. */
export type AccountId = Brand<string, "AccountId">;
/** `o-` and 10 to 32 lower-case letters or digits. */
export type OrganizationId = Brand<string, "OrganizationId">;
/** `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`. */
export type KeyArn = Brand<string, "KeyArn">;
/** A KMS action as keyward writes it, e.g. `kms:Decrypt`. */
export type ActionName = Brand<string, "ActionName">;

/** The parts of a key ARN. */
export interface KeyArnParts {
  readonly partition: string;
  readonly region: string;
  readonly account: AccountId;
  readonly keyId: string;
}

/** Twelve digits, or undefined. */
export function parseAccountId(text: string): AccountId | undefined {
  return /^[0-9]{12}$/.test(text) ? (text as AccountId) : undefined;
}

/** An organization id (pattern from the Organizations API reference), or undefined. */
export function parseOrganizationId(text: string): OrganizationId | undefined {
  return /^o-[a-z0-9]{10,32}$/.test(text) ? (text as OrganizationId) : undefined;
}

const KEY_ARN = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):([0-9]{12}):key\/([A-Za-z0-9-]+)$/;

/** A key ARN, or undefined. Alias ARNs are not key ARNs. */
export function parseKeyArn(text: string): KeyArn | undefined {
  return KEY_ARN.test(text) ? (text as KeyArn) : undefined;
}

/** The parts of a key ARN that {@link parseKeyArn} has accepted. */
export function keyArnParts(arn: KeyArn): KeyArnParts {
  const m = KEY_ARN.exec(arn);
  if (m === null) throw new Error(`not a key ARN: ${arn}`);
  const [, partition = "", region = "", account = "", keyId = ""] = m;
  return { partition, region, account: account as AccountId, keyId };
}

/** Builds a key ARN from parts that were parsed before. */
export function makeKeyArn(p: KeyArnParts): KeyArn {
  return `arn:${p.partition}:kms:${p.region}:${p.account}:key/${p.keyId}` as KeyArn;
}

/** `kms:` and the name of an operation, as IAM writes it; or undefined. Whether AWS knows the action is not asked. */
export function parseKmsAction(text: string): ActionName | undefined {
  return /^kms:[A-Z][A-Za-z0-9]{1,63}$/.test(text) ? (text as ActionName) : undefined;
}

/** The partition that a Region belongs to. Source: AWS General Reference, "AWS service endpoints". */
export function partitionOfRegion(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  if (region.startsWith("us-iso-")) return "aws-iso";
  if (region.startsWith("us-isob-")) return "aws-iso-b";
  if (region.startsWith("eu-isoe-")) return "aws-iso-e";
  if (region.startsWith("us-isof-")) return "aws-iso-f";
  if (region.startsWith("eusc-")) return "aws-eusc";
  return "aws";
}

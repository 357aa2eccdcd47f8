import { allPages } from "../collect/paging.js";
import type { Asked, KeyDescription, KmsPort } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import { err, ok } from "../domain/result.js";
import { canonicalPolicy } from "../policy/canonical.js";
import { parsePolicy } from "../policy/parse.js";
import { sha256 } from "./journal/chain.js";

/** What a key has now. */
export interface LiveKey {
  readonly policy: string;
  readonly grants: readonly Grant[];
  /** Undefined: DescribeKey was denied. Nothing that apply decides needs it; assessments are less exact without. */
  readonly description: KeyDescription | undefined;
}

/** Reads what can be changed of a key. */
export async function readLive(kms: KmsPort, arn: string, signal: AbortSignal): Promise<Asked<LiveKey>> {
  // Side by side: neither depends on the other, and each is a way to another continent and back.
  const [policy, grants] = await Promise.all([
    kms.getKeyPolicy(arn, signal),
    allPages("kms:ListGrants", (marker) => kms.listGrants(arn, marker, signal)),
  ]);
  if (!policy.ok) return policy;
  if (policy.value === undefined) {
    const message = "The answer held no policy.";
    return err({ kind: "other", call: "kms:GetKeyPolicy", code: "NoPolicy", message });
  }
  if (!grants.ok) return grants;
  return ok({ policy: policy.value, grants: grants.value, description: undefined });
}

/** {@link readLive} with state and type of the key. A denial of these only makes answers less exact. */
export async function readDescribed(kms: KmsPort, arn: string, signal: AbortSignal): Promise<Asked<LiveKey>> {
  const [live, described] = await Promise.all([readLive(kms, arn, signal), kms.describeKey(arn, signal)]);
  return live.ok && described.ok ? ok({ ...live.value, description: described.value }) : live;
}

/**
 * The same bytes, or the same policy in another spelling: AWS does not promise to give back the bytes that were put.
 * A policy that is not wholly understood is only the same if its bytes are.
 */
export function samePolicy(a: string, b: string, arn: string): boolean {
  if (a === b) return true;
  const key = parseKeyArn(arn);
  const partition = key === undefined ? "aws" : keyArnParts(key).partition;
  const [left, right] = [a, b].map((text) => {
    const parsed = parsePolicy(text, { kind: "key", partition });
    const understood = parsed.policy !== undefined && parsed.diagnostics.every((d) => d.level === "warning");
    return understood && parsed.policy !== undefined ? canonicalPolicy(parsed.policy) : undefined;
  });
  return left !== undefined && left === right;
}

/** What a grant allows to whom: everything but what AWS chooses itself (id, date, issuing account). */
export function grantTerms(grant: Grant): string {
  const pairs = (map: Readonly<Record<string, string>> | undefined): unknown =>
    map === undefined || Object.keys(map).length === 0 ? null : Object.entries(map).sort();
  return JSON.stringify([
    grant.Name === undefined || grant.Name === "" ? null : grant.Name,
    grant.GranteePrincipal ?? null,
    grant.GranteeServicePrincipal ?? null,
    grant.RetiringPrincipal ?? null,
    grant.RetiringServicePrincipal ?? null,
    [...(grant.Operations ?? [])].sort(),
    pairs(grant.Constraints?.EncryptionContextSubset),
    pairs(grant.Constraints?.EncryptionContextEquals),
    grant.Constraints?.SourceArn ?? null,
  ]);
}

/** Whether the text has this digest. */
export function hasDigest(text: string, digest: string): boolean {
  return sha256(text) === digest;
}

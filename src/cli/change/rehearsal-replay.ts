import { type Replayed, replay } from "../../apply/replay.js";
import { keyArnParts, type KeyArn } from "../../domain/ids.js";
import { callerOf, serviceKeys } from "../../repair/observed.js";
import { emptyBlob } from "../../sandbox/ciphertext.js";
import { callerArn, principalArn } from "../../semantics/arn.js";
import type { EstateContext } from "../../snapshot/key-record.js";
import type { KeyLine } from "../../snapshot/lines.js";
import type { UsageEntry } from "../../usage/types.js";
import type { LocalAccessKeys, LocalCaller } from "./rehearsal-callers.js";

/** What an observed request comes to. */
export interface Tried {
  readonly answer: Replayed;
  /** The local KMS said it; false: the reference alone, since the local KMS has no call for it that changes nothing. */
  readonly sent: boolean;
}

/** Calls that change nothing, with what they need. `DryRun` stops KMS after it has decided who may. */
const CALLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  // Its ciphertext depends on the key.
  "kms:Decrypt": {},
  "kms:Encrypt": { Plaintext: "AA==", DryRun: true },
  "kms:GenerateDataKey": { KeySpec: "AES_256", DryRun: true },
  "kms:GenerateDataKeyWithoutPlaintext": { KeySpec: "AES_256", DryRun: true },
  "kms:DescribeKey": {},
  "kms:GetKeyPolicy": {},
  "kms:GetKeyRotationStatus": {},
  "kms:ListGrants": {},
  "kms:ListKeyPolicies": {},
  "kms:ListResourceTags": {},
};
const WITH_CONTEXT = /Decrypt|Encrypt|GenerateDataKey/;

/** The caller of an observed request, with what its requests carried; undefined where nobody is named. */
export function callerOfUse(entry: UsageEntry, key: KeyArn): LocalCaller | undefined {
  const { partition, region } = keyArnParts(key);
  const caller = callerOf(entry, partition);
  if (caller === undefined) return undefined;
  const { sourceNetwork } = entry;
  return {
    // A session as its role, whose path the ARN of a session does not have.
    arn: principalArn(caller) ?? callerArn(caller),
    context: {
      ...serviceKeys(entry, region),
      ...(sourceNetwork.kind === "vpc-endpoint" ? { "aws:SourceVpce": sourceNetwork.id } : {}),
    },
  };
}

/**
 * Tries an observed request. The reference says whether what CloudTrail shows decides it at all (addresses, tags and
 * values of an encryption context are not shown); if it does, the request goes over HTTP, as its caller.
 */
export async function tryUse(
  key: KeyArn,
  entry: UsageEntry,
  line: KeyLine,
  estate: EstateContext,
  at: { readonly url: string; readonly keys: LocalAccessKeys; readonly now: number },
): Promise<Tried> {
  const said = replay(entry, line, estate, at.now);
  const caller = callerOfUse(entry, key);
  const parameters = CALLS[entry.action];
  if (said === "unknown" || said === "untold" || caller === undefined || parameters === undefined) {
    return { answer: said, sent: false };
  }
  const context = Object.fromEntries(entry.contextKeys.map((name) => [name, "rehearsed"]));
  const body = {
    KeyId: key,
    ...parameters,
    ...(entry.action === "kms:Decrypt" ? { CiphertextBlob: emptyBlob(key).toString("base64") } : {}),
    ...(WITH_CONTEXT.test(entry.action) && entry.contextKeys.length > 0
      ? { EncryptionContext: context }
      : {}),
  };
  const answer = await send(at.url, at.keys.of(caller), keyArnParts(key).region, entry.action, body);
  return { answer, sent: true };
}

async function send(
  url: string,
  accessKey: string,
  region: string,
  action: string,
  body: unknown,
): Promise<"allow" | "deny"> {
  const scope = `${accessKey}/20260101/${region}/kms/aws4_request`;
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=00`,
      "x-amz-date": "20260101T000000Z",
      "x-amz-target": `TrentService.${action.slice("kms:".length)}`,
      "content-type": "application/x-amz-json-1.1",
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return response.ok || /"__type":"(DryRunOperation|InvalidCiphertext)Exception"/.test(text)
    ? "allow"
    : "deny";
}

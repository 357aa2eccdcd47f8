import { readBlob } from "./ciphertext.js";
import type { Call } from "./operations/operation.js";
import { arnIn } from "./operations/resolve.js";

/**
 * The ARN of the key that a request is about, as far as it can be told without judging the request; undefined where it
 * names none.
 */
export function faultTarget(call: Call): string | undefined {
  const named = ["KeyId", "TargetKeyId", "SourceKeyId"]
    .map((m) => call.input.peekText(m))
    .find((t) => t !== undefined);
  if (named === undefined) {
    const blob = call.input.peekText("CiphertextBlob");
    return blob === undefined ? undefined : readBlob(Buffer.from(blob, "base64"))?.arn;
  }
  const { account } = call.identity;
  const aliasArn = /^arn:[^:]*:kms:[^:]*:([0-9]{12}):(alias\/.+)$/.exec(named);
  if (named.startsWith("arn:") && aliasArn === null) return named;
  const owner = aliasArn?.[1] ?? account;
  if (owner === undefined) return undefined;
  const name = aliasArn?.[2] ?? named;
  if (!name.startsWith("alias/")) return arnIn(call, owner, `key/${name}`);
  const target = call.services.world.findAlias(owner, call.region, name);
  return target === undefined ? arnIn(call, owner, name) : arnIn(call, owner, `key/${target.targetKeyId}`);
}

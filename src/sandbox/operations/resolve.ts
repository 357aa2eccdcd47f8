import type { AccountId, ActionName } from "../../domain/ids.js";
import { parseAccountId, partitionOfRegion } from "../../domain/ids.js";
import { foreignKeyMissing } from "../access.js";
import { ServiceError, notFound } from "../errors.js";
import type { SandboxKey } from "../world/key.js";
import type { Call } from "./operation.js";

/** A key as a request named it. */
export interface Resolved {
  readonly key: SandboxKey;
  /** The alias that the request used (`alias/NAME`), for kms:RequestAlias. */
  readonly alias: string | undefined;
}

const ARN = /^arn:([^:]*):kms:([^:]*):([^:]*):(key|alias)\/(.+)$/;

/** The member of a request that names a key. */
export const KEY_ID = { min: 1, max: 2048 } as const;

/**
 * Finds the key that a request names: by id or alias in the caller's own account, or by the ARN of either. A key of
 * another account can be named by ARN only, and whether it exists is not told.
 * Source: KMS Developer Guide, "Key identifiers (KeyId)"; semantics.md, section 5.3.
 *
 * @param aliases whether the operation takes aliases.
 */
export function resolveKey(call: Call, text: string, action: ActionName, aliases: boolean): Resolved {
  if (text.startsWith("arn:")) return resolveArn(call, text, action, aliases);
  const account = call.identity.account;
  if (account === undefined) throw foreignKeyMissing(call.identity, action);
  if (text.startsWith("alias/")) {
    if (!aliases) throw notFound(`Invalid keyId '${text}'`);
    return resolveAlias(call, account, text);
  }
  if (!/^[A-Za-z0-9-]+$/.test(text)) throw notFound(`Invalid keyId '${text}'`);
  const key = call.services.world.vault(account, call.region).get(text);
  if (key === undefined) throw notFound(`Key '${arnIn(call, account, `key/${text}`)}' does not exist`);
  return { key, alias: undefined };
}

function resolveArn(call: Call, text: string, action: ActionName, aliases: boolean): Resolved {
  const [, partition = "", region = "", digits = "", type = "", name = ""] = ARN.exec(text) ?? [];
  const account = parseAccountId(digits);
  if (account === undefined) throw new ServiceError("InvalidArnException", `Invalid arn: ${text}`);
  if (region !== call.region || partition !== partitionOfRegion(region))
    throw notFound(`Invalid arn ${region}`);
  const own = account === call.identity.account;
  if (type === "alias") {
    if (!aliases) {
      throw new ServiceError("InvalidArnException", "Key Aliases are not supported for this operation");
    }
    if (!own && call.services.world.vault(account, region).aliases.get(`alias/${name}`) === undefined) {
      throw foreignKeyMissing(call.identity, action);
    }
    return resolveAlias(call, account, `alias/${name}`);
  }
  const key = call.services.world.vault(account, region).get(name);
  if (key !== undefined) return { key, alias: undefined };
  throw own ? notFound(`Key '${text}' does not exist`) : foreignKeyMissing(call.identity, action);
}

function resolveAlias(call: Call, account: AccountId, name: string): Resolved {
  const vault = call.services.world.vault(account, call.region);
  const alias = vault.aliases.get(name);
  const key = alias === undefined ? undefined : vault.get(alias.targetKeyId);
  if (key === undefined) throw notFound(`Alias ${arnIn(call, account, name)} is not found.`);
  return { key, alias: name };
}

/** The ARN of a key or alias of an account in the Region of the call. */
export function arnIn(call: Call, account: string, resource: string): string {
  return `arn:${partitionOfRegion(call.region)}:kms:${call.region}:${account}:${resource}`;
}

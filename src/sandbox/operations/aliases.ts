import type { AccountId } from "../../domain/ids.js";
import { ServiceError, invalid, notFound } from "../errors.js";
import { requireState } from "../key-state.js";
import { PAGE_LIMITS } from "../paging.js";
import type { Alias } from "../world/aliases.js";
import type { SandboxKey } from "../world/key.js";
import { refuseAwsManaged } from "./changeable.js";
import { type Call, type JsonObject, type Operation, accountLevel, keyAction, seconds } from "./operation.js";
import { KEY_ID, arnIn, resolveKey } from "./resolve.js";

/** Aliases that one key can have. Source: KMS Developer Guide, "Resource quotas". */
const MAX_ALIASES = 50;
const ALIAS_NAME = { min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ } as const;

/** ListAliases of the caller's account in the Region, or of one of its keys. */
export const listAliases: Operation = (call) => {
  const account = accountLevel(call, "ListAliases");
  const keyId = call.input.optionalString("KeyId", KEY_ID);
  const vault = call.services.world.vault(account, call.region);
  const key = keyId === undefined ? undefined : ownKey(call, account, keyId);
  const page = call.services.pager.page(
    call.input,
    PAGE_LIMITS.ListAliases,
    `ListAliases/${account}/${call.region}/${key?.keyId ?? ""}`,
    vault.aliases.list(key?.keyId),
    (alias) => alias.name,
  );
  return {
    Aliases: page.items.map(
      (alias): JsonObject => ({
        AliasName: alias.name,
        AliasArn: arnIn(call, account, alias.name),
        TargetKeyId: alias.targetKeyId,
        CreationDate: seconds(alias.createdAt),
        LastUpdatedDate: seconds(alias.updatedAt),
      }),
    ),
    ...page.end,
  };
};

/** A key that ListAliases filters by; no right on the key is needed. */
function ownKey(call: Call, account: AccountId, keyId: string): SandboxKey {
  const { key } = resolveKey(call, keyId, keyAction("DescribeKey"), false);
  if (key.account !== account) throw notFound(`Key '${keyId}' does not exist`);
  return key;
}

/** CreateAlias: a permission on the alias (IAM) and on the key. */
export const createAlias: Operation = (call) => {
  const name = aliasName(call);
  const account = onAlias(call, "CreateAlias", name);
  const key = target(call, "CreateAlias");
  const { aliases } = call.services.world.vault(account, call.region);
  if (aliases.get(name) !== undefined) {
    throw new ServiceError(
      "AlreadyExistsException",
      `An alias with the name ${arnIn(call, account, name)} already exists`,
    );
  }
  requireRoom(call, key);
  aliases.set({ name, targetKeyId: key.keyId, createdAt: call.now, updatedAt: call.now });
  return undefined;
};

/** UpdateAlias: permissions on the alias, on the key that it leaves, and on the key that it goes to. */
export const updateAlias: Operation = (call) => {
  const name = aliasName(call);
  const account = onAlias(call, "UpdateAlias", name);
  const { alias, key: old } = existing(call, account, name);
  call.services.access.require(call.identity, keyAction("UpdateAlias"), old, call.now);
  const key = target(call, "UpdateAlias");
  if (key.usage !== old.usage || key.symmetricEncryption !== old.symmetricEncryption) {
    throw invalid(
      `The current and the new key of ${name} must be of the same type and have the same key usage.`,
    );
  }
  if (key !== old) requireRoom(call, key);
  const { aliases } = call.services.world.vault(account, call.region);
  aliases.set({ ...alias, targetKeyId: key.keyId, updatedAt: call.now });
  return undefined;
};

/** DeleteAlias: permissions on the alias and on its key. */
export const deleteAlias: Operation = (call) => {
  const name = aliasName(call);
  const account = onAlias(call, "DeleteAlias", name);
  const { key } = existing(call, account, name);
  call.services.access.require(call.identity, keyAction("DeleteAlias"), key, call.now);
  call.services.world.vault(account, call.region).aliases.delete(name);
  return undefined;
};

function aliasName(call: Call): string {
  const name = call.input.string("AliasName", ALIAS_NAME);
  if (!name.startsWith("alias/") || name === "alias/") {
    throw invalid(`Alias must start with the prefix "alias/".`);
  }
  if (name.startsWith("alias/aws/")) {
    throw new ServiceError(
      "NotAuthorizedException",
      "The prefix alias/aws/ is reserved for AWS managed keys.",
    );
  }
  return name;
}

function onAlias(call: Call, operation: string, name: string): AccountId {
  const { account } = call.identity;
  return accountLevel(call, operation, account === undefined ? name : arnIn(call, account, name));
}

/** The key that an alias is to name: of the caller's account, and not one that AWS manages. */
function target(call: Call, operation: string): SandboxKey {
  const { key } = resolveKey(call, call.input.string("TargetKeyId", KEY_ID), keyAction(operation), false);
  call.services.access.require(call.identity, keyAction(operation), key, call.now);
  refuseAwsManaged(call, key, operation);
  // The key that an alias goes to must be alive, whichever operation points it there.
  requireState(key, keyAction("CreateAlias"));
  return key;
}

function existing(
  call: Call,
  account: AccountId,
  name: string,
): { readonly alias: Alias; readonly key: SandboxKey } {
  const vault = call.services.world.vault(account, call.region);
  const alias = vault.aliases.get(name);
  const key = alias === undefined ? undefined : vault.get(alias.targetKeyId);
  if (alias === undefined || key === undefined) {
    throw notFound(`Alias ${arnIn(call, account, name)} is not found.`);
  }
  return { alias, key };
}

function requireRoom(call: Call, key: SandboxKey): void {
  if (call.services.world.vault(key.account, key.region).aliases.list(key.keyId).length < MAX_ALIASES) return;
  throw new ServiceError(
    "LimitExceededException",
    `${key.arn} has ${MAX_ALIASES} aliases, the most that a key can have.`,
  );
}

import type { Grant } from "../../domain/grant.js";
import { parsePrincipal } from "../../semantics/arn.js";
import { ServiceError, invalid, notFound } from "../errors.js";
import { PAGE_LIMITS } from "../paging.js";
import { compare } from "../world/grants.js";
import type { SandboxKey } from "../world/key.js";
import { refuseDryRun } from "./dry-run.js";
import { type Call, type JsonObject, type Operation, accountLevel, keyAction, seconds } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";

const PRINCIPAL = { min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ } as const;
const GRANT_ID = { min: 1, max: 128 } as const;
const NOT_FOR_AWS = { "kms:GrantIsForAWSResource": "false" } as const;

/** ListGrants, of own keys and of keys of other accounts. Shows the former state for a while after a change. */
export const listGrants: Operation = (call) => {
  const { input, services } = call;
  const grantId = input.optionalString("GrantId", GRANT_ID);
  const grantee = input.optionalString("GranteePrincipal", PRINCIPAL);
  const { key } = resolveKey(call, input.string("KeyId", KEY_ID), keyAction("ListGrants"), false);
  services.access.require(call.identity, keyAction("ListGrants"), key, call.now, { context: NOT_FOR_AWS });
  if (input.has("GranteeServicePrincipal")) requireService(call, "kms:ListGrants");
  const service = input.optionalString("GranteeServicePrincipal", PRINCIPAL);
  if (grantee !== undefined && service !== undefined) {
    throw invalid("You can specify either GranteePrincipal or GranteeServicePrincipal, but not both.");
  }
  if (key.grantsUnreadable !== undefined) {
    const { code, message } = key.grantsUnreadable;
    throw new ServiceError(code, message ?? code, 400, "the snapshot could not read these grants");
  }
  const unfiltered = grantId === undefined && grantee === undefined && service === undefined;
  const grants = key.grants.at(call.now - call.staleMs);
  const page = services.pager.page(
    input,
    PAGE_LIMITS.ListGrants,
    `ListGrants/${key.arn}/${grantId ?? ""}/${grantee ?? ""}/${service ?? ""}`,
    unfiltered
      ? grants
      : grants.filter(
          (g) =>
            (grantId === undefined || g.GrantId === grantId) &&
            (grantee === undefined || g.GranteePrincipal === grantee) &&
            (service === undefined || g.GranteeServicePrincipal === service),
        ),
    (g) => g.GrantId,
  );
  return { Grants: page.items.map((g) => entry(key, g)), ...page.end };
};

/**
 * ListRetirableGrants: grants of any account in the Region that name a retiring principal of the caller's account. No
 * right on the keys is needed.
 */
export const listRetirableGrants: Operation = (call) => {
  const { input, services } = call;
  if (input.has("RetiringServicePrincipal")) requireService(call, "kms:ListRetirableGrants");
  const principal = input.string("RetiringPrincipal", PRINCIPAL);
  const parsed = parsePrincipal(principal);
  if (parsed === undefined || !("account" in parsed)) {
    throw new ServiceError("InvalidArnException", `ARN does not refer to a valid principal: ${principal}`);
  }
  const account = accountLevel(call, "ListRetirableGrants", principal);
  if (parsed.account !== account) {
    throw invalid("The retiring principal must be in your AWS account.");
  }
  const found = [...services.world.keys()]
    .filter((key) => key.region === call.region)
    .flatMap((key) =>
      key.grants.active.filter((g) => g.RetiringPrincipal === principal).map((grant) => ({ key, grant })),
    )
    .map((item) => ({ ...item, id: `${item.grant.GrantId}/${item.key.arn}` }))
    .sort((a, b) => compare(a.id, b.id));
  const page = services.pager.page(
    input,
    PAGE_LIMITS.ListRetirableGrants,
    `ListRetirableGrants/${call.region}/${principal}`,
    found,
    (item) => item.id,
  );
  return { Grants: page.items.map((item) => entry(item.key, item.grant)), ...page.end };
};

/** RevokeGrant. */
export const revokeGrant: Operation = (call) => {
  const grantId = call.input.string("GrantId", GRANT_ID);
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("RevokeGrant"), false);
  call.services.access.require(call.identity, keyAction("RevokeGrant"), key, call.now, {
    context: NOT_FOR_AWS,
  });
  requireGrant(key, grantId);
  refuseDryRun(call.input);
  key.grants.remove(grantId, call.now);
  return undefined;
};

/** RetireGrant, by token or by key and grant id. The grant itself says who may. */
export const retireGrant: Operation = (call) => {
  const { key, grantId } = retired(call);
  requireGrant(key, grantId);
  call.services.access.require(call.identity, keyAction("RetireGrant"), key, call.now, { grantId });
  refuseDryRun(call.input);
  key.grants.remove(grantId, call.now);
  return undefined;
};

function retired(call: Call): { readonly key: SandboxKey; readonly grantId: string } {
  const token = call.input.optionalString("GrantToken", { min: 1, max: 8192 });
  const grantId = call.input.optionalString("GrantId", GRANT_ID);
  if (token !== undefined) {
    const reference = call.services.grantTokens.resolve(token);
    const key = call.services.world.key(reference.key);
    if (key === undefined) throw new Error(`a token's key is gone: ${reference.key}`);
    if (key.region !== call.region)
      throw new ServiceError("InvalidGrantTokenException", "Invalid grant token");
    return { key, grantId: reference.grantId };
  }
  if (grantId === undefined) throw invalid("Specify either a grant token, or a grant ID and a key ARN.");
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("RetireGrant"), false);
  return { key, grantId };
}

function requireGrant(key: SandboxKey, grantId: string): void {
  if (key.grants.get(grantId) === undefined) throw notFound(`Grant ID ${grantId} not found`);
}

function requireService(call: Call, action: string): void {
  if (call.identity.caller.kind === "service") return;
  throw new ServiceError(
    "AccessDeniedException",
    `User: ${call.identity.arn} is not authorized to perform: ${action} with a filter for service principals`,
  );
}

/** GrantListEntry of the API. */
function entry(key: SandboxKey, grant: Grant): JsonObject {
  const created = grant.CreationDate === undefined ? Number.NaN : Date.parse(grant.CreationDate);
  return {
    KeyId: key.arn,
    GrantId: grant.GrantId,
    Name: grant.Name,
    CreationDate: Number.isNaN(created) ? undefined : seconds(created),
    GranteePrincipal: grant.GranteePrincipal,
    GranteeServicePrincipal: grant.GranteeServicePrincipal,
    RetiringPrincipal: grant.RetiringPrincipal,
    RetiringServicePrincipal: grant.RetiringServicePrincipal,
    IssuingAccount: grant.IssuingAccount,
    Operations: grant.Operations,
    Constraints:
      grant.Constraints === undefined
        ? undefined
        : {
            EncryptionContextEquals: grant.Constraints.EncryptionContextEquals,
            EncryptionContextSubset: grant.Constraints.EncryptionContextSubset,
            SourceArn: grant.Constraints.SourceArn,
          },
  };
}

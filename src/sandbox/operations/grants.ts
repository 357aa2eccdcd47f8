import type { Grant, GrantConstraints } from "../../domain/grant.js";
import type { Context } from "../../semantics/request.js";
import { KMS_KEY_ACTIONS, suitsKey } from "../../semantics/actions.js";
import { parsePrincipal } from "../../semantics/arn.js";
import { ServiceError, invalid } from "../errors.js";
import type { Input } from "../input.js";
import { requireState } from "../key-state.js";
import { newGrantId } from "../world/grants.js";
import type { SandboxKey } from "../world/key.js";
import { refuseDryRun } from "./dry-run.js";
import { type Operation, keyAction } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";

/** Grants that one key can have. Source: KMS Developer Guide, "Resource quotas". */
const MAX_GRANTS = 50_000;

const PRINCIPAL = { min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ } as const;
const SERVICE = {
  min: 1,
  max: 128,
  pattern: /^([A-Za-z0-9-]+)\.([A-Za-z0-9-]+)(\.[A-Za-z0-9-]+)+$/,
} as const;
const NAME = { min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ } as const;
const SOURCE_ARN = {
  min: 20,
  max: 512,
  pattern: /^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$/,
} as const;

const GRANTABLE = KMS_KEY_ACTIONS.filter((a) => a.grantable);
const OPERATION_NAMES = GRANTABLE.map((a) => a.name.slice("kms:".length));

/** What a new grant is to hold. */
type NewGrant = Omit<Grant, "GrantId" | "KeyId" | "CreationDate" | "IssuingAccount">;

/** CreateGrant. The same request with the same name gets the grant that is there already. */
export const createGrant: Operation = (call) => {
  const { services, identity } = call;
  const wanted = readGrant(call.input);
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("CreateGrant"), false);
  services.grantTokens.check(call.input.strings("GrantTokens"));
  const constraints = wanted.Constraints;
  services.access.require(identity, keyAction("CreateGrant"), key, call.now, {
    context: grantContext(wanted),
    encryptionContext: constraints?.EncryptionContextEquals ?? constraints?.EncryptionContextSubset ?? {},
  });
  requireState(key, keyAction("CreateGrant"));
  requireSuitable(key, wanted);
  refuseDryRun(call.input);
  const issuer =
    identity.account === undefined
      ? identity.arn
      : `arn:${key.parts.partition}:iam::${identity.account}:root`;
  const existing =
    wanted.Name === undefined
      ? undefined
      : key.grants.active.find((g) => g.IssuingAccount === issuer && sameGrant(g, wanted));
  const grant: Grant = existing ?? {
    ...wanted,
    GrantId: newGrantId(),
    KeyId: key.arn,
    IssuingAccount: issuer,
    CreationDate: new Date(call.now).toISOString(),
  };
  if (existing === undefined) {
    if (key.grants.active.length >= MAX_GRANTS) {
      throw new ServiceError(
        "LimitExceededException",
        `${key.arn} has ${MAX_GRANTS} grants, the most that a key can have.`,
      );
    }
    key.grants.add(grant, call.now);
  }
  return {
    GrantId: grant.GrantId,
    GrantToken: services.grantTokens.issue({ key: key.arn, grantId: grant.GrantId }),
  };
};

function readGrant(input: Input): NewGrant {
  const grantee = input.optionalString("GranteePrincipal", PRINCIPAL);
  const granteeService = input.optionalString("GranteeServicePrincipal", SERVICE);
  const retiring = input.optionalString("RetiringPrincipal", PRINCIPAL);
  const retiringService = input.optionalString("RetiringServicePrincipal", SERVICE);
  const constraints = readConstraints(input.structure("Constraints"));
  const operations = input.strings("Operations", { oneOf: OPERATION_NAMES });
  const name = input.optionalString("Name", NAME);
  if (operations === undefined || operations.length === 0) {
    throw invalid(
      "1 validation error detected: Value null at 'operations' failed to satisfy constraint: Member must not be null",
    );
  }
  if ((grantee === undefined) === (granteeService === undefined)) {
    throw invalid("You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.");
  }
  if (retiring !== undefined && retiringService !== undefined) {
    throw invalid("You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.");
  }
  if (granteeService !== undefined && constraints?.SourceArn === undefined) {
    throw invalid("A grant with a GranteeServicePrincipal must have a SourceArn constraint.");
  }
  if (granteeService !== undefined && retiring === undefined && retiringService === undefined) {
    throw invalid("A grant with a GranteeServicePrincipal must have a retiring principal.");
  }
  for (const principal of [grantee, retiring]) requirePrincipal(principal);
  return {
    ...(grantee === undefined ? {} : { GranteePrincipal: grantee }),
    ...(granteeService === undefined ? {} : { GranteeServicePrincipal: granteeService }),
    ...(retiring === undefined ? {} : { RetiringPrincipal: retiring }),
    ...(retiringService === undefined ? {} : { RetiringServicePrincipal: retiringService }),
    ...(name === undefined ? {} : { Name: name }),
    Operations: [...new Set(operations)],
    ...(constraints === undefined ? {} : { Constraints: constraints }),
  };
}

/** Accounts, users, roles, sessions and federated users, by ARN. */
function requirePrincipal(text: string | undefined): void {
  if (text === undefined) return;
  const kind = text.startsWith("arn:") ? parsePrincipal(text)?.kind : undefined;
  if (kind !== undefined && kind !== "service" && kind !== "unique-id") return;
  throw new ServiceError("InvalidArnException", `ARN does not refer to a valid principal: ${text}`);
}

function readConstraints(input: Input | undefined): GrantConstraints | undefined {
  if (input === undefined) return undefined;
  const equals = input.stringMap("EncryptionContextEquals");
  const subset = input.stringMap("EncryptionContextSubset");
  const source = input.optionalString("SourceArn", SOURCE_ARN);
  for (const pairs of [equals, subset]) requirePairs(pairs);
  if (equals !== undefined && subset !== undefined) {
    throw invalid("A grant can have one encryption context constraint only.");
  }
  const constraints = {
    ...(equals === undefined ? {} : { EncryptionContextEquals: equals }),
    ...(subset === undefined ? {} : { EncryptionContextSubset: subset }),
    ...(source === undefined ? {} : { SourceArn: source }),
  };
  return Object.keys(constraints).length === 0 ? undefined : constraints;
}

/** Up to 8 pairs, values up to 384 characters. Source: KMS API reference, GrantConstraints. */
function requirePairs(pairs: Readonly<Record<string, string>> | undefined): void {
  if (pairs === undefined) return;
  const values = Object.values(pairs);
  if (values.length > 8) throw invalid("A grant constraint can have at most 8 encryption context pairs.");
  if (values.some((v) => v.length > 384)) {
    throw invalid("A value in an encryption context constraint can have at most 384 characters.");
  }
}

/** The operations suit the type of key, and encryption context constraints a symmetric key. */
function requireSuitable(key: SandboxKey, wanted: NewGrant): void {
  const unfit = (wanted.Operations ?? []).filter((name) => {
    const facts = GRANTABLE.find((a) => a.name === `kms:${name}`);
    return facts === undefined || !suitsKey(facts, key.usage, key.spec);
  });
  if (unfit.length > 0) {
    throw invalid(
      `The operations ${unfit.join(", ")} are not valid for a key with usage ${key.usage} and spec ${key.spec}.`,
    );
  }
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = wanted.Constraints ?? {};
  if ((equals !== undefined || subset !== undefined) && !key.symmetricEncryption) {
    throw invalid("Encryption context constraints are valid for symmetric encryption keys only.");
  }
}

/** The condition keys of a CreateGrant request. Source: KMS Developer Guide, "AWS KMS condition keys". */
function grantContext(wanted: NewGrant): Context {
  const constraints = wanted.Constraints ?? {};
  const type =
    constraints.EncryptionContextEquals !== undefined
      ? "EncryptionContextEquals"
      : constraints.EncryptionContextSubset !== undefined
        ? "EncryptionContextSubset"
        : undefined;
  const keys: Readonly<Record<string, string | readonly string[] | undefined>> = {
    "kms:GrantIsForAWSResource": "false",
    "kms:GrantOperations": wanted.Operations,
    "kms:GranteePrincipal": wanted.GranteePrincipal,
    "kms:GranteeServicePrincipal": wanted.GranteeServicePrincipal,
    "kms:RetiringPrincipal": wanted.RetiringPrincipal,
    "kms:RetiringServicePrincipal": wanted.RetiringServicePrincipal,
    "kms:GrantConstraintType": type,
    "kms:GrantConstraintSourceArn": constraints.SourceArn,
  };
  return Object.fromEntries(
    Object.entries(keys).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

function sameGrant(grant: Grant, wanted: NewGrant): boolean {
  return JSON.stringify(canonical(grant)) === JSON.stringify(canonical(wanted));
}

function canonical(g: NewGrant): readonly unknown[] {
  const pairs = (map: Readonly<Record<string, string>> | undefined): unknown =>
    map === undefined ? null : Object.entries(map).sort();
  return [
    g.Name ?? null,
    g.GranteePrincipal ?? null,
    g.GranteeServicePrincipal ?? null,
    g.RetiringPrincipal ?? null,
    g.RetiringServicePrincipal ?? null,
    [...(g.Operations ?? [])].sort(),
    pairs(g.Constraints?.EncryptionContextEquals),
    pairs(g.Constraints?.EncryptionContextSubset),
    g.Constraints?.SourceArn ?? null,
  ];
}

import type { KeyFacts } from "../domain/key.js";
import { actionFacts } from "./actions.js";
import { encryptionContextOf } from "./derive-context.js";
import { quoted, soleValue, statedValues, type ExplicitKeys } from "./explicit-context.js";
import type { AccessRequest } from "./request.js";

/** What cannot be true of the parameters of a request. */
export function parameterInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
): string[] {
  return [
    ...strangeParameters(request, keys),
    ...encryptionContextInconsistencies(request, facts, keys),
    ...algorithmInconsistencies(facts, keys),
    ...aliasForm(keys),
  ];
}

/** Every request parameter must be one that the action has. */
function strangeParameters(request: AccessRequest, keys: ExplicitKeys): string[] {
  const action = actionFacts(request.action);
  if (action === undefined) return [];
  const carried = (group: string): boolean => action.keyGroups.some((g) => g === group);
  const explicit = [...keys.values()]
    .filter((k) => k.facts?.group !== undefined && k.values.length > 0 && !carried(k.facts.group))
    .map((k) => `${k.name} is no parameter of ${action.name}`);
  const given = Object.keys(request.encryptionContext ?? {}).length > 0 && !carried("encryption-context");
  return given ? [...explicit, `${action.name} takes no encryption context`] : explicit;
}

/** kms:EncryptionContextKeys lists exactly the keys of the encryption context, which only symmetric keys have. */
function encryptionContextInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
): string[] {
  const pairs = Object.keys(encryptionContextOf(request));
  const listed = keys.get("kms:encryptioncontextkeys");
  const asymmetric = facts.spec !== undefined && facts.spec !== "SYMMETRIC_DEFAULT";
  const group = [...keys.values()].filter(
    (k) => k.facts?.group === "encryption-context" && k.values.length > 0,
  );
  const there = pairs.length > 0 || group.length > 0;
  return [
    ...(there && asymmetric ? ["only symmetric encryption keys take an encryption context"] : []),
    ...(listed !== undefined && !sameNames(listed.values, pairs)
      ? ["kms:EncryptionContextKeys does not list the keys of the encryption context"]
      : []),
    ...contradictedPairs(request, keys),
  ];
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const lower = (names: readonly string[]): string[] =>
    [...new Set(names.map((name) => name.toLowerCase()))].sort();
  return JSON.stringify(lower(left)) === JSON.stringify(lower(right));
}

/** A pair that is given as encryption context and as condition key must be the same. */
function contradictedPairs(request: AccessRequest, keys: ExplicitKeys): string[] {
  return Object.entries(request.encryptionContext ?? {}).flatMap(([name, value]) => {
    const stated = keys.get(`kms:encryptioncontext:${name.toLowerCase()}`);
    if (stated === undefined || stated.values.includes(value)) return [];
    return [`${stated.name} contradicts the encryption context`];
  });
}

/** A symmetric encryption key has one algorithm. Source: KMS API reference, Encrypt, EncryptionAlgorithm. */
function algorithmInconsistencies(facts: KeyFacts, keys: ExplicitKeys): string[] {
  const stated = keys.get("kms:encryptionalgorithm");
  if (stated === undefined || facts.spec === undefined) return [];
  const symmetric = facts.spec === "SYMMETRIC_DEFAULT";
  return stated.values.length === 1 &&
    stated.values.every((value) => (value === "SYMMETRIC_DEFAULT") === symmetric)
    ? []
    : [`kms:EncryptionAlgorithm is not one of a key of the spec ${facts.spec}`];
}

/** The key holds the name of an alias, also where the request gives its ARN. */
function aliasForm(keys: ExplicitKeys): string[] {
  const alias = soleValue(keys, "kms:RequestAlias");
  const wrong =
    alias === undefined || alias.startsWith("alias/")
      ? []
      : [`kms:RequestAlias ${quoted(alias)} is no alias name`];
  return statedValues(keys, "kms:RequestAlias").length > 1 ? [] : wrong;
}

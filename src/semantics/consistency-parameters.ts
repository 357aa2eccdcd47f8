import type { KeyFacts } from "../domain/key.js";
import { actionFacts } from "./actions.js";
import { encryptionContextOf } from "./derive-context.js";
import { quoted, soleValue, type ExplicitKeys } from "./explicit-context.js";
import type { AccessRequest } from "./request.js";

/** What cannot be true of the parameters of a request. */
export function parameterInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
  found: string[],
): void {
  strangeParameters(request, keys, found);
  encryptionContextInconsistencies(request, facts, keys, found);
  algorithmInconsistencies(facts, keys, found);
  aliasForm(keys, found);
}

/** Every request parameter must be one that the action has. Source: KMS API reference, request parameters (text of 2026). */
function strangeParameters(request: AccessRequest, keys: ExplicitKeys, found: string[]): void {
  const action = actionFacts(request.action);
  if (action === undefined) return;
  const carried = (group: string): boolean => action.keyGroups.some((g) => g === group);
  for (const { facts, values, name } of keys.values()) {
    if (facts?.group !== undefined && values.length > 0 && !carried(facts.group)) {
      found.push(`${name} is no parameter of ${action.name}`);
    }
    // Algorithms, specs, types, operations and aliases are one of a list, or have one character at least.
    const named =
      facts?.group !== undefined && facts.group !== "encryption-context" && facts.name.startsWith("kms:");
    if (named && values.includes("")) found.push(`${name} is never empty`);
  }
  const { encryptionContext } = request;
  if (encryptionContext === undefined || carried("encryption-context")) return;
  if (Object.keys(encryptionContext).length > 0) found.push(`${action.name} takes no encryption context`);
}

/** kms:EncryptionContextKeys lists exactly the keys of the encryption context, which only symmetric keys have. */
function encryptionContextInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
  found: string[],
): void {
  const listed = keys.get("kms:encryptioncontextkeys");
  let there = Object.keys(request.encryptionContext ?? {}).length > 0;
  for (const k of keys.values()) {
    if (k.facts?.group === "encryption-context" && k.values.length > 0) there = true;
  }
  if (there && facts.spec !== undefined && facts.spec !== "SYMMETRIC_DEFAULT") {
    found.push("only symmetric encryption keys take an encryption context");
  }
  if (listed !== undefined && !sameNames(listed.values, Object.keys(encryptionContextOf(request)))) {
    found.push("kms:EncryptionContextKeys does not list the keys of the encryption context");
  }
  contradictedPairs(request, keys, found);
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const lower = (names: readonly string[]): string[] =>
    [...new Set(names.map((name) => name.toLowerCase()))].sort();
  return JSON.stringify(lower(left)) === JSON.stringify(lower(right));
}

/** A pair that is given as encryption context and as condition key must be the same. */
function contradictedPairs(request: AccessRequest, keys: ExplicitKeys, found: string[]): void {
  if (request.encryptionContext === undefined || keys.size === 0) return;
  for (const [name, value] of Object.entries(request.encryptionContext)) {
    const stated = keys.get(`kms:encryptioncontext:${name.toLowerCase()}`);
    if (stated !== undefined && !stated.values.includes(value)) {
      found.push(`${stated.name} contradicts the encryption context`);
    }
  }
}

/** A symmetric key has one algorithm. Of others there may be more than the documentation lists: a doubt. */
function algorithmInconsistencies(facts: KeyFacts, keys: ExplicitKeys, found: string[]): void {
  const stated = keys.get("kms:encryptionalgorithm");
  if (stated === undefined || facts.spec === undefined) return;
  const symmetric = facts.spec === "SYMMETRIC_DEFAULT";
  const fits =
    stated.values.length === 1 && stated.values.every((v) => (v === "SYMMETRIC_DEFAULT") === symmetric);
  if (!fits) found.push(`kms:EncryptionAlgorithm is not one of a key of the spec ${facts.spec}`);
}

/** The key holds the name of an alias, also where the request gives its ARN. */
function aliasForm(keys: ExplicitKeys, found: string[]): void {
  const alias = soleValue(keys, "kms:requestalias");
  // A name has at least one character. Source: KMS API reference, CreateAlias.
  if (alias !== undefined && !/^alias\/./s.test(alias)) {
    found.push(`kms:RequestAlias ${quoted(alias)} is no alias name`);
  }
}

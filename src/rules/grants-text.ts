import type { GrantConstraints } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";

const GRANT_ID = /^[0-9a-f]{64}$/;

/** A resource id as services write it into the encryption context of a grant, such as `vol-0123456789abcdef0`. */
const RESOURCE_ID = /^[a-z]+-[0-9a-f]{12,32}$/;
/** An id that could be taken for an account. */
const LIKE_ACCOUNT = /(?<![0-9])[0-9]{12}(?![0-9])/;
const ASKS_FOR_CONTEXT = /encryptioncontext|\\/i;

/** What grants say, as far as it decides anything. */
export interface GrantsText {
  readonly text: string;
  /** As in the `KeyNames` of a likeness. */
  readonly opaque: readonly string[];
}

/** Grants as far as they decide anything, their ids numbered; undefined where an id has an unusual form. */
export function grantsText(record: KeyRecord, policyText: string, places: string): GrantsText | undefined {
  const { grants } = record;
  // Of some the ids are not numbered: no two keys have the same.
  if (grants.kind === "unreadable" && grants.part !== undefined) return undefined;
  if (grants.kind !== "present") return { text: JSON.stringify(grants), opaque: [] };
  if (grants.value.length === 0) return { text: "[]", opaque: [] };
  // A long list is not repeated elsewhere.
  if (grants.value.length > 50) return undefined;
  const opaque = grants.value.map((g) => g.GrantId);
  if (!opaque.every((id) => GRANT_ID.test(id)) || new Set(opaque).size !== opaque.length) return undefined;
  const documents = [policyText, places, ...record.resourceControlPolicies];
  const contextAsked = documents.some((t) => ASKS_FOR_CONTEXT.test(t));
  const bound = (pairs: Readonly<Record<string, string>> | undefined): unknown =>
    contextAsked || pairs === undefined
      ? pairs
      : Object.entries(pairs).map(([name, value]) => {
          if (!RESOURCE_ID.test(value) || LIKE_ACCOUNT.test(value)) return [name, value];
          const known = opaque.indexOf(value);
          return [name, known === -1 ? opaque.push(value) - 1 : known];
        });
  const decisive = grants.value.map((g) => [
    g.GranteePrincipal,
    g.GranteeServicePrincipal,
    g.RetiringPrincipal,
    g.RetiringServicePrincipal,
    g.IssuingAccount,
    g.Operations,
    g.Constraints === undefined ? undefined : { ...g.Constraints, ...boundPairs(g.Constraints, bound) },
  ]);
  const text = JSON.stringify(decisive);
  return opaque.some((id) => text.includes(id) || documents.some((t) => t.includes(id)))
    ? undefined
    : { text, opaque };
}

function boundPairs(
  constraints: GrantConstraints,
  bound: (pairs: Readonly<Record<string, string>> | undefined) => unknown,
): Readonly<Record<string, unknown>> {
  return {
    EncryptionContextSubset: bound(constraints.EncryptionContextSubset),
    EncryptionContextEquals: bound(constraints.EncryptionContextEquals),
  };
}

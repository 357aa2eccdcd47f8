import { createHash } from "node:crypto";
import type { Grant } from "../domain/grant.js";

/** SHA-256 of a text's UTF-8 bytes, in lower-case hexadecimal. */
export function textDigest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/**
 * SHA-256 of what a key's grants say: id, name, principals, issuing account, operations and constraints, in an order
 * that does not depend on how ListGrants pages them. Left out: `KeyId`, which is the same for all, and `CreationDate`,
 * which the id implies and different readers spell differently.
 */
export function grantsDigest(grants: readonly Grant[]): string {
  const lines = grants.map((g) =>
    JSON.stringify([
      g.GrantId,
      g.Name ?? null,
      g.GranteePrincipal ?? null,
      g.GranteeServicePrincipal ?? null,
      g.RetiringPrincipal ?? null,
      g.RetiringServicePrincipal ?? null,
      g.IssuingAccount ?? null,
      g.Operations === undefined ? null : [...g.Operations].sort(),
      pairs(g.Constraints?.EncryptionContextSubset),
      pairs(g.Constraints?.EncryptionContextEquals),
      g.Constraints?.SourceArn ?? null,
    ]),
  );
  return textDigest(lines.sort().join("\n"));
}

function pairs(record: Readonly<Record<string, string>> | undefined): unknown {
  if (record === undefined) return null;
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

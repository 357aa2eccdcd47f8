import { readFile } from "node:fs/promises";
import type { Connection } from "../../aws/connect.js";
import type { Scope } from "../../collect/collect.js";
import { parseAccountId } from "../../domain/ids.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import type { ScanFlags, ScopeFlags } from "./flags.js";

/** Which accounts to scan, the file of accounts read. Throws KeywardError for what is no account id. */
export type ResolvedScope =
  | Exclude<ScopeFlags, { kind: "accounts" }>
  | { readonly kind: "accounts"; readonly ids: readonly string[] };

/** Reads `--accounts`, which is a list or a file. */
export async function resolveScope(scope: ScopeFlags): Promise<ResolvedScope> {
  if (scope.kind !== "accounts") return scope;
  const { text } = scope;
  if (/^[0-9,\s]+$/.test(text)) {
    const ids = text.split(",").map((id) => id.trim());
    const named = ids.filter((id) => id !== "").map((id) => checked(id, "--accounts"));
    if (named.length === 0) throw noAccount("--accounts");
    return { kind: "accounts", ids: named };
  }
  let content: string;
  try {
    content = await readFile(text, "utf8");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new KeywardError({
      what: "the file of accounts cannot be read",
      where: text,
      got: error.message,
      next: "name a file with an account id on each line, or give ids separated by commas",
    });
  }
  const ids = content.split(/\r?\n/).flatMap((line, i) => {
    const id = line.replace(/#.*$/, "").trim();
    return id === "" ? [] : [checked(id, `${text}:${i + 1}`)];
  });
  if (ids.length === 0) throw noAccount(text);
  return { kind: "accounts", ids };
}

/** A scan of nothing would end like one that found nothing. */
function noAccount(where: string): KeywardError {
  return new KeywardError({
    what: "no account is named",
    where,
    next: "name ids separated by commas, or a file with an id on each line",
  });
}

function checked(id: string, where: string): string {
  if (parseAccountId(id) !== undefined) return id;
  throw new KeywardError({
    what: "not an account id",
    where,
    expected: "twelve digits",
    got: inert(id, { max: 80 }),
    next: "aws organizations list-accounts shows the ids of an organization; leading zeros belong to them",
  });
}

/** The scope as the collector wants it. */
export async function scopeOf(
  resolved: ResolvedScope,
  flags: ScanFlags,
  connection: Connection,
): Promise<Scope> {
  const { accounts } = connection;
  const { role } = flags;
  switch (resolved.kind) {
    case "own":
      return { kind: "own" };
    case "accounts":
      return { kind: "accounts", ids: resolved.ids, accounts, role };
    case "organization": {
      const tags = resolved.tags.map((tag): readonly [string, string | undefined] => {
        const at = tag.indexOf("=");
        return at === -1 ? [tag, undefined] : [tag.slice(0, at), tag.slice(at + 1)];
      });
      const port = await connection.organization();
      return { kind: "organization", port, filter: { units: resolved.units, tags }, accounts, role };
    }
  }
}

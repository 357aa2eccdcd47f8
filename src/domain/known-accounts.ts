import { KNOWN_ACCOUNTS_TEXT } from "./known-accounts-data.js";

/** Who an AWS account is said to belong to. A hint for readers; it decides nothing and makes nobody trusted. */
export interface KnownAccount {
  /** A company, or for `aws` the AWS service. */
  readonly name: string;
  readonly kind: "vendor" | "aws";
  /** The list says that the account is no longer in use. */
  readonly retired: boolean;
}

let byId: ReadonlyMap<string, KnownAccount> | undefined;

/** What the public list of known accounts says about an account; undefined for nearly all. */
export function knownAccount(id: string): KnownAccount | undefined {
  return (byId ??= readList()).get(id);
}

/** The name in a few characters: `Datadog`, `AWS ELB logs`. */
export function knownAccountName(id: string): string | undefined {
  const known = knownAccount(id);
  if (known === undefined) return undefined;
  const name = known.kind === "aws" && !known.name.startsWith("AWS") ? `AWS ${known.name}` : known.name;
  return known.retired ? `${name}, retired` : name;
}

/** Where two entries name one account, the later one stands in the list for a correction. */
function readList(): ReadonlyMap<string, KnownAccount> {
  const accounts = new Map<string, KnownAccount>();
  for (const line of KNOWN_ACCOUNTS_TEXT.split("\n")) {
    const [name = "", kind, retired, ids] = line.split("|");
    if (ids === undefined) continue;
    const known: KnownAccount = {
      name,
      kind: kind === "aws" ? "aws" : "vendor",
      retired: retired === "retired",
    };
    for (const id of ids.split(" ")) accounts.set(id, known);
  }
  return accounts;
}

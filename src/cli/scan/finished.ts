import { iamAccountOf } from "../../collect/known.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import type { CoverageLine, SnapshotLine } from "../../snapshot/lines.js";

/**
 * The lines of the finished snapshot, of sorted ones: without marks of progress, which its last line sums up, and without what an
 * earlier scan has read of accounts and Regions that this one was not asked about.
 */
export async function* finished(
  lines: AsyncIterable<SnapshotLine>,
  coverage: CoverageLine | undefined,
  regions: readonly string[],
): AsyncGenerator<SnapshotLine, void, undefined> {
  // A scan that was stopped before STS had named the account was asked about all that it goes on from, or about none of it.
  const { accounts: several, accountId } = coverage ?? {};
  const ids = several?.map((a) => a.id) ?? (accountId === undefined ? undefined : [accountId]);
  const accounts = ids === undefined ? undefined : new Set(ids);
  const isOutside = (account: string): boolean => accounts?.has(account) === false;
  for await (const line of lines) {
    if (line.type === "region") continue;
    if (line.type === "snapshot") {
      yield { ...line, order: "context-first" };
      continue;
    }
    if (line.type === "key") {
      const arn = parseKeyArn(line.arn);
      const parts = arn === undefined ? undefined : keyArnParts(arn);
      if (parts !== undefined && isOutside(parts.account)) continue;
      if (parts !== undefined && regions.length > 0 && !regions.includes(parts.region)) continue;
    }
    const iam = iamOwner(line);
    if (iam !== undefined && iam !== "aws" && isOutside(iam)) continue;
    yield line;
  }
}

/** Whose IAM a line is about. */
function iamOwner(line: SnapshotLine): string | undefined {
  switch (line.type) {
    case "account":
      return line.id;
    case "user":
    case "role":
    case "group":
    case "managed-policy":
      return iamAccountOf(line.arn);
    default:
      return undefined;
  }
}

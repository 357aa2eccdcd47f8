import { createReadStream } from "node:fs";
import type { KeyArn } from "../../domain/ids.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { readSnapshot } from "../../snapshot/read.js";
import type { ResolveAlias } from "../../usage/aggregate.js";

/** What aliases stand for, from the keys of a snapshot. Without one, no alias is known. */
export async function aliasesOf(snapshot: string | undefined): Promise<ResolveAlias> {
  if (snapshot === undefined) return () => undefined;
  const known = new Map<string, KeyArn>();
  for await (const line of readSnapshot(createReadStream(snapshot), snapshot)) {
    if (line.type !== "key") continue;
    const key = parseKeyArn(line.arn);
    if (key === undefined) continue;
    const { partition, region, account } = keyArnParts(key);
    for (const alias of line.aliases ?? [])
      known.set(`arn:${partition}:kms:${region}:${account}:${alias}`, key);
  }
  return (aliasArn) => known.get(aliasArn);
}

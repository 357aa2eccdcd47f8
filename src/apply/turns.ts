import { keyArnParts, parseKeyArn } from "../domain/ids.js";

/**
 * Puts work in an order in which accounts and Regions take turns: AWS counts writes by account and Region, so work on
 * one of them after another would wait for the quota of each in turn while the others stand idle. Within one, the
 * order stays.
 */
export function inTurns<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const places = new Map<string, T[]>();
  for (const item of items) {
    const arn = keyOf(item);
    const key = parseKeyArn(arn);
    const { account, region } = key === undefined ? { account: arn, region: "" } : keyArnParts(key);
    const place = `${account} ${region}`;
    const its = places.get(place);
    if (its === undefined) places.set(place, [item]);
    else its.push(item);
  }
  const out: T[] = [];
  const rows = [...places.values()];
  const longest = rows.reduce((n, row) => Math.max(n, row.length), 0);
  for (let i = 0; i < longest; i += 1) {
    for (const row of rows) {
      const item = row[i];
      if (item !== undefined) out.push(item);
    }
  }
  return out;
}

import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";

/** What the name of a log file says. */
export interface LogName {
  readonly account: AccountId;
  readonly region: string;
  /** Seconds since 1970, to the minute: when CloudTrail delivered it. Its events can be older. */
  readonly delivered: number;
}

const NAME = /^([0-9]{12})_CloudTrail_([a-z0-9-]+)_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^/]*\.json(?:\.gz)?$/;

/**
 * Reads `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`; undefined for other names.
 * Source: CloudTrail User Guide, "CloudTrail log file name format".
 */
export function parseLogName(path: string): LogName | undefined {
  const m = NAME.exec(path.slice(path.lastIndexOf("/") + 1));
  if (m === null) return undefined;
  const [, id = "", region = "", year, month, day, hour, minute] = m;
  const account = parseAccountId(id);
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  if (account === undefined || Number.isNaN(ms)) return undefined;
  return { account, region, delivered: Math.floor(ms / 1000) };
}

/** Whether a file can be a CloudTrail log. Digests stand beside them and hold signatures, no events. */
export function isLogFile(path: string): boolean {
  return /\.json(\.gz)?$/i.test(path) && !/_CloudTrail-Digest_/.test(path);
}

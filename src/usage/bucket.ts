import { pages } from "../collect/paging.js";
import type { CallFailure } from "../collect/ports.js";
import { KeywardError } from "../domain/result.js";
import type { Bytes } from "./inflate.js";
import { isLogFile } from "./log-name.js";
import type { Listed } from "./logs.js";
import type { BucketPort, StoredObject } from "./ports.js";

/** A bucket and the beginning of the names in it. */
export interface BucketPlace {
  readonly bucket: string;
  readonly prefix: string;
}

/** `s3://BUCKET/PREFIX`, or undefined. Source: S3 User Guide, "General purpose bucket naming rules". */
export function parseS3(uri: string): BucketPlace | undefined {
  const m = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(uri);
  return m === null ? undefined : { bucket: m[1] ?? "", prefix: m[2] ?? "" };
}

/** An object that S3 did not give. The name is the code. */
class Refused extends Error {
  readonly code: string;
  constructor(failure: CallFailure) {
    super(`${failure.call}: ${failure.message}`);
    this.code = failure.code;
  }
}

/**
 * The log files below a prefix, in the order of their names. A listing that cannot begin is a KeywardError; one that
 * breaks off later is a gap.
 */
export async function* bucketFiles(
  port: BucketPort,
  place: BucketPlace,
  signal: AbortSignal,
): AsyncGenerator<Listed, void, undefined> {
  const where = `s3://${place.bucket}/${place.prefix}`;
  let begun = false;
  const ask = (token: string | undefined): ReturnType<BucketPort["list"]> =>
    port.list(place.bucket, place.prefix, token, signal);
  for await (const page of pages("s3:ListBucket", ask)) {
    if (!page.ok) {
      const { code, message, help } = page.error;
      if (begun) {
        yield { where, problem: "incomplete", detail: `the listing broke off: ${code}: ${message}` };
        return;
      }
      throw new KeywardError({
        what: "the objects cannot be listed",
        where,
        got: `${code}: ${message}`,
        next: help ?? "check the name of the bucket and its Region",
      });
    }
    begun = true;
    for (const object of page.value) {
      if (isLogFile(object.key)) {
        yield {
          path: `s3://${place.bucket}/${object.key}`,
          open: () => open(port, place.bucket, object, signal),
        };
      }
    }
  }
}

async function open(
  port: BucketPort,
  bucket: string,
  object: StoredObject,
  signal: AbortSignal,
): Promise<Bytes> {
  const answer = await port.get(bucket, object, signal);
  if (!answer.ok) throw new Refused(answer.error);
  return answer.value;
}

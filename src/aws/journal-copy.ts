import { createHash } from "node:crypto";
import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { CopyPort } from "../apply/journal/copy.js";
import { ok } from "../domain/result.js";
import type { BucketPlace } from "../usage/bucket.js";
import { asker } from "./ask.js";
import { type SessionOptions, Session } from "./session.js";
import { bucketPort } from "./usage.js";

/** The commands that a copy of the journal sends beside those of reading a bucket, each beside the action that permits it. */
export const COPY_COMMANDS = {
  "s3:PutObject": PutObjectCommand,
  "s3:GetBucketVersioning": GetBucketVersioningCommand,
  "s3:GetBucketObjectLockConfiguration": GetObjectLockConfigurationCommand,
} as const;

/** A copy of the journal in S3, and the end of its connection. */
export interface CopyConnection {
  readonly port: CopyPort;
  close(): void;
}

/** Opens a bucket with the user's own credentials. Throws KeywardError where there are none. */
export async function connectCopy(
  place: BucketPlace,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<CopyConnection> {
  const session = await Session.open(options);
  const ask = asker(options.profile);
  const config = session.clientConfig(session.homeRegion);
  const client = new S3Client({
    ...config,
    followRegionRedirects: true,
    ...(config.endpoint === undefined ? {} : { forcePathStyle: true }),
  });
  const bucket = place.bucket;
  const prefix = place.prefix === "" || place.prefix.endsWith("/") ? place.prefix : `${place.prefix}/`;
  const reader = bucketPort(session, session.homeRegion, ask);
  const port: CopyPort = {
    where: `s3://${bucket}/${prefix}`,
    put: async (name, content) => {
      const answer = await ask("s3:PutObject", signal, async (options) => {
        await client.send(
          new COPY_COMMANDS["s3:PutObject"]({
            Bucket: bucket,
            Key: `${prefix}${name}`,
            Body: content,
            // S3 refuses what arrives otherwise, and what would replace something.
            ChecksumSHA256: createHash("sha256").update(content).digest("base64"),
            IfNoneMatch: "*",
          }),
          options,
        );
        return "stored" as const;
      });
      if (answer.ok || answer.error.code !== "PreconditionFailed") return answer;
      return ok("exists");
    },
    get: async (name) => {
      // Of whatever size: pieces of logs and policies are small, and fetched at once.
      const answer = await reader.get(bucket, { key: `${prefix}${name}`, size: 0 }, signal);
      if (!answer.ok) return answer.error.code === "NoSuchKey" ? ok(undefined) : answer;
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer.value) chunks.push(chunk);
      return ok(Buffer.concat(chunks));
    },
    list: async (below, token) => {
      const answer = await reader.list(bucket, `${prefix}${below}`, token, signal);
      if (!answer.ok) return answer;
      const items = answer.value.items.map((o) => o.key.slice(prefix.length));
      return ok({ items, next: answer.value.next });
    },
    protection: async () => {
      const versions = await ask("s3:GetBucketVersioning", signal, async (options) => {
        const input = { Bucket: bucket };
        const answer = await client.send(new COPY_COMMANDS["s3:GetBucketVersioning"](input), options);
        return answer.Status === "Enabled";
      });
      if (!versions.ok) return versions;
      const locked = await ask("s3:GetBucketObjectLockConfiguration", signal, async (options) => {
        const input = { Bucket: bucket };
        const answer = await client.send(
          new COPY_COMMANDS["s3:GetBucketObjectLockConfiguration"](input),
          options,
        );
        return answer.ObjectLockConfiguration?.Rule?.DefaultRetention !== undefined;
      });
      // S3 answers so where the bucket has no object lock. Source: S3 API reference, GetObjectLockConfiguration.
      if (!locked.ok && locked.error.code !== "ObjectLockConfigurationNotFoundError") return locked;
      return ok({ versions: versions.value, locked: locked.ok && locked.value });
    },
  };
  return { port, close: () => session.close() };
}

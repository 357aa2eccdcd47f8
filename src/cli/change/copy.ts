import { DEFAULT_JOURNAL } from "../../apply/journal/place.js";
import { JournalCopy } from "../../apply/journal/copy.js";
import { fetchCopy } from "../../apply/journal/fetch.js";
import { Journal } from "../../apply/journal/journal.js";
import type { CopyConnection } from "../../aws/journal-copy.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import { type BucketPlace, parseS3 } from "../../usage/bucket.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { toolVersion } from "../version.js";
import type { CloudFlags } from "./flags.js";

/** A copy that is open. */
export interface OpenCopy {
  readonly copy: JournalCopy;
  readonly close: () => void;
}

type Reach = Pick<CloudFlags, "profile" | "endpointUrl">;

/** Opens a copy, and says what its bucket does against loss. Throws {@link KeywardError} for what is no bucket. */
export async function openCopy(uri: string, flag: string, flags: Reach, io: Io): Promise<OpenCopy> {
  const connection = await connectTo(uri, flag, flags, io);
  const { port } = connection;
  const protection = await port.protection();
  const say = sayTo(io.stderr);
  if (!protection.ok) {
    const { call, code } = protection.error;
    say(`Whether ${port.where} keeps versions and locks objects is not known: ${call}: ${code}.`);
  } else {
    if (!protection.value.versions) say(`${port.where} keeps no versions: what is deleted there is gone.`);
    if (!protection.value.locked)
      say(`${port.where} has no default retention: whoever may delete objects there can delete the copy.`);
  }
  return { copy: new JournalCopy(port), close: () => connection.close() };
}

/**
 * The folder of a journal: as it was named, or, for `s3://…`, the default one with everything brought into it that the
 * copy has.
 */
export async function journalFolder(place: string, flags: Reach, io: Io): Promise<string> {
  return place.startsWith("s3://") ? bring(place, DEFAULT_JOURNAL, flags, io) : place;
}

/** Brings a copy into a folder; the folder. */
export async function bring(uri: string, folder: string, flags: Reach, io: Io): Promise<string> {
  const connection = await connectTo(uri, "--journal", flags, io);
  try {
    const journal = new Journal(folder);
    const unlock = await journal.lock(io.now());
    try {
      const { runs, objects } = await fetchCopy(new JournalCopy(connection.port), journal);
      if (runs === 0) {
        throw new KeywardError({
          what: "there is no copy of a journal",
          where: connection.port.where,
          expected: "what keyward apply --journal-copy has stored there: runs/RUN/log/… and objects/…",
          next: "check bucket and prefix",
        });
      }
      sayTo(io.stderr)(`${runs} runs and ${objects} objects of ${uri} are in ${folder}`);
    } finally {
      await unlock();
    }
    return folder;
  } finally {
    connection.close();
  }
}

async function connectTo(uri: string, flag: string, flags: Reach, io: Io): Promise<CopyConnection> {
  const place: BucketPlace | undefined = parseS3(uri);
  if (place === undefined) {
    throw new KeywardError({
      what: "no address of a bucket",
      where: flag,
      expected: "s3://BUCKET/PREFIX",
      got: inert(uri, { max: 200 }),
      next: "write it like that, with the name of a bucket as S3 permits it",
    });
  }
  // Loads the SDK's client of S3.
  const { connectCopy } = await import("../../aws/journal-copy.js");
  return connectCopy(place, { ...flags, version: toolVersion(), env: io.env }, new AbortController().signal);
}

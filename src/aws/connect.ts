import type { CloudPort } from "../collect/ports.js";
import { asker } from "./ask.js";
import { identity } from "./identity.js";
import { kmsPort } from "./kms.js";
import type { SessionOptions } from "./session.js";
import { Session } from "./session.js";

/** An account in AWS, and the end of the connection to it. */
export interface Connection extends CloudPort {
  /** Ends open connections and waiting retries. */
  close(): void;
}

/**
 * Connects to AWS with the credentials that the user's environment names. Import this file lazily: it loads the SDK.
 * Throws KeywardError where there are no credentials.
 */
export async function connect(options: SessionOptions): Promise<Connection> {
  const session = await Session.open(options);
  const ask = asker(options.profile);
  return {
    homeRegion: session.homeRegion,
    identity: (signal) => identity(session, ask, signal),
    // The client of EC2 is the largest, and a scan of named Regions does not need it.
    describeRegions: async (signal) => (await import("./regions.js")).describeRegions(session, ask, signal),
    listRegions: async (signal) => (await import("./regions.js")).listRegions(session, ask, signal),
    kms: (region) => kmsPort(session, region, ask),
    close: () => session.close(),
  };
}

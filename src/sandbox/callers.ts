import { randomBytes } from "node:crypto";
import type { AccountId } from "../domain/ids.js";
import { parseAccountId, partitionOfRegion } from "../domain/ids.js";
import type { CallerPolicies } from "./caller-policies.js";
import type { CallersFile } from "./callers-file.js";
import { ServiceError } from "./errors.js";
import type { Identity } from "./identity.js";
import { administrator } from "./identity.js";
import type { Scope } from "./signature.js";

/** Temporary credentials that AssumeRole made. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Session {
  readonly identity: Identity;
  readonly token: string;
  readonly expiresAt: number;
}

/** Expired credentials are told apart from unknown ones for this long. */
const FORGET_AFTER_MS = 3_600_000;
/** Clients choose account numbers, so what is kept of them is bounded. */
const MAX_ADMINISTRATORS = 10_000;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * Tells who signed a request, from its access key id:
 * - an id of the callers file: what the file says;
 * - `ASIA…`: a session that AssumeRole made;
 * - `AKIA` and twelve digits (more may follow): the administrator `user/admin` of that account;
 * - any other: the administrator of the sandbox's default account.
 */
export class Callers {
  readonly #file: CallersFile;
  readonly #only: boolean;
  readonly #defaultAccount: AccountId;
  readonly #policies: CallerPolicies;
  readonly #administrators = new Map<string, Identity>();
  readonly #sessions = new Map<string, Session>();

  /** `only`: no access key works that the file does not have and AssumeRole did not make. */
  constructor(file: CallersFile, only: boolean, defaultAccount: AccountId, policies: CallerPolicies) {
    this.#policies = policies;
    this.#file = file;
    this.#only = only;
    this.#defaultAccount = defaultAccount;
  }

  /**
   * The identity behind a credential scope. `now`: milliseconds since the epoch.
   * @throws ServiceError for credentials that do not exist or have expired.
   */
  identify(scope: Scope, now: number): Identity {
    const identity = this.#find(scope, now);
    if (!this.#policies.exists(identity) && !identity.stated) throw unrecognized();
    return this.complete(identity);
  }

  /** Adds what the snapshot knows of a caller. */
  complete(identity: Identity): Identity {
    return this.#policies.complete(identity);
  }

  #find(scope: Scope, now: number): Identity {
    const known = this.#file.accessKeys.get(scope.accessKeyId);
    if (known !== undefined) return known;
    if (scope.accessKeyId.startsWith("ASIA")) return this.#session(scope, now);
    if (this.#only) throw unrecognized();
    const account = parseAccountId(/^AKIA([0-9]{12})/.exec(scope.accessKeyId)?.[1] ?? "");
    return this.#administrator(account ?? this.#defaultAccount, partitionOfRegion(scope.region));
  }

  /** Makes temporary credentials for an identity. Times are milliseconds since the epoch. */
  openSession(identity: Identity, expiresAt: number, now: number): SessionCredentials {
    for (const [id, session] of this.#sessions) {
      if (session.expiresAt + FORGET_AFTER_MS < now) this.#sessions.delete(id);
    }
    const accessKeyId = `ASIA${Array.from(randomBytes(16), (b) => BASE32[b % 32] ?? "A").join("")}`;
    const sessionToken = randomBytes(96).toString("base64");
    this.#sessions.set(accessKeyId, { identity, token: sessionToken, expiresAt });
    return { accessKeyId, secretAccessKey: randomBytes(30).toString("base64"), sessionToken, expiresAt };
  }

  /** Made once, because every request of an ordinary test comes from one. */
  #administrator(account: AccountId, partition: string): Identity {
    const name = `${partition}/${account}`;
    const known = this.#administrators.get(name);
    if (known !== undefined) return known;
    if (this.#administrators.size >= MAX_ADMINISTRATORS) this.#administrators.clear();
    const made = administrator(account, partition);
    this.#administrators.set(name, made);
    return made;
  }

  #session(scope: Scope, now: number): Identity {
    const session = this.#sessions.get(scope.accessKeyId);
    if (session === undefined || session.token !== scope.sessionToken) throw unrecognized();
    if (now >= session.expiresAt) {
      throw new ServiceError(
        "ExpiredTokenException",
        "The security token included in the request is expired",
      );
    }
    return session.identity;
  }
}

/** What AWS answers to an access key that it does not know. */
export function unrecognized(): ServiceError {
  return new ServiceError(
    "UnrecognizedClientException",
    "The security token included in the request is invalid.",
  );
}

import type { Asked, AccountsPort, AssumedAccount, OrganizationPort } from "../collect/ports.js";
import type { KmsWritePort, WritableCloud } from "../apply/ports.js";
import { err, ok } from "../domain/result.js";
import { CallRefused, pacedAsker } from "./ask.js";
import type { Ask } from "./ask.js";
import { RenewableCredentials } from "./credentials.js";
import { callFailure } from "./failure.js";
import { identity } from "./identity.js";
import { kmsPort } from "./kms.js";
import { kmsWritePort } from "./kms-write.js";
import { DEFAULT_QUOTA_SHARE } from "./quotas.js";
import type { RoleRequest } from "./roles.js";
import { assumeRole } from "./roles.js";
import { Scheduler } from "./scheduler.js";
import type { Clients, SessionOptions } from "./session.js";
import { Session } from "./session.js";

/** Which roles to assume on the way to an account, and how fast to go. */
export interface ConnectOptions extends SessionOptions {
  /** Share of AWS's request quotas that is used at most; above 0, up to 1. Undefined: half. */
  readonly quotaShare?: number | undefined;
  /** Name of the role in each account, with its path if it has one: `audit/KeywardReader`. */
  readonly role?: string | undefined;
  readonly externalId?: string | undefined;
  readonly sessionName?: string | undefined;
  /** ARNs of roles that are assumed one after the other before that. */
  readonly via?: readonly string[] | undefined;
}

/** An account in AWS, the accounts beyond it, and the end of the connection. */
export interface Connection extends WritableCloud {
  readonly accounts: WritableAccounts;
  /** See `CloudPort`; of this account all of it is asked. */
  organization(): Promise<OrganizationPort>;
  /** Ends open connections and waiting retries. */
  close(): void;
}

/** Accounts whose keys can be changed as well. */
export interface WritableAccounts extends AccountsPort {
  assume(
    account: string,
    partition: string,
    signal: AbortSignal,
  ): Promise<Asked<AssumedAccount & { readonly cloud: WritableCloud }>>;
}

/**
 * Connects to AWS with the credentials that the user's environment names, through the roles of `via`. Import this file
 * lazily: it loads the SDK. Throws KeywardError where there are no credentials.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const session = await Session.open(options);
  const scheduler = new Scheduler(options.quotaShare ?? DEFAULT_QUOTA_SHARE, {
    now: () => performance.now(),
    random: () => Math.random(),
    sleep: (ms, signal) => session.sleep(ms, signal),
  });
  const sessionName = options.sessionName ?? "keyward";
  const from = new Door(session, scheduler, options.profile, "own", session.credentials);
  const own = (options.via ?? []).reduce((door, arn) => {
    const role = { arn, sessionName, externalId: undefined };
    return door.through(role, "own");
  }, from);
  return {
    ...own.cloud(),
    organization: () => own.organization(),
    accounts: {
      assume: async (account, partition) => {
        const role = { arn: `arn:${partition}:iam::${account}:role/${options.role ?? ""}`, sessionName };
        const door = own.through({ ...role, externalId: options.externalId }, account);
        try {
          await door.credentials.get();
        } catch (error) {
          if (error instanceof CallRefused) return err(error.failure);
          return err(callFailure("sts:AssumeRole", error, options.profile));
        }
        return ok({ cloud: door.cloud(), role: role.arn });
      },
    },
    close: () => session.close(),
  };
}

/** Credentials, and what can be done with them. */
class Door {
  readonly clients: Clients;

  /** @param account whose quotas calls use: its id, or `own` while nobody has named it */
  constructor(
    private readonly session: Session,
    private readonly scheduler: Scheduler,
    private readonly profile: string | undefined,
    private readonly account: string,
    readonly credentials: RenewableCredentials,
  ) {
    this.clients = {
      homeRegion: session.homeRegion,
      clientConfig: (region) => session.singleAttemptConfig(region, credentials),
    };
  }

  ask(region: string): Ask {
    const { scheduler, credentials, profile } = this;
    return pacedAsker({ scheduler, target: { account: this.account, region }, credentials, profile });
  }

  /** The credentials of a role that these assume. */
  through(role: RoleRequest, account: string): Door {
    const region = this.clients.homeRegion;
    const never = new AbortController().signal;
    const credentials = new RenewableCredentials(() =>
      assumeRole(this.clients.clientConfig(region), this.ask(region), role, never),
    );
    return new Door(this.session, this.scheduler, this.profile, account, credentials);
  }

  /** Loads the client of Organizations. */
  async organization(): Promise<OrganizationPort> {
    const { organizationPort } = await import("./organizations.js");
    return organizationPort(this.clients, this.ask(this.clients.homeRegion));
  }

  private writer(region: string): KmsWritePort {
    const { scheduler, credentials, profile, account } = this;
    const target = { account, region };
    return kmsWritePort(
      this.clients,
      region,
      pacedAsker({ scheduler, target, credentials, profile, repeat: "refusals" }),
    );
  }

  cloud(): WritableCloud {
    const { clients } = this;
    const home = this.ask(clients.homeRegion);
    return {
      homeRegion: clients.homeRegion,
      identity: (signal) => identity(clients, home, signal),
      // The client of EC2 is the largest, and a scan of named Regions does not need it.
      describeRegions: async (signal) =>
        (await import("./regions.js")).describeRegions(clients, home, signal),
      listRegions: async (signal) => (await import("./regions.js")).listRegions(clients, home, signal),
      kms: (region) => kmsPort(clients, region, this.ask(region)),
      iam: async () => (await import("./iam.js")).iamPort(clients, home),
      organization: () => this.organization(),
      kmsWriter: (region) => this.writer(region),
      done: (region) => this.scheduler.forget({ account: this.account, region }),
    };
  }
}

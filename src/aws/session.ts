import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import type { STSClientConfig } from "@aws-sdk/client-sts";
import { STSClient } from "@aws-sdk/client-sts";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { KeywardError } from "../domain/result.js";
import { WholeAnswers } from "./answers.js";
import { Connections } from "./connections.js";
import type { Credentials } from "./credentials.js";
import { RenewableCredentials } from "./credentials.js";
import { checkProxies } from "./proxies.js";
import { PacedRetry } from "./retry.js";
import { Sleeper } from "./sleeper.js";

/** How a user says which account, and where it answers. */
export interface SessionOptions {
  /** Undefined: AWS_PROFILE, or the default profile. */
  readonly profile?: string | undefined;
  /** For calls that belong to no Region. Undefined: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1. */
  readonly region?: string | undefined;
  /** One address for all services. Undefined: AWS, or AWS_ENDPOINT_URL and the like. */
  readonly endpointUrl?: string | undefined;
  /** Of keyward; part of the user agent, which CloudTrail shows. */
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of those that the SDK's chain finds: for a local KMS that keyward itself has started. */
  readonly fixedCredentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** What every client of the SDK is made with. */
export interface ClientConfig {
  readonly region: string;
  readonly credentials: () => Promise<Credentials>;
  readonly requestHandler: NodeHttpHandler | WholeAnswers;
  readonly retryStrategy: NonNullable<STSClientConfig["retryStrategy"]>;
  readonly customUserAgent: [string, string][];
  readonly endpoint?: string;
  readonly profile?: string;
}

/** Makes configurations of clients; a {@link Session} is one. */
export interface Clients {
  /** For calls that belong to no Region. */
  readonly homeRegion: string;
  clientConfig(region: string): ClientConfig;
}

/**
 * Credentials, connections and retries that all clients share. Close it at the end: open connections and waiting
 * retries would keep the program alive.
 */
export class Session {
  private readonly sleeper = new Sleeper();

  private constructor(
    readonly homeRegion: string,
    readonly profile: string | undefined,
    private readonly endpointUrl: string | undefined,
    private readonly version: string,
    /** Of the user's own environment. */
    readonly credentials: RenewableCredentials,
    private readonly handler: NodeHttpHandler,
  ) {}

  /** For calls that are paced and repeated outside of the SDK; none of them is a download. */
  private readonly answers = new WholeAnswers();

  /**
   * Finds credentials by the SDK's usual chain. Throws {@link KeywardError} where there are none, and where an endpoint
   * or a proxy of the environment is none.
   */
  static async open(options: SessionOptions): Promise<Session> {
    const endpointUrl = options.endpointUrl;
    const named = [
      ["--endpoint-url", endpointUrl],
      // The SDK reads it for each call; what is no URL would fail each of them without saying why.
      [
        "AWS_ENDPOINT_URL",
        options.env["AWS_ENDPOINT_URL"] === "" ? undefined : options.env["AWS_ENDPOINT_URL"],
      ],
    ] as const;
    for (const [where, got] of named) {
      if (got === undefined || isHttpUrl(got)) continue;
      const expected = "http://HOST:PORT or https://HOST";
      throw new KeywardError({ what: "the endpoint is no URL", where, expected, got });
    }
    checkProxies(options.env);
    // The SDK warns of Node versions that its future releases will drop. A user of keyward can do nothing about that.
    process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
    const homeRegion = await findHomeRegion(options);
    const handler = new Connections();
    // A new chain each time: the chain itself keeps what it found until that expires by its own word.
    const fixed = options.fixedCredentials;
    const credentials = new RenewableCredentials(async () => {
      if (fixed !== undefined) return { ...fixed };
      const chain = fromNodeProviderChain({
        clientConfig: { region: homeRegion, requestHandler: handler },
        ...(options.profile === undefined ? {} : { profile: options.profile }),
      });
      return chain();
    });
    try {
      await credentials.get();
    } catch (error) {
      throw noCredentials(error, options);
    }
    return new Session(homeRegion, options.profile, endpointUrl, options.version, credentials, handler);
  }

  /** Configuration of a client for one Region. Each client has a pace of its own, and repeats what failed. */
  clientConfig(region: string): ClientConfig {
    const retry = new PacedRetry({
      now: () => Date.now(),
      random: () => Math.random(),
      sleep: (ms) => this.sleep(ms),
    });
    return this.config(region, this.credentials, retry, this.handler);
  }

  /** Configuration of a client whose calls are paced and repeated outside of it; see `pacedAsker`. */
  singleAttemptConfig(region: string, credentials: RenewableCredentials): ClientConfig {
    return this.config(region, credentials, ONE_ATTEMPT, this.answers);
  }

  private config(
    region: string,
    credentials: RenewableCredentials,
    retryStrategy: ClientConfig["retryStrategy"],
    requestHandler: ClientConfig["requestHandler"],
  ): ClientConfig {
    return {
      region,
      credentials: credentials.provider,
      requestHandler,
      retryStrategy,
      customUserAgent: [["keyward", this.version]],
      ...(this.endpointUrl === undefined ? {} : { endpoint: this.endpointUrl }),
      ...(this.profile === undefined ? {} : { profile: this.profile }),
    };
  }

  /** Ends waiting retries and idle connections. */
  close(): void {
    this.sleeper.wake();
    this.handler.destroy();
    this.answers.destroy();
  }

  /** Waits; ends early when the session is closed or the signal aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.sleeper.sleep(ms, signal);
  }
}

/** For clients whose calls are repeated by their caller. */
const ONE_ATTEMPT: ClientConfig["retryStrategy"] = {
  acquireInitialRetryToken: () => Promise.resolve({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
  refreshRetryTokenForRetry: () => Promise.reject(new Error("no more attempts")),
  recordSuccess: () => undefined,
};

/** The SDK itself does not know AWS_DEFAULT_REGION, which the AWS CLI and Python's SDK read. */
async function findHomeRegion(options: SessionOptions): Promise<string> {
  const { env } = options;
  for (const region of [options.region, env["AWS_REGION"], env["AWS_DEFAULT_REGION"]]) {
    if (region !== undefined && region !== "") return region;
  }
  const client = new STSClient(options.profile === undefined ? {} : { profile: options.profile });
  try {
    return await client.config.region();
  } catch {
    // "Region is missing": nobody has set one, and these calls need one of the ordinary partition.
    return "us-east-1";
  } finally {
    client.destroy();
  }
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function noCredentials(error: unknown, options: SessionOptions): unknown {
  if (!(error instanceof Error)) return error;
  const named = options.profile ?? options.env["AWS_PROFILE"];
  const profile = named === "" ? undefined : named;
  return new KeywardError({
    what: "no usable AWS credentials were found",
    ...(profile === undefined ? {} : { where: `profile ${profile}` }),
    got: error.message,
    next: isDenied(error)
      ? "the role that the profile or the environment names refuses: look at its trust policy (who, external id, claims of the token) and at sts:AssumeRole of whoever assumes it"
      : profile !== undefined
        ? `check that the profile exists (aws configure list-profiles), or sign in: aws sso login --profile ${profile}`
        : "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --profile, or sign in with: aws sso login",
  });
}

/** AWS has refused to give credentials of a role; signing in again would not change that. */
function isDenied(error: Error): boolean {
  return error.name === "AccessDenied" || error.name === "AccessDeniedException";
}

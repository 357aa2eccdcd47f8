import { KMSClient } from "@aws-sdk/client-kms";
import type { ClientConfig } from "./session.js";
import { signer } from "./signing.js";

/**
 * Sends commands of KMS in one Region, many thousands of them. The SDK's own client takes a quarter of a millisecond of
 * processor time for a call, and a client and its chain of middlewares for each account and Region besides. Nearly all
 * of that comes to the same each time (address, choice of the signature, user agent) or is not needed here (the
 * scheduler repeats calls; nobody reads the log or the trace header of Lambda). So the SDK's client shows once for each
 * Region what a request looks like; each call then goes through the SDK's protocol, signer and connection and past the
 * rest. Where an SDK does not have what that takes, calls go the SDK's whole way.
 *
 * Calls are ended by the caller; see `unlessAborted`.
 */
export class LeanKms {
  private readonly sign;
  private client: KMSClient | undefined;

  constructor(private readonly config: ClientConfig) {
    this.sign = signer(config.credentials, config.region, "kms");
  }

  /** The output of a command. Throws what a client of the SDK throws. */
  async send<Output>(command: Sendable<Output>): Promise<Output> {
    const way = await wayTo(this.config, command);
    const operation = operationOf(command);
    if (way === undefined || operation === undefined) return this.sendWhole(command);
    const request = await way.protocol.serializeRequest(operation, command.input, way.around);
    Object.assign(request.headers, way.headers);
    // The signer gives back a request of the class that it got; its type does not say so.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- see above
    const signed = (await this.sign.sign(request)) as Request;
    const { response } = await this.config.requestHandler.handle(signed);
    try {
      const output = await way.protocol.deserializeResponse(operation, way.around, response);
      // The schema that it was read by is the command's own.
      return output as Output;
    } catch (error) {
      throw withAnswer(error, response);
    }
  }

  private async sendWhole<Output>(command: Sendable<Output>): Promise<Output> {
    this.client ??= new KMSClient(this.config);
    return sendThrough(this.client, command);
  }
}

async function sendThrough<Output>(client: KMSClient, command: Sendable<Output>): Promise<Output> {
  // The client knows its commands by their classes, which have no type in common but this one.
  return (await client.send(command as never)) as Output;
}

/** A command of the SDK, by what it comes to. */
export interface Sendable<Output> {
  readonly input: object;
  resolveMiddleware(...settings: never): (args: never) => Promise<{ readonly output: Output }>;
}

type Request = Parameters<ClientConfig["requestHandler"]["handle"]>[0];
type Response = Awaited<ReturnType<ClientConfig["requestHandler"]["handle"]>>["response"];

/** The SDK's ClientProtocol; its type depends on the client. */
interface Protocol {
  serializeRequest(operation: object, input: object, around: object): Promise<Request>;
  deserializeResponse(operation: object, around: object, response: Response): Promise<unknown>;
}

/** What all calls to one Region share. */
interface Way {
  readonly protocol: Protocol;
  /** Address and helpers, as the protocol takes them. */
  readonly around: object;
  readonly headers: Readonly<Record<string, string>>;
}

/** By connections, so for each session, and by Region. */
const WAYS = new WeakMap<object, Map<string, Promise<Way | undefined>>>();

function wayTo(config: ClientConfig, command: Sendable<unknown>): Promise<Way | undefined> {
  const { requestHandler, region } = config;
  const ways = WAYS.get(requestHandler) ?? new Map<string, Promise<Way | undefined>>();
  WAYS.set(requestHandler, ways);
  let way = ways.get(region);
  if (way === undefined) {
    way = findWay(config, command);
    ways.set(region, way);
  }
  return way;
}

/** Has the SDK make the request of a command, looks at it and does not send it. Undefined: it is not as expected. */
async function findWay(config: ClientConfig, command: Sendable<unknown>): Promise<Way | undefined> {
  const requests: Request[] = [];
  const client = new KMSClient({
    ...config,
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    requestHandler: {
      handle: (request: Request) => {
        requests.push(request);
        return Promise.reject(new Error("not sent"));
      },
      metadata: config.requestHandler.metadata,
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    },
  });
  await sendThrough(client, command).catch((error: unknown) => {
    if (requests.length === 0) throw error;
  });
  const [request] = requests;
  const { protocol } = client.config;
  if (request === undefined || !isProtocol(protocol)) return undefined;
  const { hostname, port, path } = request;
  const host = request.headers["host"];
  const agent = request.headers["user-agent"];
  if (host === undefined || agent === undefined) return undefined;
  const endpoint = { protocol: request.protocol, hostname, path, ...(port === undefined ? {} : { port }) };
  return {
    protocol,
    around: { ...client.config, endpoint: () => Promise.resolve(endpoint) },
    headers: { host, "user-agent": agent },
  };
}

function isProtocol(protocol: unknown): protocol is Protocol {
  return (
    isObject(protocol) &&
    typeof protocol["serializeRequest"] === "function" &&
    typeof protocol["deserializeResponse"] === "function"
  );
}

const OPERATIONS = new WeakMap<object, object>();

/** The command's schema, in the form that the protocol takes. */
function operationOf(command: object): object | undefined {
  const schema: unknown = "schema" in command ? command.schema : undefined;
  if (!Array.isArray(schema)) return undefined;
  let operation = OPERATIONS.get(schema);
  if (operation === undefined) {
    const [, namespace, name, traits, input, output] = schema as readonly unknown[];
    operation = { namespace, name, traits, input, output };
    OPERATIONS.set(schema, operation);
  }
  return operation;
}

/** An answer that cannot be read: its status says whether the next may be better; see failure.ts. */
function withAnswer(error: unknown, response: Response): unknown {
  if (!isObject(error)) return error;
  if (!("$response" in error)) Object.defineProperty(error, "$response", { value: response });
  if (!("$metadata" in error)) {
    Object.defineProperty(error, "$metadata", { value: { httpStatusCode: response.statusCode } });
  }
  return error;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { getProxyForUrl } from "proxy-from-env";
import type { Dispatcher } from "undici";
import { Agent, errors } from "undici";
import { abortError, whenAborted } from "./aborts.js";
import { UnexpectedAnswer } from "./ask.js";
import { ANSWER_TIMEOUT, CONNECT_TIMEOUT, Connections } from "./connections.js";

type HandleArguments = Parameters<NodeHttpHandler["handle"]>;
type Request = HandleArguments[0];
type Handled = ReturnType<NodeHttpHandler["handle"]>;
type Answer = Awaited<Handled>;

/** Milliseconds for which an idle connection is kept where the server does not say. */
const IDLE = 10_000;

/**
 * Bounds of one answer: milliseconds from its head to its end, and bytes. The other limits count silence alone, so that
 * something which sends a byte a second, or never stops, would hold a scan for ever. AWS's answers have at most a few MB.
 */
const LONGEST = { ms: 2 * ANSWER_TIMEOUT, bytes: 64 * 1024 * 1024 };

/**
 * Connections of the many short calls of a scan: each answer is read to its end before the SDK gets it, which suits
 * everything but downloads. They go through undici, which takes half of the processor time of `node:http` for a call;
 * where the environment names a proxy, through {@link Connections}. It is a request handler of the SDK.
 */
export class WholeAnswers {
  readonly metadata = { handlerProtocol: "http/1.1" };
  private readonly agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT },
    headersTimeout: ANSWER_TIMEOUT,
    bodyTimeout: ANSWER_TIMEOUT,
    keepAliveTimeout: IDLE,
  });
  private readonly others = new Connections();
  /** By origin: whether it is reached without a proxy. */
  private readonly direct = new Map<string, boolean>();

  constructor(private readonly longest = LONGEST) {}

  handle(request: Request, options: HandleArguments[1] = {}): Handled {
    const { protocol, hostname, port } = request;
    const origin = `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
    let direct = this.direct.get(origin);
    if (direct === undefined) {
      direct = getProxyForUrl(origin) === "";
      this.direct.set(origin, direct);
    }
    // How a query is escaped is part of the signature; no call of a scan has one.
    if (!direct || Object.keys(request.query).length > 0) return this.others.handle(request, options);
    const { abortSignal } = options;
    return this.ask(origin, request, abortSignal instanceof AbortSignal ? abortSignal : undefined);
  }

  updateHttpClientConfig(): void {
    // Nothing about it can be changed.
  }

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  /** Ends all connections. Calls that are open fail. */
  destroy(): void {
    void this.agent.destroy();
    this.others.destroy();
  }

  private ask(origin: string, request: Request, signal: AbortSignal | undefined): Handled {
    const { path, method, headers } = request;
    const body: unknown = request.body;
    if (!(body === undefined || typeof body === "string" || body instanceof Uint8Array)) {
      return this.others.handle(request);
    }
    return new Promise((resolve, reject) => {
      const answer = new WholeAnswer(resolve, reject, signal, this.longest);
      this.agent.dispatch({ origin, path, method, headers, body: body ?? null }, answer);
    });
  }
}

/** Puts one answer together. */
class WholeAnswer implements Dispatcher.DispatchHandler {
  private readonly chunks: Uint8Array[] = [];
  private status = 0;
  private headers: Record<string, string> = {};
  private forget: (() => void) | undefined;
  private begun = 0;
  private bytes = 0;

  constructor(
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
    private readonly signal: AbortSignal | undefined,
    private readonly longest: typeof LONGEST,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.signal === undefined) return;
    this.forget = whenAborted(this.signal, () => controller.abort(abortError()));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.status = status;
    this.begun = performance.now();
    this.headers = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.headers[name] = typeof value === "string" ? value : value.join(",");
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes > this.longest.bytes) {
      controller.abort(new UnexpectedAnswer("The answer is longer than any that AWS gives."));
    } else if (performance.now() - this.begun > this.longest.ms) {
      controller.abort(new errors.BodyTimeoutError("The answer does not come to its end."));
    }
  }

  onResponseEnd(): void {
    this.forget?.();
    const [only, ...more] = this.chunks;
    const body = only !== undefined && more.length === 0 ? only : Buffer.concat(this.chunks);
    // The SDK reads these members of an answer and calls none of its class.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- see above
    this.resolve({ response: { statusCode: this.status, headers: this.headers, body } });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.forget?.();
    this.reject(asNodeSaysIt(error));
  }
}

/** undici has names of its own for what happens to connections; failure.ts and reports know those of Node and the SDK. */
function asNodeSaysIt(error: Error): Error {
  if (error instanceof errors.ConnectTimeoutError) return renamed(error, "TimeoutError", undefined);
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return renamed(error, "TimeoutError", "ETIMEDOUT");
  }
  if (error instanceof errors.SocketError) return renamed(error, "TimeoutError", "ECONNRESET");
  if (error instanceof errors.ClientDestroyedError || error instanceof errors.ClientClosedError) {
    return abortError();
  }
  return error;
}

function renamed(cause: Error, name: string, code: string | undefined): Error {
  const error = Object.assign(new Error(cause.message, { cause }), code === undefined ? {} : { code });
  error.name = name;
  return error;
}

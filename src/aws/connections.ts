import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/** Milliseconds. A Region that does not answer must not hold up the scan for the SDK's five minutes. */
export const CONNECT_TIMEOUT = 5_000;
export const ANSWER_TIMEOUT = 30_000;

/**
 * The scan bounds its open calls itself; a call that waited for a socket would use up its time to connect. As many stay
 * open as a scan has calls open, or they would be opened anew all the time.
 */
const SOCKETS = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: 512 } as const;

type HandleArguments = Parameters<NodeHttpHandler["handle"]>;

/**
 * Connections that all clients share: through the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for an
 * address (in capitals or not), else directly. Neither Node 20 nor the SDK looks at these variables by itself.
 */
export class Connections extends NodeHttpHandler {
  /** By the address of the proxy. */
  private readonly proxied = new Map<string, NodeHttpHandler>();
  /** What is to be used for an origin. */
  private readonly chosen = new Map<string, NodeHttpHandler | undefined>();

  constructor() {
    super(options(new HttpAgent(SOCKETS), new HttpsAgent(SOCKETS)));
  }

  override handle(...[request, rest]: HandleArguments): ReturnType<NodeHttpHandler["handle"]> {
    const { protocol, hostname, port } = request;
    const origin = `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
    if (!this.chosen.has(origin)) this.chosen.set(origin, this.choose(origin));
    const handler = this.chosen.get(origin);
    return handler === undefined ? super.handle(request, rest) : handler.handle(request, rest);
  }

  override destroy(): void {
    super.destroy();
    for (const handler of this.proxied.values()) handler.destroy();
  }

  /** Undefined: no proxy. */
  private choose(origin: string): NodeHttpHandler | undefined {
    const proxy = getProxyForUrl(origin);
    if (proxy === "") return undefined;
    let handler = this.proxied.get(proxy);
    if (handler === undefined) {
      handler = new NodeHttpHandler(
        options(new HttpProxyAgent(proxy, SOCKETS), new HttpsProxyAgent(proxy, SOCKETS)),
      );
      this.proxied.set(proxy, handler);
    }
    return handler;
  }
}

function options(
  httpAgent: HttpAgent,
  httpsAgent: HttpsAgent | HttpsProxyAgent<string>,
): ConstructorParameters<typeof NodeHttpHandler>[0] {
  return {
    connectionTimeout: CONNECT_TIMEOUT,
    requestTimeout: ANSWER_TIMEOUT,
    socketTimeout: ANSWER_TIMEOUT,
    throwOnRequestTimeout: true,
    httpAgent,
    httpsAgent,
  };
}

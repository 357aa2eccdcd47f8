import { randomUUID } from "node:crypto";
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  createServer,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KeywardError } from "../domain/result.js";
import type { Reply } from "./reply.js";

/** A request whose body was read. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Made by the server; also the answer's x-amzn-requestid. */
  readonly id: string;
}

/** What a request gets. */
export type Outcome =
  /** `cut`: only half of the body is sent, then the connection is cut. */
  | { readonly kind: "reply"; readonly reply: Reply; readonly cut?: true }
  | { readonly kind: "reset" }
  | { readonly kind: "hang" };

/** A running server. */
export interface RunningServer {
  readonly port: number;
  /** Stops taking requests, lets running ones end for a moment, then cuts the rest. */
  close(): Promise<void>;
}

/** Largest body that is read, in bytes. The largest request of KMS, CreateKey with a policy, has less than 200 KiB. */
export const MAX_BODY_BYTES = 1024 * 1024;
const CLOSE_GRACE_MS = 500;
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?$/i;

/**
 * Serves HTTP on 127.0.0.1 and nowhere else. Requests whose Host header names another host are refused, so that a web
 * page cannot reach the server under a name of its own (DNS rebinding).
 * @throws KeywardError when the port is taken.
 */
export async function serve(
  port: number,
  answer: (request: HttpRequest) => Promise<Outcome>,
): Promise<RunningServer> {
  const hanging = new Set<ServerResponse>();
  const server = createServer((incoming, response) => {
    handle(incoming, response, answer, hanging).catch(() => response.destroy());
  });
  await listen(server, port);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address");
  return { port: (address satisfies AddressInfo).port, close: () => close(server, hanging) };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new KeywardError({
          what: "the sandbox cannot listen",
          where: `127.0.0.1:${port}`,
          got: error.code ?? error.message,
          next: "choose another --port, or none for a free one",
        }),
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function close(server: Server, hanging: ReadonlySet<ServerResponse>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  for (const response of hanging) response.destroy();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(cut);
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: (request: HttpRequest) => Promise<Outcome>,
  hanging: Set<ServerResponse>,
): Promise<void> {
  // A client that goes away is no failure of the server.
  response.on("error", () => response.destroy());
  incoming.on("error", () => response.destroy());
  if (!LOOPBACK_HOST.test(incoming.headers.host ?? "")) {
    await send(response, plain(403, "This server answers requests to 127.0.0.1 and localhost only."));
    return;
  }
  const body = await readBody(incoming);
  if (body === undefined) {
    await send(response, plain(413, `Request bodies can have at most ${MAX_BODY_BYTES} bytes.`));
    incoming.destroy();
    return;
  }
  const outcome = await answer({
    method: incoming.method ?? "GET",
    path: (incoming.url ?? "/").split("?", 1)[0] ?? "/",
    headers: incoming.headers,
    body,
    id: randomUUID(),
  });
  switch (outcome.kind) {
    case "reply":
      await (outcome.cut === true ? sendHalf : send)(response, outcome.reply);
      return;
    case "reset":
      incoming.socket.resetAndDestroy();
      return;
    case "hang":
      hanging.add(response);
      response.once("close", () => hanging.delete(response));
      return;
  }
}

function plain(status: number, text: string): Reply {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", connection: "close" },
    body: `${text}\n`,
  };
}

/** Undefined: too long. Rejects where the client goes away before the end. */
function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) resolve(undefined);
      else chunks.push(chunk);
    });
    incoming.once("end", () => {
      const [only, ...more] = chunks;
      resolve(only !== undefined && more.length === 0 ? only : Buffer.concat(chunks));
    });
    incoming.once("error", reject);
    incoming.once("close", () => reject(new Error("the client went away")));
  });
}

/** Promises the whole body and sends the first half. */
async function sendHalf(response: ServerResponse, reply: Reply): Promise<void> {
  const text = typeof reply.body === "string" ? reply.body : [...reply.body].join("");
  const bytes = Buffer.from(text, "utf8");
  response.writeHead(reply.status, { ...reply.headers, "content-length": bytes.length });
  await new Promise<void>((resolve) => {
    response.write(bytes.subarray(0, bytes.length >>> 1), () => resolve());
  });
  response.destroy();
}

async function send(response: ServerResponse, reply: Reply): Promise<void> {
  if (typeof reply.body === "string") {
    const text = reply.body;
    response.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(text) });
    await new Promise<void>((resolve) => {
      response.once("close", resolve);
      // Node sends a text together with the headers, in one write.
      response.end(text, "utf8", resolve);
    });
    return;
  }
  response.writeHead(reply.status, reply.headers);
  await pipeline(Readable.from(reply.body), response);
}

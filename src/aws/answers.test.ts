import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { WholeAnswers } from "./answers.js";
import { callFailure } from "./failure.js";

afterEach(() => vi.unstubAllEnvs());

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serving(handler: Handler): Promise<number> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

type Argument = Parameters<WholeAnswers["handle"]>[0];

function request(port: number, body?: string): Argument {
  const headers = { host: "kms.example", "x-amz-target": "T" };
  const made = {
    protocol: "http:",
    hostname: "127.0.0.1",
    port,
    method: "POST",
    path: "/",
    headers,
    query: {},
  };
  // The class adds nothing that is used.
  return { ...made, body } as unknown as Argument;
}

function connections(): WholeAnswers {
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) vi.stubEnv(name, "");
  const made = new WholeAnswers();
  onTestFinished(() => made.destroy());
  return made;
}

/** What a scan makes of the error. */
async function failureOf(answer: Promise<unknown>): Promise<{ code: string; kind: string }> {
  const error: unknown = await answer.then(
    () => undefined,
    (e: unknown) => e,
  );
  const { code, kind } = callFailure("kms:ListKeys", error, undefined);
  return { code, kind };
}

describe("whole answers", () => {
  it("have the status, the headers and all of the body; the request goes out as it is", async () => {
    const long = "x".repeat(200_000);
    const seen: unknown[] = [];
    const port = await serving((incoming, response) => {
      let body = "";
      incoming.on("data", (d) => (body += String(d)));
      incoming.on("end", () => {
        seen.push([incoming.headers.host, incoming.headers["x-amz-target"], body]);
        response.writeHead(418, { "x-a": "1" }).write(long);
        response.end("end");
      });
    });
    const { response } = await connections().handle(request(port, '{"a":1}'));
    expect(seen).toEqual([["kms.example", "T", '{"a":1}']]);
    expect(response.statusCode).toBe(418);
    expect(response.headers["x-a"]).toBe("1");
    expect(Buffer.from(response.body as Uint8Array).toString()).toBe(`${long}end`);
  });

  it("use connections again", async () => {
    const ports = new Set<number | undefined>();
    const port = await serving((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      incoming.resume().on("end", () => response.end("{}"));
    });
    const made = connections();
    for (let i = 0; i < 20; i++) await made.handle(request(port, "{}"));
    // A second one is opened where a call begins before the first connection is known to be free again.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it("that are cut off or never begin are a connection that was reset", async () => {
    const half = await serving((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half", () => response.destroy());
    });
    const none = await serving((incoming) => incoming.socket.destroy());
    for (const port of [half, none]) {
      expect(await failureOf(connections().handle(request(port)))).toEqual({
        code: "ECONNRESET",
        kind: "unreachable",
      });
    }
  });

  it("that trickle, or never stop, are given up", async () => {
    const trickling = await serving((_, response) => {
      const timer = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(timer));
    });
    const endless = await serving((_, response) => {
      const more = (): void => void response.write("x".repeat(10_000), more);
      response.on("error", () => undefined);
      more();
    });
    const made = new WholeAnswers({ ms: 100, bytes: 100_000 });
    onTestFinished(() => made.destroy());
    for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) vi.stubEnv(name, "");
    expect(await failureOf(made.handle(request(trickling)))).toEqual({
      code: "ETIMEDOUT",
      kind: "unreachable",
    });
    expect(await failureOf(made.handle(request(endless)))).toEqual({
      code: "UnexpectedAnswer",
      kind: "other",
    });
  });

  it("of nobody are a refused connection", async () => {
    const port = await serving(() => undefined);
    const free = port === 65_535 ? 1 : port + 1;
    const failure = await failureOf(connections().handle(request(free)));
    expect(failure.kind).toBe("unreachable");
  });

  it("are given up when the signal is aborted, and when the connections end", async () => {
    const port = await serving(() => undefined);
    const stop = new AbortController();
    const made = connections();
    const aborted = failureOf(made.handle(request(port), { abortSignal: stop.signal }));
    setTimeout(() => stop.abort(), 20);
    expect((await aborted).kind).toBe("stopped");
    const ended = failureOf(made.handle(request(port)));
    setTimeout(() => made.destroy(), 20);
    expect((await ended).kind).toBe("stopped");
  });

  it("come through the proxy of the environment", async () => {
    const seen: (string | undefined)[] = [];
    const proxy = await serving((incoming, response) => {
      seen.push(incoming.url);
      response.end("{}");
    });
    for (const name of ["HTTP_PROXY", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"]) vi.stubEnv(name, "");
    vi.stubEnv("http_proxy", `http://127.0.0.1:${proxy}`);
    const made = new WholeAnswers();
    onTestFinished(() => made.destroy());
    await made.handle(request(9));
    expect(seen).toEqual([expect.stringContaining("kms.example:9")]);
  });
});

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Connections } from "./connections.js";

afterEach(() => vi.unstubAllEnvs());

/** A server that notes the lines of requests: a proxy gets the whole address. */
async function listening(): Promise<{ url: string; seen: string[]; close: () => void }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function ask(connections: Connections, url: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const request = {
    protocol: "http:",
    hostname,
    port: Number(port),
    method: "GET",
    path: "/x",
    headers: {},
    query: {},
  };
  const { response } = await connections.handle(request as unknown as Parameters<Connections["handle"]>[0]);
  return response.statusCode;
}

describe("connections", () => {
  it("go through the proxy of the environment, but not to what it leaves out", async () => {
    const [proxy, target] = [await listening(), await listening()];
    for (const name of ["HTTP_PROXY", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"]) vi.stubEnv(name, "");
    vi.stubEnv("http_proxy", proxy.url);
    const connections = new Connections();
    try {
      expect(await ask(connections, "http://kms.example.invalid:80")).toBe(200);
      expect(proxy.seen).toEqual([expect.stringContaining("kms.example.invalid")]);
      const direct = new Connections();
      vi.stubEnv("no_proxy", "127.0.0.1");
      expect(await ask(direct, target.url)).toBe(200);
      expect(target.seen).toEqual(["/x"]);
      expect(proxy.seen).toHaveLength(1);
      direct.destroy();
    } finally {
      connections.destroy();
      proxy.close();
      target.close();
    }
  });
});

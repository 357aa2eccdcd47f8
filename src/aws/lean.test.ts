import { GetKeyPolicyCommand, KMSClient } from "@aws-sdk/client-kms";
import { describe, expect, it, vi } from "vitest";
import { callFailure } from "./failure.js";
import { LeanKms } from "./lean.js";
import type { ClientConfig } from "./session.js";

interface Seen {
  readonly hostname: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A configuration whose connection gives these answers, and what was sent. */
function wire(
  answers: readonly (readonly [status: number, body: string])[],
  more: Partial<ClientConfig> = {},
): { config: ClientConfig; seen: Seen[] } {
  const seen: Seen[] = [];
  const waiting = [...answers];
  const config = {
    region: "eu-west-1",
    credentials: () =>
      Promise.resolve({ accessKeyId: "AKIA", secretAccessKey: "secret", sessionToken: "token" }),
    requestHandler: {
      handle: (request: Seen) => {
        seen.push(request);
        const [statusCode, body] = waiting.shift() ?? [500, ""];
        const headers = { "content-type": "application/x-amz-json-1.1" };
        return Promise.resolve({ response: { statusCode, headers, body: Buffer.from(body) } });
      },
      metadata: { handlerProtocol: "http/1.1" },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
      destroy: () => undefined,
    },
    retryStrategy: {
      acquireInitialRetryToken: () => Promise.resolve({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
      refreshRetryTokenForRetry: () => Promise.reject(new Error("no more attempts")),
      recordSuccess: () => undefined,
    },
    customUserAgent: [["keyward", "1.2.3"]],
    ...more,
  };
  return { config: config as unknown as ClientConfig, seen };
}

const OK = [200, '{"Policy":"p"}'] as const;
const command = (): GetKeyPolicyCommand => new GetKeyPolicyCommand({ KeyId: "k", PolicyName: "default" });

/** The headers that both ways sign or that matter to AWS. */
function essence({ hostname, port, path, method, body, headers }: Seen): unknown {
  const text = typeof body === "string" ? body : new TextDecoder().decode(body as Uint8Array);
  const kept = ["host", "content-type", "x-amz-target", "x-amz-security-token", "x-amz-date", "user-agent"];
  const scope = /Credential=([^,]+)/.exec(headers["authorization"] ?? "")?.[1];
  return {
    hostname,
    port,
    path,
    method,
    text,
    scope,
    ...Object.fromEntries(kept.map((n) => [n, headers[n]])),
  };
}

describe("calls past the SDK's client", () => {
  it.each<[string, Partial<ClientConfig>]>([
    ["AWS", {}],
    ["China", { region: "cn-north-1" }],
    ["an endpoint of one's own", { endpoint: "http://127.0.0.1:4599/kms" }],
  ])("send the same as the SDK's client does: %s", async (_, more) => {
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
    try {
      const lean = wire([OK], more);
      const whole = wire([OK], more);
      expect((await new LeanKms(lean.config).send(command())).Policy).toBe("p");
      await new KMSClient(whole.config).send(command());
      expect(lean.seen).toHaveLength(1);
      const [a, b] = [lean.seen[0], whole.seen[0]];
      if (a === undefined || b === undefined) throw new Error("nothing was sent");
      // The SDK tells in its user agent which of its features were used.
      const without = (seen: Seen): unknown =>
        JSON.parse(JSON.stringify(essence(seen)).replaceAll(/ m\/[A-Za-z,]*/g, ""));
      expect(without(a)).toEqual(without(b));
      expect(a.headers["user-agent"]).toContain("keyward/1.2.3");
    } finally {
      vi.useRealTimers();
    }
  });

  it("sign with the key that the SDK makes, also after the credentials have changed", async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
    try {
      let n = 0;
      const credentials = (): Promise<{ accessKeyId: string; secretAccessKey: string }> =>
        Promise.resolve({ accessKeyId: "AKIA", secretAccessKey: `secret-${n}` });
      const { config, seen } = wire([OK, OK, OK], { credentials });
      const lean = new LeanKms(config);
      await lean.send(command());
      await lean.send(command());
      n = 1;
      await lean.send(command());
      const fresh = wire([OK], { credentials });
      await new LeanKms(fresh.config).send(command());
      const signatures = [...seen, ...fresh.seen].map((s) => s.headers["authorization"]);
      expect(signatures[1]).toBe(signatures[0]);
      expect(signatures[2]).not.toBe(signatures[0]);
      expect(signatures[3]).toBe(signatures[2]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("throw AWS's error by its name, and say of an answer that cannot be read what its status was", async () => {
    const denied = wire([[400, '{"__type":"AccessDeniedException","message":"no"}']]);
    const broken = wire([[503, "<html>"]]);
    const failures = [];
    for (const { config } of [denied, broken]) {
      try {
        await new LeanKms(config).send(command());
      } catch (error) {
        failures.push({ error, failure: callFailure("kms:GetKeyPolicy", error, undefined) });
      }
    }
    expect(failures[0]?.failure).toMatchObject({
      kind: "denied",
      code: "AccessDeniedException",
      message: "no",
    });
    expect(failures[1]?.error).toMatchObject({ $metadata: { httpStatusCode: 503 } });
  });
});

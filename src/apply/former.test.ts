import { describe, expect, it } from "vitest";
import { ok } from "../domain/result.js";
import type { HistoryPort } from "../usage/ports.js";
import { chooseFormer, formerInHistory, formerPolicy } from "./former.js";

const KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

function record(at: string, policy: string | undefined, more: object = {}): string {
  return JSON.stringify({
    eventSource: "kms.amazonaws.com",
    eventName: "PutKeyPolicy",
    eventTime: at,
    eventID: `id ${at}`,
    userIdentity: { type: "IAMUser", arn: "arn:aws:iam::111122223333:user/eve" },
    requestParameters: { keyId: "1234abcd-12ab-34cd-56ef-1234567890ab", policyName: "default", policy },
    responseElements: null,
    resources: [{ ARN: KEY, type: "AWS::KMS::Key" }],
    ...more,
  });
}

describe("a former policy in a CloudTrail record", () => {
  it("is that of PutKeyPolicy, byte for byte, with who and when", () => {
    expect(formerPolicy(record("2026-11-20T10:00:00Z", ' {"Version" : "x"}\n'))).toEqual({
      key: KEY,
      at: "2026-11-20T10:00:00Z",
      event: "PutKeyPolicy",
      eventId: "id 2026-11-20T10:00:00Z",
      by: "arn:aws:iam::111122223333:user/eve",
      policy: ' {"Version" : "x"}\n',
    });
  });

  it("is that of CreateKey, whose key stands in the answer", () => {
    const created = record("2026-11-20T10:00:00Z", "{}", {
      eventName: "CreateKey",
      resources: undefined,
      responseElements: { keyMetadata: { arn: KEY } },
    });
    expect(formerPolicy(created)).toMatchObject({ key: KEY, event: "CreateKey" });
  });

  it.each<[string, string]>([
    ["a refused call", record("2026-11-20T10:00:00Z", "{}", { errorCode: "AccessDenied" })],
    ["CreateKey without a policy", record("2026-11-20T10:00:00Z", undefined, { eventName: "CreateKey" })],
    ["another service", record("2026-11-20T10:00:00Z", "{}", { eventSource: "s3.amazonaws.com" })],
    [
      "another call that mentions it",
      record("2026-11-20T10:00:00Z", "{}", { eventName: "Decrypt", x: "PutKeyPolicy" }),
    ],
    ["what is no JSON", 'PutKeyPolicy {"'],
  ])("is none in %s", (_what, json) => {
    expect(formerPolicy(json)).toBe(undefined);
  });
});

describe("the policy to go back to", () => {
  const all = ["2026-11-22T10:00:00Z", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"].map((at, i) => {
    const former = formerPolicy(record(at, ["third", "first", "second"][i]));
    if (former === undefined) throw new Error("a record with a policy");
    return former;
  });
  it.each<[string, string | undefined, string, string | undefined]>([
    ["the one before the live one", undefined, "third", "second"],
    ["also where the live one is not the newest", undefined, "second", "first"],
    ["the newest where the live one is not known", undefined, "other", "third"],
    ["none before the first", undefined, "first", undefined],
    ["the one that was in force then", "2026-11-21T23:00:00Z", "third", "second"],
    ["none in force before the first", "2026-11-19T00:00:00Z", "third", undefined],
  ])("%s", (_what, at, live, expected) => {
    expect(chooseFormer(all, KEY, at, (policy) => policy === live)?.policy).toBe(expected);
  });
  it("is never that of another key", () => {
    expect(chooseFormer(all, KEY.replace("1234abcd", "9999abcd"), undefined, () => false)).toBe(undefined);
  });
});

describe("the event history", () => {
  it("is asked by the names of the calls, page by page, and a refusal is told", async () => {
    const asked: unknown[] = [];
    const port = (answer: HistoryPort["lookup"]): HistoryPort => ({ lookup: answer });
    const tools = { wait: () => Promise.resolve(), signal: new AbortController().signal };
    const found = await formerInHistory(
      port((_from, _to, token, _signal, event) => {
        asked.push([event, token]);
        const more = event === "PutKeyPolicy" && token === undefined;
        return Promise.resolve(
          ok({
            items: event === "PutKeyPolicy" ? [record("2026-11-20T10:00:00Z", token ?? "first page")] : [],
            next: more ? "page2" : undefined,
          }),
        );
      }),
      { from: 0, to: 1 },
      tools,
    );
    expect(asked).toEqual([
      ["PutKeyPolicy", undefined],
      ["PutKeyPolicy", "page2"],
      ["CreateKey", undefined],
      ["ReplicateKey", undefined],
    ]);
    expect(typeof found === "string" ? found : found.map((f) => f.policy)).toEqual(["page2", "first page"]);
    const refused = await formerInHistory(
      port(() =>
        Promise.resolve({
          ok: false,
          error: { kind: "denied", call: "x", code: "AccessDenied", message: "no" },
        }),
      ),
      { from: 0, to: 1 },
      tools,
    );
    expect(refused).toBe("AccessDenied: no");
  });
});

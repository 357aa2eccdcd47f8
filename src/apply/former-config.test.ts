import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { Listed } from "../usage/logs.js";
import { formerInConfig } from "./former-config.js";

const KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const POLICY = '{ "Version":"2012-10-17",\n"Statement" : [] }';
const item = (more: object): object => ({
  resourceType: "AWS::KMS::Key",
  ARN: KEY,
  configurationItemCaptureTime: "2026-11-20T10:00:00.123Z",
  configurationStateId: 17,
  ...more,
});

async function read(
  body: Buffer | string,
): Promise<{ policies: readonly string[]; gaps: readonly string[] }> {
  async function* files(): AsyncGenerator<Listed> {
    async function* bytes(): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      yield Buffer.from(body);
    }
    await Promise.resolve();
    yield { path: "config.json.gz", open: () => Promise.resolve(bytes()) };
  }
  const gaps: string[] = [];
  const found = await formerInConfig(files(), (gap) => gaps.push(gap));
  for (const f of found) expect(f).toMatchObject({ key: KEY, at: "2026-11-20T10:00:00Z", by: "AWS Config" });
  return { policies: found.map((f) => f.policy), gaps };
}

const ofItems = (...items: readonly object[]): string => JSON.stringify({ configurationItems: items });

it.each<[string, object, string]>([
  ["as text, byte for byte", { supplementaryConfiguration: { Policy: POLICY } }, POLICY],
  ["as text of text", { supplementaryConfiguration: { Policy: JSON.stringify(POLICY) } }, POLICY],
  ["in an answer", { supplementaryConfiguration: JSON.stringify({ Policy: POLICY }) }, POLICY],
  ["in the configuration", { configuration: { keyPolicy: POLICY } }, POLICY],
  [
    "with seconds",
    { configurationItemCaptureTime: 1795168800, configuration: { KeyPolicy: POLICY } },
    POLICY,
  ],
  [
    "as an object, by its meaning",
    { supplementaryConfiguration: { Policy: JSON.parse(POLICY) as object } },
    '{\n  "Version": "2012-10-17",\n  "Statement": []\n}',
  ],
])("a policy is found %s", async (_how, more, policy) => {
  expect((await read(ofItems(item(more)))).policies).toEqual([policy]);
});

it("reads what is compressed, and passes over what holds no policy of a key", async () => {
  const text = ofItems(
    item({ supplementaryConfiguration: { Policy: POLICY } }),
    item({ supplementaryConfiguration: { KeyRotationStatus: "true" } }),
    item({ resourceType: "AWS::S3::Bucket", supplementaryConfiguration: { Policy: POLICY } }),
    item({ ARN: "x", supplementaryConfiguration: { Policy: POLICY } }),
    item({ configurationItemCaptureTime: "once", supplementaryConfiguration: { Policy: POLICY } }),
  );
  expect(await read(gzipSync(text))).toEqual({ policies: [POLICY], gaps: [] });
});

it("names files that cannot be read", async () => {
  expect((await read('{"configurationItems": [')).gaps).toEqual([expect.stringContaining("config.json.gz")]);
});

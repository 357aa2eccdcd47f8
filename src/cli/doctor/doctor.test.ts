import { expect, test } from "vitest";
import type { Asked, CloudPort, KmsPort } from "../../collect/ports.js";
import { err, ok } from "../../domain/result.js";
import { probe } from "./run.js";

const denied = (call: string): Asked<never> =>
  err({ kind: "denied", call, code: "AccessDeniedException", message: "no" });

function cloud(kms: Partial<KmsPort>): CloudPort {
  const page = Promise.resolve(ok({ items: [], next: undefined }));
  const port = { listKeys: () => page, listAliases: () => page, ...kms };
  return {
    homeRegion: "us-east-1",
    identity: () => Promise.resolve(ok({ account: "111122223333", partition: "aws" })),
    describeRegions: () => Promise.resolve(ok([])),
    listRegions: () => Promise.resolve(ok([])),
    // The doctor calls nothing else of the port.
    kms: () => port as KmsPort,
  };
}

test("a read that is refused is named with its place; one that could not be tried is not called possible", async () => {
  const probes = await probe(
    cloud({ listKeys: () => Promise.resolve(denied("kms:ListKeys")) }),
    "us-east-1",
    new AbortController().signal,
  );
  expect(probes.find((p) => p.action === "kms:ListKeys")).toEqual({
    action: "kms:ListKeys",
    outcome: "cannot",
    detail: "111122223333/us-east-1: AccessDeniedException",
  });
  expect(probes.find((p) => p.action === "kms:GetKeyPolicy")?.outcome).toBe("not-tried");
  expect(probes.find((p) => p.action === "sts:GetCallerIdentity")?.outcome).toBe("can");
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyArnParts, makeKeyArn } from "../../src/domain/ids.js";
import { startCli } from "../cli.js";
import { type EvalVector, evalVectors, VECTOR_OWNER, vectorFacts, vectorRequest } from "../vectors.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-simulate-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The key of a case in a snapshot of its own, with a key id that names the case. */
function arnOf(v: EvalVector): string {
  return makeKeyArn({ ...keyArnParts(vectorFacts(v).arn), keyId: `case-${v.id}` });
}

function keyLine(v: EvalVector): unknown {
  const { state, spec, usage, origin, multiRegion, multiRegionKeyType, tags, aliases } = vectorFacts(v);
  return {
    type: "key",
    arn: arnOf(v),
    ...{ state, spec, usage, origin, multiRegion, multiRegionKeyType, tags, aliases },
    policy: { kind: "present", text: JSON.stringify(v.policy).replaceAll(vectorFacts(v).arn, arnOf(v)) },
    grants: { kind: "present", items: v.grants ?? [] },
  };
}

/** The request of a case as `keyward simulate` reads it. */
function requestLine(v: EvalVector): unknown {
  const r = vectorRequest(v);
  return {
    id: v.id,
    principal: v.req.principal,
    action: v.req.action,
    identity: v.req.identity,
    ...(v.boundary === undefined ? {} : { boundary: v.boundary }),
    context: r.context,
    ...(r.encryptionContext === undefined ? {} : { encryptionContext: r.encryptionContext }),
    ...(v.req.key_state === undefined ? {} : { keyState: v.req.key_state }),
    ...(v.rcp === undefined
      ? {}
      : { resourceControlPolicies: [{ Version: "2012-10-17", Statement: v.rcp }] }),
    time: "2026-11-23T00:00:00Z",
  };
}

describe("every case that judges one request, through the command", () => {
  const vectors = evalVectors();
  beforeAll(async () => {
    const lines = [
      { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T10:00:00Z", tool: "test" },
      { type: "organization", id: "o-own1234567", accounts: [{ id: VECTOR_OWNER }] },
      ...vectors.map(keyLine),
    ];
    await writeFile(join(folder, "cases.ndjson"), lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
  });

  test.each(vectors.map((v) => [v.id, v.why, v] as const))("%s: %s", async (id, _why, v) => {
    await writeFile(join(folder, `${id}.json`), JSON.stringify(requestLine(v)));
    const args = [
      "simulate",
      "cases.ndjson",
      "--key",
      arnOf(v),
      "--request",
      `${id}.json`,
      "--format",
      "json",
    ];
    const { code, stdout, stderr } = await startCli(args, folder).done;
    expect(stderr).toBe("");
    const { decision } = JSON.parse(stdout) as { decision: string };
    const wanted = v.expect.decision.toLowerCase();
    expect(v.sure ? [wanted] : [wanted, "unknown"]).toContain(decision);
    expect(code).toBe({ allow: 0, deny: 1, unknown: 3 }[decision]);
  });
});

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keyward } from "../../../test/io.js";

const KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const RUN = "20261123T100000000Z-abcdef";
const journal = ["--journal", join(mkdtempSync(join(tmpdir(), "keyward-flags-")), "none")];

describe("a journal that is not there", () => {
  test.each(["list", "verify"])("is not called unharmed, nor empty: %s", async (what) => {
    const { code, stdout, stderr } = await keyward(["journal", what, ...journal]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/there is no journal[^]*expected:[^]*next: /);
  });
});

/** A flag that would be passed over is refused: whoever wrote it relies on it. */
describe("a flag that has no effect is refused, before anything is read or sent", () => {
  test.each<[string, readonly string[], RegExp]>([
    [
      "a rehearsal of a run, which would be sent to AWS",
      ["apply", "--resume", RUN, "--rehearse", "estate.ndjson"],
      /--rehearse[^]*next: +make a plan/,
    ],
    ["single keys of a run", ["apply", "--resume", RUN, "--key", KEY], /--key[^]*next: +leave --key out/],
    ["use without a rehearsal", ["apply", "plan.yaml", "--usage", "u.ndjson"], /--usage[^]*--rehearse/],
    [
      "evidence of a rollback from the journal",
      ["rollback", "--key", KEY, "--cloudtrail", "logs"],
      /--cloudtrail[^]*--from cloudtrail/,
    ],
    [
      "items of AWS Config, for a rollback from the journal",
      ["rollback", RUN, "--config-history", "items.json"],
      /--config-history[^]*--from config/,
    ],
    [
      "items of AWS Config, for a rollback from CloudTrail",
      ["rollback", "--key", KEY, "--from", "cloudtrail", "--config-history", "items.json"],
      /--config-history[^]*--from config/,
    ],
    [
      "logs, for a rollback from AWS Config",
      ["rollback", "--key", KEY, "--from", "config", "--cloudtrail", "logs"],
      /--cloudtrail[^]*--from cloudtrail/,
    ],
    [
      "a time, for a rollback from the journal",
      ["rollback", "--key", KEY, "--at", "2026-11-20T10:00:00Z"],
      /--at[^]*--from/,
    ],
    [
      "a source beside a file",
      ["rollback", "--key", KEY, "--policy", "p.json", "--from", "cloudtrail"],
      /--policy[^]*--from/,
    ],
    [
      "denials that are in a usage file already",
      ["verify", RUN, "--usage", "u", "--denied", "d"],
      /--denied/,
    ],
    ["two kinds of evidence", ["verify", RUN, "--usage", "u", "--cloudtrail", "logs"], /--usage/],
    ["denials of no evidence", ["verify", RUN, "--denied", "d.ndjson"], /--denied[^]*--cloudtrail/],
  ])("%s", async (_what, args, message) => {
    const { code, stderr } = await keyward([...args, ...journal]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("no such run");
  });
});

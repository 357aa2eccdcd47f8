import { describe, expect, test } from "vitest";
import { FRIEND, OWNER, account, role } from "../../test/judging.js";
import type { ActionName } from "../domain/ids.js";
import type { UsageEntry, UsagePrincipal } from "../usage/types.js";
import { foretold, type ForeseenUse } from "./observed.js";

const SETTLE = role(FRIEND, "Settle");

function denied(principal: UsagePrincipal, more: Partial<UsageEntry> = {}): UsageEntry {
  return {
    principal,
    account: account(FRIEND),
    action: "kms:Decrypt" as ActionName,
    contextKeys: [],
    sourceNetwork: { kind: "unknown" },
    outcome: { kind: "denied", code: "AccessDenied", effect: "implicit", policy: "resource" },
    count: 1,
    firstSeen: "2026-11-20T00:00:00Z",
    lastSeen: "2026-11-20T00:00:00Z",
    ...more,
  };
}

/** What a plan says that was made from the trail of the key's owner, which knows account and id alone. */
function foreseen(principal: string, more: Partial<ForeseenUse> = {}): readonly ForeseenUse[] {
  return [{ principal, account: FRIEND, via: null, action: "kms:Decrypt", ...more }];
}

describe("a denial was foretold", () => {
  const settle: UsagePrincipal = { kind: "role", arn: SETTLE, id: "AROASETTLEEXAMPLE" };
  const via = "s3.amazonaws.com";

  test.each<[string, readonly ForeseenUse[], UsageEntry]>([
    ["of the role that the plan names", foreseen(SETTLE), denied(settle)],
    ["of a role of the account that the plan names", foreseen(`account ${FRIEND}`), denied(settle)],
    ["of the id that the plan names", foreseen(`account ${FRIEND} (AROASETTLEEXAMPLE)`), denied(settle)],
    ["through the service that the plan names", foreseen(SETTLE, { via }), denied(settle, { via })],
  ])("%s", (_what, uses, entry) => {
    expect(foretold(uses, entry, "aws")).toBe(true);
  });

  test.each<[string, readonly ForeseenUse[], UsageEntry]>([
    ["of a role whose name goes on", foreseen(`${SETTLE}Daily`), denied(settle)],
    ["of a role whose name begins so", foreseen(SETTLE), denied({ kind: "role", arn: `${SETTLE}Daily` })],
    ["of another id of the account", foreseen(`account ${FRIEND} (AROAOTHEREXAMPLE1)`), denied(settle)],
    ["of another account", foreseen(`account ${OWNER}`, { account: OWNER }), denied(settle)],
    ["of another operation", foreseen(SETTLE, { action: "kms:Encrypt" }), denied(settle)],
    ["through a service, where the plan speaks of direct calls", foreseen(SETTLE), denied(settle, { via })],
    ["of a direct call, where the plan speaks of a service", foreseen(SETTLE, { via }), denied(settle)],
  ])("not: %s", (_what, uses, entry) => {
    expect(foretold(uses, entry, "aws")).toBe(false);
  });
});

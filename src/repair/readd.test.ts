import { describe, expect, test } from "vitest";
import { FRIEND, OWNER, ROOT, STRANGER, account, policyText, role, root } from "../../test/judging.js";
import { entry, usage } from "../../test/observed-use.js";
import { change, outcome } from "../../test/planning.js";
import type { UsageEntry, UsagePrincipal } from "../usage/types.js";

const app: UsagePrincipal = { kind: "role", arn: role(OWNER, "App") };

describe("re-admission", () => {
  const denied = { kind: "denied", code: "AccessDenied", effect: "implicit", policy: "resource" } as const;

  test("lets in exactly who was denied, with what was denied, the way it came", () => {
    const seen = usage(
      entry(app, "kms:Decrypt", { outcome: denied }),
      entry(app, "kms:GenerateDataKey", { outcome: denied, via: "s3.amazonaws.com" }),
    );
    const planned = change(policyText(), { usage: seen, readd: true });
    const { Statement } = JSON.parse(planned.policy?.text ?? "") as { Statement: unknown[] };
    const base = { Effect: "Allow", Principal: { AWS: role(OWNER, "App") }, Resource: "*" };
    expect(Statement).toEqual([
      ROOT,
      { ...base, Sid: "KeywardReadmit1", Action: "kms:Decrypt" },
      {
        ...base,
        Sid: "KeywardReadmit2",
        Action: "kms:GenerateDataKey",
        Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
      },
    ]);
    expect(planned.obligations.find((o) => o.id === "closed")?.result).toBe("proved");
    expect(planned.obligations.find((o) => o.id === "nothing-gained")?.result).not.toBe("failed");
  });

  test("of a root user lets in that user, and nobody else of its account", () => {
    const friend = { kind: "root", account: account(FRIEND) } as const;
    const seen = usage(entry(friend, "kms:Decrypt", { outcome: denied, account: account(FRIEND) }));
    const planned = change(policyText(), { usage: seen, readd: true });
    const { Statement } = JSON.parse(planned.policy?.text ?? "") as { Statement: unknown[] };
    // aws:PrincipalArn of a root user: IAM User Guide, "AWS global condition context keys".
    expect(Statement[1]).toEqual({
      Sid: "KeywardReadmit1",
      Effect: "Allow",
      Principal: { AWS: root(FRIEND) },
      Action: "kms:Decrypt",
      Resource: "*",
      Condition: { ArnEquals: { "aws:PrincipalArn": root(FRIEND) } },
    });
    expect(planned.gains.map((g) => g.witness.principal)).toEqual([root(FRIEND)]);
  });

  test.each<[string, UsageEntry]>([
    [
      "an outsider",
      entry({ kind: "role", arn: role(STRANGER, "x") }, "kms:Decrypt", {
        outcome: denied,
        account: account(STRANGER),
      }),
    ],
    ["who was denied explicitly", entry(app, "kms:Decrypt", { outcome: { ...denied, effect: "explicit" } })],
    [
      "who was denied by a boundary",
      entry(app, "kms:Decrypt", { outcome: { ...denied, policy: "permissions-boundary" } }),
    ],
    ["who was allowed", entry(app, "kms:Decrypt")],
  ])("does not let in %s", (_who, e) => {
    expect(outcome(policyText(), { usage: usage(e), readd: true }).kind).toBe("unchanged");
  });
});

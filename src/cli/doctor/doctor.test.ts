import { expect, test } from "vitest";
import { actionsFor } from "../../aws/least-privilege.js";
import type { Asked, CloudPort, KmsPort, OrganizationPort } from "../../collect/ports.js";
import { err, ok } from "../../domain/result.js";
import { probeAccount, probeOf, probeOrganization, probeRegion } from "./probe.js";
import { triedNowhere } from "./run.js";
import { summary } from "./summary.js";

const { signal } = new AbortController();
const denied = (call: string): Asked<never> =>
  err({ kind: "denied", call, code: "AccessDeniedException", message: "no" });
const page = <T>(...items: readonly T[]) => Promise.resolve(ok({ items, next: undefined }));

test("a read that is refused is named with its place; one that could not be tried is not called possible", async () => {
  const kms: Partial<KmsPort> = {
    listKeys: () => Promise.resolve(denied("kms:ListKeys")),
    listAliases: () => page(),
  };
  // The doctor calls nothing else of a port that lists no key.
  const probes = await probeRegion(kms as KmsPort, "111122223333/us-east-1", signal);
  expect(probes.find((p) => p.action === "kms:ListKeys")).toEqual({
    action: "kms:ListKeys",
    outcome: "cannot",
    where: "111122223333/us-east-1",
    detail: "AccessDeniedException",
  });
  expect(probes.find((p) => p.action === "kms:GetKeyPolicy")).toMatchObject({
    outcome: "not-tried",
    detail: "no key could be listed",
  });
});

test("what verdicts need and no Region had a key to try with is not known", async () => {
  const empty: Partial<KmsPort> = { listKeys: () => page(), listAliases: () => page() };
  const none = await probeRegion(empty as KmsPort, "111122223333/us-east-1", signal);
  expect(triedNowhere(none)).toEqual(["kms:GetKeyPolicy", "kms:ListGrants"]);
  const refused = [
    { action: "kms:GetKeyPolicy", outcome: "cannot", where: "111122223333/eu-west-1" },
    { action: "kms:ListGrants", outcome: "can", where: "111122223333/eu-west-1" },
  ] as const;
  expect(triedNowhere([...none, ...refused])).toEqual([]);
});

test("every declared action of a scan is tried", async () => {
  const kms: KmsPort = {
    listKeys: () => page({ id: "k", arn: "" }),
    listAliases: () => page(),
    describeKey: () => Promise.resolve(denied("kms:DescribeKey")),
    getKeyPolicy: () => Promise.resolve(ok("{}")),
    listGrants: () => page(),
    listResourceTags: () => page(),
    rotationEnabled: () => Promise.resolve(ok(true)),
    lastUsage: () => Promise.resolve(ok({ at: undefined, trackedSince: undefined })),
  };
  const cloud: CloudPort = {
    homeRegion: "us-east-1",
    identity: () => Promise.resolve(ok({ account: "111122223333", partition: "aws" })),
    describeRegions: () => Promise.resolve(ok([{ name: "us-east-1", enabled: true }])),
    listRegions: () => Promise.resolve(ok([])),
    kms: () => kms,
    iam: () => Promise.resolve({ authorizationDetails: () => page() }),
  };
  const port: OrganizationPort = {
    describe: () => Promise.resolve(ok({ id: "o-own1234567", managementAccountId: undefined })),
    accounts: () => page({ id: "111122223333", name: undefined, status: "ACTIVE" }),
    roots: () => page({ id: "r-ab12", policyTypes: [] }),
    unitsOf: () => page(),
    accountsOf: () => page(),
    tagsOf: () => page(),
    policies: () => page({ id: "p-1", name: undefined }),
    policyText: () => Promise.resolve(ok("{}")),
    targetsOf: () => page(),
  };
  const tried = [
    ...(await probeAccount(cloud, "111122223333", signal)).probes,
    ...(await probeRegion(kms, "111122223333/us-east-1", signal)),
    ...(await probeOrganization(port, signal)).probes,
  ];
  expect(tried.filter((p) => p.outcome === "not-tried")).toEqual([]);
  expect(tried.filter((p) => p.outcome === "cannot").map((p) => p.action)).toEqual(["kms:DescribeKey"]);
  // Who asks and the role are tried where an account is entered.
  const all = [...actionsFor("scan"), ...actionsFor("organization")].filter((a) => !a.startsWith("sts:"));
  expect([...new Set(tried.map((p) => p.action))].sort()).toEqual([...new Set(all)].sort());
});

test("a list of accounts that goes round comes to an end and is told", async () => {
  const nothing = (): Promise<Asked<never>> => Promise.resolve(denied("organizations"));
  const port: OrganizationPort = {
    describe: nothing,
    accounts: () =>
      Promise.resolve(
        ok({ items: [{ id: "111122223333", name: undefined, status: "ACTIVE" }], next: "again" }),
      ),
    roots: nothing,
    unitsOf: nothing,
    accountsOf: nothing,
    tagsOf: nothing,
    policies: nothing,
    policyText: nothing,
    targetsOf: nothing,
  };
  const { probes } = await probeOrganization(port, signal);
  expect(probes.filter((p) => p.action === "organizations:ListAccounts").at(-1)).toMatchObject({
    outcome: "cannot",
    detail: "PagingLoop",
  });
});

test("a Region that the account has not enabled is told, and not looked at", async () => {
  const cloud: Partial<CloudPort> = {
    describeRegions: () =>
      Promise.resolve(
        ok([
          { name: "us-east-1", enabled: true },
          { name: "af-south-1", enabled: false },
        ]),
      ),
    listRegions: () => Promise.resolve(ok([])),
  };
  // The doctor asks an account nothing else before it looks at Regions.
  const { probes, regions } = await probeAccount(cloud as CloudPort, "111122223333", signal);
  expect(regions).toEqual(["us-east-1"]);
  expect(probes.at(-1)).toEqual({
    action: "kms:ListKeys",
    outcome: "not-tried",
    where: "111122223333/af-south-1",
    detail: "the account has not enabled the Region",
  });
});

test("the next step is the policy only where an action is denied; of a role and of other failures the call says it", () => {
  const failed = (kind: "denied" | "credentials", action: string): string =>
    summary(
      [
        probeOf(
          action,
          err({ kind, call: action, code: "X", message: "", help: "Do this." }),
          "111122223333",
        ),
      ],
      [],
      undefined,
    ).join("");
  expect(failed("denied", "kms:ListKeys")).toMatch(/next: keyward doctor --for scan prints the policy/);
  expect(failed("denied", "organizations:ListRoots")).toMatch(/next: keyward doctor --for organization/);
  expect(failed("denied", "sts:AssumeRole")).toMatch(/\n {4}next: Do this\.\n$/);
  expect(failed("credentials", "kms:ListKeys")).toMatch(/\n {4}next: Do this\.\n$/);
});

test("lines are broken at the width of a terminal, and stay whole where there is none", () => {
  const probes = ["a", "b", "c"].map((name) => ({
    action: "kms:ListGrants",
    outcome: "not-tried" as const,
    where: `111122223333/${name.repeat(20)}`,
    detail: "there is no key to try it with",
  }));
  const whole = summary(probes, ["kms:ListGrants"], undefined).join("").trimEnd().split("\n");
  expect(whole).toHaveLength(3);
  const text = summary(probes, ["kms:ListGrants"], 60).join("");
  expect(Math.max(...text.split("\n").map((l) => l.length))).toBeLessThanOrEqual(60);
  expect(text.replace(/\s+/g, "")).toBe(whole.join("").replace(/\s+/g, ""));
});

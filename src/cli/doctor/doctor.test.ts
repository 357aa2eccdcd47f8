import { expect, test } from "vitest";
import { actionsFor } from "../../aws/least-privilege.js";
import type { Asked, CloudPort, KmsPort, OrganizationPort } from "../../collect/ports.js";
import { err, ok } from "../../domain/result.js";
import { probeAccount, probeOrganization, probeRegion } from "./probe.js";
import { triedNowhere } from "./run.js";

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
  expect([...new Set(tried.map((p) => p.action))].sort()).toEqual([...all].sort());
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

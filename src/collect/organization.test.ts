import { expect, it } from "vitest";
import { err, ok } from "../domain/result.js";
import { Estate } from "../snapshot/key-record.js";
import { snapshotLineSchema } from "../snapshot/schema.js";
import { failure } from "../../test/collect/fake-cloud.js";
import { Channel } from "./channel.js";
import { readOrganization, readOrganizationPolicies } from "./organization.js";
import type { ReadOrganization } from "./organization.js";
import type { Asked, ListedAccount, OrganizationPort, Page } from "./ports.js";
import { AccountRun, Run } from "./run.js";

const ID = "o-own1234567";
const [MANAGEMENT, PAY, LOGS] = ["111122223333", "222233334444", "333344445555"] as const;
const account = (id: string): ListedAccount => ({ id, name: undefined, status: "ACTIVE" });

function page<T>(...items: readonly T[]): Promise<Asked<Page<T>>> {
  return Promise.resolve(ok({ items, next: undefined }));
}
const denied = (call: string): Promise<Asked<never>> =>
  Promise.resolve(err(failure("denied", "AccessDeniedException", call)));

/** An organization with a root, a unit and three accounts. */
function organization(more: Partial<OrganizationPort> = {}): OrganizationPort {
  return {
    describe: () => Promise.resolve(ok({ id: ID, managementAccountId: MANAGEMENT })),
    accounts: () => page(account(MANAGEMENT), account(PAY), account(LOGS)),
    roots: () =>
      page({
        id: "r-ab12",
        organization: undefined,
        policyTypes: ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"],
      }),
    unitsOf: (parent) => (parent === "r-ab12" ? page({ id: "ou-ab12-11111111", name: undefined }) : page()),
    accountsOf: (parent) =>
      parent === "r-ab12" ? page(account(MANAGEMENT), account(LOGS)) : page(account(PAY)),
    tagsOf: () => page(),
    policies: (type) =>
      type === "SERVICE_CONTROL_POLICY"
        ? page({ id: "p-full", name: undefined }, { id: "p-s3only", name: undefined })
        : page({ id: "p-rcp", name: undefined }),
    policyText: (id) => Promise.resolve(ok(`text of ${id}`)),
    targetsOf: (id) => (id === "p-full" ? page("r-ab12", PAY) : page("r-ab12")),
    ...more,
  };
}

function running(): AccountRun {
  return new AccountRun(new Run(new Channel(1000), {}, new AbortController().signal), MANAGEMENT, false);
}

async function read(port: OrganizationPort): Promise<ReadOrganization> {
  const reading = readOrganization(running(), port, { units: [], tags: [] });
  const whole = await reading.whole;
  if (!whole.ok) throw new Error(whole.error.code);
  expect(snapshotLineSchema.safeParse(whole.value.line).error?.issues).toBeUndefined();
  return whole.value;
}

it("a tree in which a unit stands below itself comes to an end, and is a gap", async () => {
  const unit = { id: "ou-ab12-11111111", name: undefined };
  const { line, gaps } = await read(organization({ unitsOf: () => page(unit) }));
  expect(gaps).toMatchObject([
    [ID, { call: "organizations:ListOrganizationalUnitsForParent", code: "MetTwice" }],
  ]);
  expect(line.accounts?.find((a) => a.id === PAY)?.path).toBe(`${ID}/r-ab12/ou-ab12-11111111/`);
});

it("an account that stands in two places has no place for sure, and is scanned once", async () => {
  const port = organization({
    accounts: () => page(account(PAY), account(MANAGEMENT), account(PAY)),
    accountsOf: (parent) =>
      parent === "r-ab12" ? page(account(MANAGEMENT), account(PAY)) : page(account(PAY)),
  });
  const { line, accounts, gaps } = await read(port);
  expect(accounts.map((a) => a.id)).toEqual([MANAGEMENT, PAY]);
  expect(line.accounts).toEqual([
    { id: MANAGEMENT, path: `${ID}/r-ab12/`, status: "ACTIVE" },
    { id: PAY, status: "ACTIVE" },
  ]);
  expect(gaps).toMatchObject([[ID, { call: "organizations:ListAccountsForParent", code: "MetTwice" }]]);
});

it("a part of the tree is not taken for all of it where the accounts could not be listed either", async () => {
  const known = async (port: OrganizationPort): Promise<number | undefined> => {
    const estate = new Estate();
    estate.add((await read(port)).line);
    return estate.treeOf(ID)?.size;
  };
  const noList = { accounts: () => denied("organizations:ListAccounts") };
  const inUnit: OrganizationPort["accountsOf"] = (parent) =>
    parent === "r-ab12" ? page(account(MANAGEMENT)) : denied("organizations:ListAccountsForParent");
  expect(await known(organization())).toBe(3);
  expect(await known(organization(noList))).toBe(3);
  expect(await known(organization({ ...noList, accountsOf: inUnit }))).toBeUndefined();
});

it("accounts are told as their pages come, and the rest by the tree where the list breaks off", async () => {
  const told: string[] = [];
  const after: string[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const port = organization({
    accounts: async (marker) => {
      if (marker === undefined) return ok({ items: [account(PAY), account(MANAGEMENT)], next: "more" });
      await held;
      return denied("organizations:ListAccounts");
    },
  });
  const reading = readOrganization(running(), port, { units: [], tags: [] });
  for await (const { id } of reading.accounts) {
    told.push(id);
    if (told.length === 2) {
      after.push(...told);
      release();
    }
  }
  // The second page had not been answered when both accounts of the first were there.
  expect(after).toEqual([PAY, MANAGEMENT]);
  expect(told).toEqual([PAY, MANAGEMENT, LOGS]);
  const whole = await reading.whole;
  expect(whole.ok && whole.value.line.accounts?.map((a) => a.id)).toEqual([MANAGEMENT, PAY, LOGS].sort());
  expect(whole.ok && whole.value.gaps).toMatchObject([[ID, { call: "organizations:ListAccounts" }]]);
});

it("no account is told before it is known which organization it is", async () => {
  const port = organization({
    describe: () => denied("organizations:DescribeOrganization"),
    roots: () => denied("organizations:ListRoots"),
  });
  const reading = readOrganization(running(), port, { units: [], tags: [] });
  const told = [];
  for await (const { id } of reading.accounts) told.push(id);
  expect(told).toEqual([]);
  expect((await reading.whole).ok).toBe(false);
});

it("a place of which a service control policy was not read has none, for that one may be what allows", async () => {
  const policies = async (more: Partial<OrganizationPort>): Promise<readonly string[]> => {
    const port = organization(more);
    const { line } = await read(port);
    const found = await readOrganizationPolicies(running(), port, line);
    expect(found.gaps.length).toBe(Object.keys(more).length);
    return found.lines.flatMap((l) => ("target" in l ? [`${l.id ?? ""} ${l.target}`] : [])).sort();
  };
  const full = "p-full";
  const text: OrganizationPort["policyText"] = (id) =>
    id === full ? denied("organizations:DescribePolicy") : Promise.resolve(ok("{}"));
  const targets: OrganizationPort["targetsOf"] = (id) =>
    id === full ? denied("organizations:ListTargetsForPolicy") : page("r-ab12");
  expect(await policies({})).toEqual([`p-full ${PAY}`, "p-full r-ab12", "p-rcp r-ab12", "p-s3only r-ab12"]);
  // p-s3only alone at the root would say that nobody may use KMS.
  expect(await policies({ policyText: text })).toEqual(["p-rcp r-ab12"]);
  expect(await policies({ targetsOf: targets })).toEqual(["p-rcp r-ab12"]);
});

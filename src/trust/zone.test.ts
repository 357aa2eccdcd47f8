import { describe, expect, test } from "vitest";
import { present, unknown } from "../domain/fetched.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import { keyArnParts, parseAccountId, parseKeyArn, parseOrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import { EMPTY_ZONE } from "../domain/zone.js";
import { NO_CONFIG } from "./config.js";
import { assumeOwnOrganization, inZone, zoneOf } from "./zone.js";

const account = (id: string): AccountId => parseAccountId(id)!;
const organization = (id: string): OrganizationId => parseOrganizationId(id)!;
const OWN = organization("o-own1234567");
const OTHER = organization("o-partner0001");
const arn = parseKeyArn("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")!;
const FACTS: KeyFacts = { arn, ...keyArnParts(arn), organization: unknown };
const zone = (more: Partial<Zone>): Zone => ({ ...EMPTY_ZONE, ...more });

describe("the zone", () => {
  test("without a configuration nobody is in it, whatever the snapshot names", () => {
    expect(zoneOf(NO_CONFIG, [OWN])).toEqual(EMPTY_ZONE);
  });

  test("auto means the organizations of the snapshot, each once", () => {
    const config = { ...NO_CONFIG, trust: { ...NO_CONFIG.trust, organizations: "auto" as const } };
    expect(zoneOf(config, [OWN, OTHER, OWN]).organizations).toEqual([OWN, OTHER]);
    expect(zoneOf(config, []).organizations).toEqual([]);
  });

  test("what is listed is taken, and the snapshot adds nothing", () => {
    const trust = {
      organizations: [OWN],
      accounts: [{ id: account("222233334444"), name: "logs" }],
      principals: ["arn:aws:iam::444455556666:role/Backup"],
      services: ["logs.amazonaws.com"],
    };
    expect(zoneOf({ ...NO_CONFIG, trust }, [OTHER])).toEqual({
      organizations: [OWN],
      accounts: ["222233334444"],
      principals: ["arn:aws:iam::444455556666:role/Backup"],
      services: ["logs.amazonaws.com"],
    });
  });
});

describe("the organization of the key's account", () => {
  test("is taken to be the only trusted one where nothing is known, and that is said", () => {
    const result = assumeOwnOrganization(FACTS, zone({ organizations: [OWN] }));
    expect(result.assumed).toBe(OWN);
    expect(result.facts.organization).toEqual(present({ id: OWN }));
  });

  test.each<[string, KeyFacts["organization"], readonly OrganizationId[], readonly OrganizationId[]]>([
    ["no organization is trusted", unknown, [], []],
    ["two are trusted", unknown, [OWN, OTHER], []],
    ["another one is known", present({ id: OTHER }), [OWN], []],
    ["the account is known to be in none", { kind: "absent" }, [OWN], []],
    ["it could not be read", { kind: "unreadable", code: "AccessDeniedException" }, [OWN], []],
    ["the organization's list of accounts leaves it out", unknown, [OWN], [OWN]],
  ])("is left alone where %s", (_name, known, organizations, listed) => {
    const facts = { ...FACTS, organization: known };
    const result = assumeOwnOrganization(facts, zone({ organizations }), new Set(listed));
    expect(result).toEqual({ facts, assumed: undefined });
  });
});

describe("who is in the zone", () => {
  const known = new Map([
    [account("222233334444"), { id: OWN }],
    [account("333344445555"), { id: OTHER }],
    [account("555566667777"), null],
  ]);
  test.each([
    ["111122223333", true, "the key's own account"],
    ["222233334444", true, "a member of a trusted organization"],
    ["333344445555", false, "a member of another organization"],
    ["555566667777", false, "an account in no organization"],
    ["444455556666", true, "a trusted account"],
    ["999988887777", false, "an account of which nothing is known"],
  ])("%s: %s (%s)", (id, expected) => {
    const z = zone({ organizations: [OWN], accounts: [account("444455556666")] });
    expect(inZone(account(id), z, FACTS, known)).toBe(expected);
  });
});

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { keyward } from "../../test/io.js";
import {
  account,
  allow,
  FRIEND,
  OWNER,
  policyText,
  role,
  ROOT,
  root,
  STRANGER,
  type Json,
} from "../../test/judging.js";
import { entry, usage } from "../../test/observed-use.js";
import { type Around, outcome, ZONE } from "../../test/planning.js";
import type * as AnalyzeModule from "../access/analyze.js";
import type * as DiffModule from "../access/diff.js";
import type { Grant } from "../domain/grant.js";
import type { PlanFile } from "./plan-file.js";

/** keyward's two engines made to disagree at one look after the other, wherever in a plan for a key it is. */

const looks = vi.hoisted(() => ({ made: 0, disagreeAt: Number.NaN }));
const BUG = "the reference denies the witness";

vi.mock("../access/analyze.js", async (original) => {
  const real = await original<typeof AnalyzeModule>();
  return {
    ...real,
    analyze: (input: Parameters<typeof real.analyze>[0]) => disagreeing(real.analyze(input)),
  };
});
vi.mock("../access/diff.js", async (original) => {
  const real = await original<typeof DiffModule>();
  return {
    ...real,
    gains: (input: Parameters<typeof real.gains>[0]) => disagreeing(real.gains(input)),
    losses: (input: Parameters<typeof real.losses>[0]) => disagreeing(real.losses(input)),
  };
});

function disagreeing<T extends object>(found: T): T {
  return looks.made++ === looks.disagreeAt ? { ...found, disagreements: [BUG] } : found;
}

afterEach(() => {
  looks.disagreeAt = Number.NaN;
});

/** What comes of planning, for each look at the key at which the engines disagree. */
function kinds(policy: string, around: Around): readonly string[] {
  looks.made = 0;
  const agreed = outcome(policy, around);
  const count = looks.made;
  return [
    agreed.kind,
    ...Array.from({ length: count }, (_, at) => {
      Object.assign(looks, { made: 0, disagreeAt: at });
      return outcome(policy, around).kind;
    }),
  ];
}

const whole = (...statements: readonly Json[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const grant: Grant = { GrantId: "a".repeat(64), GranteePrincipal: root(STRANGER), Operations: ["Decrypt"] };
const app = { kind: "role", arn: role(OWNER, "App") } as const;
const denied = { kind: "denied", code: "AccessDenied", effect: "implicit", policy: "resource" } as const;
/** Nobody but somebody of whom a condition asks something manages the key: the engine is asked who. */
const withMfa = {
  ...ROOT,
  Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
};

describe("engines that disagree in a proof of a plan", () => {
  test.each<[string, string, Around, number]>([
    ["a strategy for everybody", policyText(allow("*", "kms:Decrypt")), {}, 4],
    ["a search for a manager", whole(withMfa, allow("*", "kms:Decrypt")), {}, 6],
    ["a revocation", whole(withMfa), { grants: [grant] }, 6],
    [
      "a re-admission",
      policyText(),
      { usage: usage(entry(app, "kms:Decrypt", { outcome: denied })), readd: true },
      4,
    ],
    [
      "who stays by an exception",
      policyText(allow("*", "kms:Decrypt")),
      {
        zoneWithoutExceptions: {
          ...ZONE,
          accounts: [account(FRIEND)],
        },
      },
      5,
    ],
  ])("are told, whichever look it was: %s", (_what, policy, around, least) => {
    const [agreed, ...rest] = kinds(policy, around);
    expect(agreed).toBe("change");
    expect(rest.length).toBeGreaterThanOrEqual(least);
    expect(new Set(rest)).toEqual(new Set(["disagreement"]));
  });

  test("are told where exceptions are looked up, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keyward-disagree-"));
    const [file, config] = [join(folder, "policy.json"), join(folder, "keyward.yaml")];
    writeFileSync(file, policyText(allow({ AWS: root(STRANGER) }, "kms:Decrypt")));
    writeFileSync(
      config,
      `exceptions:\n  - { key: "arn:aws:kms:*:${OWNER}:key/*", rule: external-access, who: "${STRANGER}", reason: r, owner: o, expires: 2027-03-31 }\n`,
    );
    const run = async (disagreeAt: number): Promise<unknown> => {
      Object.assign(looks, { made: 0, disagreeAt });
      return (await keyward(["plan", file, "--account", OWNER, "--config", config])).code;
    };
    expect(await run(Number.NaN)).toBe(0);
    const count = looks.made;
    for (let at = 0; at < count; at++) expect([at, await run(at)]).toEqual([at, 5]);
  });

  test("end the command with 5, the key among those that are not changed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keyward-disagree-"));
    const file = join(folder, "policy.json");
    writeFileSync(file, policyText(allow("*", "kms:Decrypt")));
    const run = (): ReturnType<typeof keyward> =>
      keyward(["plan", file, "--account", OWNER, "--format", "json"]);
    looks.made = 0;
    expect((await run()).code).toBe(0);
    const last = looks.made - 1;
    Object.assign(looks, { made: 0, disagreeAt: last });
    const { code, stdout, stderr } = await run();
    expect(code).toBe(5);
    expect(stderr).toContain("keyward's two engines disagree; please report it");
    expect(stderr).toContain(BUG);
    const plan = JSON.parse(stdout) as PlanFile;
    expect(plan.changes).toEqual([]);
    expect(plan.refused).toEqual([
      expect.objectContaining({
        exposure: "unknown",
        reason: expect.stringContaining("two engines disagree") as string,
      }),
    ]);
  });
});

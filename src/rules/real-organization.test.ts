import { describe, expect, test } from "vitest";
import {
  FRIEND,
  ORGANIZATION,
  OWNER,
  STRANGER,
  account,
  allow,
  judge,
  organization,
  policyText,
  root,
} from "../../test/judging.js";
import type { ServiceControl } from "../domain/iam.js";
import type { Exposure } from "../domain/verdict.js";

const PATH = `${ORGANIZATION}/r-ab12/`;
const UNIT = `${PATH}ou-ab12-11111111/`;
const TREE = new Map([
  [account(OWNER), PATH],
  [account(FRIEND), UNIT],
  [account(STRANGER), `${PATH}ou-ab12-22222222/ou-ab12-33333333/`],
]);
/** Only FRIEND is trusted; STRANGER is a member of the same organization. */
const ZONE = { organizations: [], accounts: [account(FRIEND)], principals: [], services: [] };
const scp = (...Statement: readonly object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
const FULL = scp({ Effect: "Allow", Action: "*", Resource: "*" });
const deny = (Action: unknown, more: object = {}): string =>
  scp({ Effect: "Deny", Action, Resource: "*", ...more });

function judged(
  statement: Readonly<Record<string, unknown>>,
  control: ServiceControl = { kind: "none" },
  tree: ReadonlyMap<ReturnType<typeof account>, string> | undefined = TREE,
): { readonly exposure: Exposure; readonly reasons: string } {
  const report = judge(policyText(statement), {
    context: {
      zone: ZONE,
      organizationOf: new Map(
        [...TREE].map(([id, path]) => [id, { id: organization(ORGANIZATION), path }] as const),
      ),
      real: { treeOf: () => tree, serviceControlOf: () => control },
    },
  });
  return { exposure: report.exposure, reasons: report.findings.map((f) => f.reason).join("\n") };
}
const levels = (...texts: readonly string[][]): ServiceControl => ({ kind: "levels", levels: texts });
const member = allow({ AWS: root(STRANGER) }, "kms:Decrypt");
const at = (path: string, operator = "ForAnyValue:StringLike"): Readonly<Record<string, unknown>> =>
  allow({ AWS: "*" }, "kms:Decrypt", { Condition: { [operator]: { "aws:PrincipalOrgPaths": path } } });

describe("service control policies of another member account", () => {
  test.each<[string, ServiceControl, Exposure]>([
    ["a Deny without conditions", levels([FULL, deny("kms:*")], [FULL]), "latent"],
    [
      "a level that allows nothing of KMS",
      levels([FULL], [scp({ Effect: "Allow", Action: "s3:*", Resource: "*" })]),
      "latent",
    ],
    ["everything is allowed", levels([FULL], [FULL]), "external"],
    ["a Deny of something else", levels([FULL, deny("kms:Encrypt")]), "external"],
    [
      "a Deny that a condition may lift",
      levels([
        FULL,
        deny("kms:*", { Condition: { ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/x" } } }),
      ]),
      "external",
    ],
    [
      "a Deny of one key only",
      levels([FULL, scp({ Effect: "Deny", Action: "kms:*", Resource: "arn:aws:kms:*:*:key/x" })]),
      "external",
    ],
    ["they were not read", { kind: "unknown" }, "external"],
  ])("%s", (_name, control, exposure) => {
    expect(judged(member, control).exposure).toBe(exposure);
  });

  test("say so, and what opens the key", () => {
    const { reasons } = judged(member, levels([FULL, deny("kms:*")]));
    expect(reasons).toContain(`service control policies above account ${STRANGER} deny it today`);
  });
});

describe("organization paths are held against the real tree", () => {
  test.each<[string, Readonly<Record<string, unknown>>, Exposure]>([
    ["a unit of trusted accounts only", at(`${UNIT}*`), "latent"],
    ["a unit that does not exist", at(`${PATH}ou-ab12-99999999/*`), "latent"],
    ["a unit above the stranger's", at(`${PATH}ou-ab12-22222222/*`), "external"],
    ["a wildcard between organization and unit", at(`${ORGANIZATION}/*/ou-ab12-33333333/*`), "external"],
    ["the unit itself and not those below", at(`${PATH}ou-ab12-22222222/`), "latent"],
  ])("%s", (_name, statement, exposure) => {
    expect(judged(statement).exposure).toBe(exposure);
  });

  test("the accounts that stand there are named", () => {
    expect(judged(at(`${PATH}*`)).reasons).toContain(`(today: ${STRANGER})`);
  });

  test("a tree that was not read changes nothing", () => {
    const report = judge(policyText(at(`${UNIT}*`)), { context: { zone: ZONE } });
    expect(report.exposure).toBe("external");
  });
});

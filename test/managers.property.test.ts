import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ActionName } from "../src/domain/ids.js";
import { parsePolicy } from "../src/policy/parse.js";
import type { StrategyChoice } from "../src/repair/plan-file.js";
import { planKey } from "../src/repair/plan-key.js";
import { parseCaller } from "../src/semantics/arn.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { Context, KeyDocument } from "../src/semantics/request.js";
import type { ObservedKeyUsage, UsageEntry } from "../src/usage/types.js";
import { statementArb } from "./generators/policies.js";
import { holds } from "./guarantees/guarantee.js";
import {
  account,
  FRIEND,
  keyOf,
  NOW,
  organization,
  ORGANIZATION,
  OWNER,
  role,
  root,
  STRANGER,
} from "./judging.js";
import { entry, usage } from "./observed-use.js";

/** By hand: KEYWARD_PLANS=5000 KEYWARD_SEED=7 npx vitest run --project fast test/managers.property.test.ts */
const runs = Number(process.env["KEYWARD_PLANS"] ?? 250);
const seed = Number(process.env["KEYWARD_SEED"] ?? 20261125);

type Json = Readonly<Record<string, unknown>>;
const allow = (principal: unknown, action: unknown, condition?: Json): Json => ({
  Effect: "Allow",
  Principal: principal,
  Action: action,
  Resource: "*",
  ...(condition === undefined ? {} : { Condition: condition }),
});
const deny = (principal: Json | string, condition?: Json): Json => ({
  ...allow(principal, "kms:Put*", condition),
  Effect: "Deny",
});

const ADMIN = role(OWNER, "Admin");
/** What can be asked of a manager, met by somebody or by nobody. */
const conditionArb = fc.constantFrom<Json | undefined>(
  undefined,
  undefined,
  { StringEquals: { "kms:CallerAccount": OWNER } },
  { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } },
  { Bool: { "aws:MultiFactorAuthPresent": "true" } },
  { NumericLessThan: { "aws:MultiFactorAuthAge": "3600" } },
  { DateLessThan: { "aws:CurrentTime": "2030-01-01T00:00:00Z" } },
  { DateLessThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } },
  { ArnEquals: { "aws:PrincipalArn": ADMIN } },
  { StringEquals: { "aws:PrincipalTag/team": "keys" } },
  { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } },
  { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
  { StringEquals: { "kms:CallerAccount": [OWNER, STRANGER] } },
);
const managerArb = fc
  .tuple(
    fc.constantFrom<unknown>(
      { AWS: root(OWNER) },
      { AWS: [root(OWNER), root(STRANGER)] },
      { AWS: ADMIN },
      { AWS: [ADMIN, root(STRANGER)] },
      { AWS: "AROAJQABLZS4A3QDU576Q" },
      { AWS: ["AROAJQABLZS4A3QDU576Q", ADMIN] },
      { AWS: root(STRANGER) },
      "*",
    ),
    fc.constantFrom<unknown>("kms:*", ["kms:PutKeyPolicy", "kms:Decrypt"], "kms:Put*", "kms:Decrypt"),
    conditionArb,
  )
  .map(([principal, action, condition]) => allow(principal, action, condition));
const denyArb = fc.constantFrom<Json>(
  deny("*"),
  deny({ AWS: root(OWNER) }),
  deny({ AWS: ADMIN }),
  deny("*", { StringNotEquals: { "aws:PrincipalArn": ADMIN } }),
  deny("*", { ArnNotLike: { "aws:PrincipalArn": [ADMIN, root(OWNER)] } }),
  deny("*", { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } }),
  deny("*", { StringEquals: { "kms:CallerAccount": OWNER } }),
  deny("*", { StringNotEquals: { "aws:PrincipalOrgID": ORGANIZATION } }),
  {
    Effect: "Deny",
    NotPrincipal: { AWS: [root(OWNER), ADMIN] },
    Action: "kms:PutKeyPolicy",
    Resource: "*",
  },
);
const openArb = fc.constantFrom<Json>(
  allow("*", "kms:*"),
  allow("*", "kms:Decrypt"),
  allow({ AWS: root(STRANGER) }, "kms:*"),
  allow("*", ["kms:PutKeyPolicy", "kms:Decrypt"]),
);
const policyArb = fc
  .tuple(
    fc.array(managerArb, { minLength: 1, maxLength: 2 }),
    fc.array(openArb, { minLength: 1, maxLength: 2 }),
    fc.option(denyArb, { freq: 2, nil: undefined }),
    fc.array(statementArb, { maxLength: 1 }),
  )
  .chain(([managers, open, no, more]) =>
    fc.shuffledSubarray([...managers, ...open, ...(no === undefined ? [] : [no]), ...more], {
      minLength: 1,
    }),
  )
  .map((Statement) => JSON.stringify({ Version: "2012-10-17", Statement }));

const seen = (arn: string, action: string): UsageEntry => entry({ kind: "role", arn }, action);

const usageArb = fc.constantFrom<ObservedKeyUsage | undefined>(
  undefined,
  usage(seen(role(OWNER, "App"), "kms:Decrypt")),
  // Somebody was seen managing the key, who may have been deleted since: CloudTrail does not tell.
  usage(seen(role(OWNER, "Gone"), "kms:PutKeyPolicy"), seen(ADMIN, "kms:Decrypt")),
  usage(seen(ADMIN, "kms:PutKeyPolicy")),
);

/** What a request by a person can show beside what follows from the caller. */
const CONTEXTS: readonly Context[] = [
  {},
  { "aws:PrincipalOrgID": ORGANIZATION, "aws:PrincipalOrgPaths": [`${ORGANIZATION}/r-ab12/`] },
  { "aws:PrincipalOrgID": ORGANIZATION, "aws:PrincipalOrgPaths": [`${ORGANIZATION}/r-zz99/`] },
  { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "10" },
  { "aws:PrincipalTag/team": "keys" },
  { "aws:PrincipalTag/team": "a" },
  { "aws:PrincipalTag/team": "aa" },
  // A tag that is compared with the name of the user, or with another tag.
  { "aws:PrincipalTag/team": "ann", "aws:PrincipalTag/unit": "ann" },
  { "aws:PrincipalTag/team": "b", "aws:TokenIssueTime": "2026-11-22T00:00:00Z" },
  {
    "aws:PrincipalTag/team": "keys",
    "aws:MultiFactorAuthPresent": "true",
    "aws:MultiFactorAuthAge": "10",
    "aws:TokenIssueTime": "2026-11-22T00:00:00Z",
    "aws:SourceIdentity": "a",
  },
];
const LATER = NOW + 40 * 365 * 86_400;

/** Whether somebody of the owner who exists may put a policy, tried one by one: the root, an IAM role, who is named. */
function somebody(
  oldText: string,
  text: string,
  contexts: readonly Context[],
  times: readonly number[],
): boolean {
  const key = keyOf(text);
  const { policy } = parsePolicy(text, { kind: "key", partition: "aws" });
  if (policy === undefined) return false;
  const document: KeyDocument = { facts: key.facts, policy, grants: [], resourceControlPolicies: [] };
  const named = [...oldText.matchAll(/arn:aws:iam::(\d{12}):(?:user|role)\/[\w+=,.@/-]+/g)]
    .filter(([, of]) => of === OWNER)
    .map(([arn]) => arn);
  return [root(OWNER), role(OWNER, "ByIam"), `arn:aws:iam::${OWNER}:user/ann`, ...named].some((arn) => {
    const caller = parseCaller(arn);
    if (!caller.ok) return false;
    return contexts.some((context) =>
      times.every((time) => {
        const { outcome } = evaluate(
          {
            caller: caller.value,
            action: "kms:PutKeyPolicy" as ActionName,
            context,
            time,
            identity: { kind: "allow" },
            boundary: { kind: "absent" },
            sessionPolicy: { kind: "absent" },
            serviceControlPolicies: [],
          },
          document,
        );
        return outcome === "allow";
      }),
    );
  });
}

describe("a plan, whatever the policy, the evidence and the flags", () => {
  let changed = 0;
  let refused = 0;
  let perhaps = 0;
  test.each<StrategyChoice>(["auto", "bound", "narrow", "remove"])(
    `${holds(["repair-keeps-manager"], "random policies, evidence and strategies; managers tried one by one")} (%s)`,
    { timeout: 3_600_000 },
    (strategy) => {
      fc.assert(
        fc.property(policyArb, usageArb, fc.boolean(), (text, seen, weak) => {
          const record = keyOf(text);
          const outcome = planKey(record, {
            trust: {
              facts: record.facts,
              zone: {
                organizations: [organization(ORGANIZATION)],
                accounts: [account(FRIEND)],
                principals: [],
                services: [],
              },
              organizationOf: new Map(),
              ownOrganizationAssumed: false,
            },
            now: NOW,
            strategy,
            usage: seen,
            weak,
          });
          if (outcome.kind === "refused") {
            refused++;
            expect(outcome.key.reason.length).toBeGreaterThan(20);
            expect(outcome.key.next.length).toBeGreaterThan(20);
          }
          if (outcome.kind !== "change" || outcome.change.policy === null) return;
          changed++;
          const next = outcome.change.policy.text;
          const shown = outcome.change.obligations.find((o) => o.id === "manageable");
          if (/as far as AWS documents it/.test(shown?.statement ?? "")) {
            // Whether anybody could before is not known either, and nothing that decides it is changed.
            expect(shown?.result).toBe("stated");
            expect(somebody(text, text, CONTEXTS, [NOW])).toBe(false);
            perhaps++;
            return;
          }
          if (/IAM was not read/.test(shown?.details.join() ?? "")) {
            expect(shown?.result).toBe("stated");
            return;
          }
          expect(somebody(text, next, CONTEXTS, [NOW]), `${text}\n${next}`).toBe(true);
          if (somebody(text, text, [{}], [NOW, LATER])) {
            expect(somebody(text, next, [{}], [NOW, LATER]), `${text}\n${next}`).toBe(true);
          }
        }),
        { numRuns: runs, seed },
      );
    },
  );

  test("was put to the test", () => {
    expect(changed).toBeGreaterThan(runs / 2);
    expect(refused).toBeGreaterThan(runs / 4);
    expect(perhaps).toBeLessThan(changed / 20);
  });
});

import { describe, expect, test } from "vitest";
import {
  NOW,
  ORGANIZATION,
  OWNER,
  STRANGER,
  account,
  allow,
  judge,
  keyOf,
  only,
  organization,
  policyText,
  role,
  root,
  rules,
} from "../../test/judging.js";
import type { Exposure } from "../domain/verdict.js";
import { CAPABILITIES, EXPOSURES, SEVERITIES } from "../domain/verdict.js";
import type { Exception } from "../trust/config.js";
import { ExceptionBook } from "../trust/exceptions.js";
import { OpinionCache } from "./cache.js";
import { exceptionNotices } from "./exceptions.js";
import type { KeyReport } from "./finding.js";
import { judgeKey, whoNames } from "./judge.js";
import { compareSeverity, severityOf } from "./severity.js";
import { isMultiRegion, withSiblings } from "./sibling-open.js";

const ids = (report: KeyReport): readonly string[] => report.findings.map((f) => f.id).sort();

describe("the id of a finding", () => {
  const a = allow("*", "kms:Decrypt");
  const b = allow({ AWS: root(STRANGER) }, "kms:Encrypt");

  test("survives when statements are moved or added", () => {
    const before = ids(judge(policyText(a, b)));
    expect(before).toHaveLength(2);
    expect(ids(judge(policyText(b, a)))).toEqual(before);
    expect(ids(judge(policyText(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt"), b, a)))).toEqual(before);
  });

  test("survives when a statement with a Sid of its own changes", () => {
    const before = ids(judge(policyText({ ...a, Sid: "Open" })));
    expect(ids(judge(policyText({ ...allow("*", ["kms:Decrypt", "kms:Encrypt"]), Sid: "Open" })))).toEqual(
      before,
    );
  });

  test("differs between keys, statements and repeated statements", () => {
    const other = { arn: `arn:aws:kms:eu-west-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab` };
    const all = [...ids(judge(policyText(a, b, a))), ...ids(judge(policyText(a), other))];
    expect(all).toHaveLength(4);
    expect(new Set(all).size).toBe(4);
  });
});

describe("exceptions", () => {
  const exception = (more: Partial<Exception> = {}): Exception => ({
    key: `arn:aws:kms:*:${OWNER}:key/1234*`,
    rule: "external-access",
    who: STRANGER,
    reason: "contract 17",
    owner: "pay@example.com",
    expires: "2027-03-31",
    where: "keyward.yaml:9:5",
    ...more,
  });
  const policy = policyText(allow({ AWS: role(STRANGER, "R") }, "kms:Decrypt"));

  test("a waived finding is reported, and the verdict stays", () => {
    const report = judge(policy, { exceptions: [exception()] });
    expect(report).toMatchObject({ verdict: "exposed", exposure: "external", waived: true });
    expect(only(report, "external-access").waiver).toEqual({
      reason: "contract 17",
      owner: "pay@example.com",
      expires: "2027-03-31",
    });
  });

  test.each([
    ["expired", exception({ expires: "2026-11-22" })],
    ["for another rule", exception({ rule: "public-access" })],
    ["for somebody else", exception({ who: "999988887777" })],
    ["for another key", exception({ key: "alias/other" })],
  ])("one that is %s covers nothing", (_name, e) => {
    const report = judge(policy, { exceptions: [e] });
    expect(report.waived).toBe(false);
    expect(only(report, "external-access").waiver).toBeNull();
  });

  test("a key with another open finding is not waived", () => {
    const more = policyText(allow({ AWS: root(STRANGER) }, "kms:Decrypt"), allow("*", "kms:Encrypt"));
    expect(judge(more, { exceptions: [exception()] }).waived).toBe(false);
  });

  test("by alias, and by the name of a service", () => {
    const service = policyText(allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt"));
    const e = exception({ key: "alias/app", rule: "service-access", who: "sns.amazonaws.com" });
    expect(judge(service, { exceptions: [e] }).waived).toBe(true);
  });

  test("what an exception may call somebody", () => {
    expect(whoNames({ kind: "anyone" })).toEqual(["anyone"]);
    expect(whoNames({ kind: "service", source: { kind: "account", id: STRANGER } })).toEqual([
      "any-service",
      STRANGER,
    ]);
  });

  test("expired and unused ones are told about at the end", () => {
    const used = exception();
    const expired = exception({ expires: "2026-11-22", where: "keyward.yaml:16:5" });
    const idle = exception({ who: "999988887777", where: "keyward.yaml:23:5" });
    const book = new ExceptionBook([used, expired, idle], NOW);
    judge(policy, { context: { exceptions: book } });
    expect(exceptionNotices(book).map((n) => [n.rule, n.severity, n.exception.where])).toEqual([
      ["expired-exception", "low", "keyward.yaml:16:5"],
      ["unused-exception", "info", "keyward.yaml:23:5"],
    ]);
  });
});

describe("resource control policies", () => {
  const deny = (more: Record<string, unknown> = {}): string =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "kms:*",
          Resource: "*",
          Condition: { StringNotEquals: { "aws:PrincipalOrgID": ORGANIZATION } },
          ...more,
        },
      ],
    });
  const open = policyText(allow("*", "kms:Decrypt"));

  test("close a key", () => {
    expect(judge(open, { record: { resourceControlPolicies: [deny()] } }).exposure).toBe("none");
  });

  test.each([
    ["a text that is not JSON", "{"],
    [
      "an operator that does not exist",
      deny({ Condition: { StringDiffers: { "aws:PrincipalOrgID": "x" } } }),
    ],
    ["an element that such policies do not have", deny({ Action: undefined, NotAction: "s3:*" })],
  ])("%s closes nothing", (_name, text) => {
    expect(judge(open, { record: { resourceControlPolicies: [text] } }).verdict).toBe("exposed");
  });

  const OTHER_OPERATOR = { StringDiffers: { "aws:PrincipalOrgID": "x" } };
  test.each([
    ["a text that is not JSON", "{"],
    ["an operator that does not exist", deny({ Condition: OTHER_OPERATOR })],
    ["an element that such policies do not have", deny({ Action: undefined, NotAction: "s3:*" })],
    ["a statement that is none", JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "deny" }] })],
  ])("%s may deny what is found, so that it is only possible", (_name, text) => {
    const { findings } = judge(open, { record: { resourceControlPolicies: [text] } });
    const [found] = findings.filter((f) => f.rule === "public-access");
    expect([found?.certainty, found?.doubts.map((d) => d.id)]).toEqual([
      "possible",
      ["denial-not-understood"],
    ]);
    expect(findings.filter((f) => f.rule === "closed-by-rcp")).toEqual([]);
  });

  test("what was not understood about another action leaves nothing in doubt", () => {
    const text = deny({ Action: "kms:Encrypt", Condition: OTHER_OPERATOR });
    const { findings } = judge(open, { record: { resourceControlPolicies: [text] } });
    expect(findings.filter((f) => f.rule === "public-access").map((f) => f.certainty)).toEqual(["certain"]);
  });

  test("does not close a key for certain by a condition that is not known", () => {
    const text = deny({ Condition: { StringNotEquals: { "aws:PrincipleOrgID": ORGANIZATION } } });
    const { findings } = judge(open, { record: { resourceControlPolicies: [text] } });
    expect(findings.filter((f) => f.rule === "closed-by-rcp")).toEqual([]);
    expect(findings.filter((f) => f.rule === "not-assessed")).toHaveLength(1);
  });
});

test.each([
  ["PCR3", ["possible", ["attested-parent-account"]]],
  ["PCR8", ["certain", []]],
])("an enclave's %s that a condition fixes leaves open whose it is: %j", (register, expected) => {
  const key = `kms:RecipientAttestation:${register}`;
  const text = policyText(
    allow("*", "kms:Decrypt", { Condition: { StringEqualsIgnoreCase: { [key]: "ab".repeat(48) } } }),
  );
  const [found] = judge(text).findings.filter((f) => f.rule === "public-access");
  expect([found?.certainty, found?.doubts.map((d) => d.id)]).toEqual(expected);
});

describe("keys that share an opinion", () => {
  const setting = (cache: OpinionCache) => ({
    zone: { organizations: [organization(ORGANIZATION)], accounts: [], principals: [], services: [] },
    organizationOf: new Map(),
    exceptions: new ExceptionBook([], NOW),
    now: NOW,
    cache,
  });
  const arnOf = (i: number): string =>
    `arn:aws:kms:us-east-1:${OWNER}:key/0000000${i}-12ab-34cd-56ef-1234567890ab`;
  const open = policyText(allow("*", "kms:Decrypt"));
  const byTag = policyText(
    allow("*", "kms:Decrypt", { Condition: { StringEquals: { "aws:ResourceTag/open": "yes" } } }),
  );
  const byAlias = policyText(
    allow("*", "kms:Decrypt", {
      Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/open" } },
    }),
  );
  const byResource = policyText({ ...allow("*", "kms:Decrypt"), Resource: arnOf(1) });
  const byPattern = policyText({ ...allow("*", "kms:Decrypt"), Resource: "arn:aws:kms:*:*:key/00000001*" });
  const hidden = byTag.replace("aws:ResourceTag", "aws:\\u0052esourceTag");

  const keys = [open, byTag, byAlias, byResource, byPattern, hidden, policyText()].flatMap((policy) =>
    [1, 2, 3].map((i) =>
      keyOf(policy, {
        arn: arnOf(i),
        facts: {
          tags: { open: i === 1 ? "yes" : "no" },
          aliases: [i === 1 ? "alias/open" : `alias/k${i}`],
          ...(i === 3 ? { state: "Disabled" as const } : {}),
        },
      }),
    ),
  );

  test("get what each of them would get alone", () => {
    const cache = new OpinionCache();
    const context = setting(cache);
    for (const key of [...keys, ...keys]) {
      expect(judgeKey(key, context)).toEqual(judgeKey(key, setting(new OpinionCache())));
    }
  });

  test("are told apart by what the policy asks for", () => {
    const exposures = keys.map((k) => judgeKey(k, setting(new OpinionCache())).report.exposure);
    expect(exposures).toEqual([
      ...["public", "public", "latent"],
      ...["public", "none", "none"],
      ...["public", "none", "none"],
      // That another key's ARN in Resource has no effect is not documented: possible there, certain for the key itself.
      ...["public", "public", "latent"],
      ...["public", "public", "latent"],
      ...["public", "none", "none"],
      ...["none", "none", "none"],
    ]);
  });

  test("another zone of trust starts again", () => {
    const cache = new OpinionCache();
    const key = keyOf(policyText(allow({ AWS: root(STRANGER) }, "kms:Decrypt")));
    const context = setting(cache);
    expect(judgeKey(key, context).report.exposure).toBe("external");
    const wider = { ...context, zone: { ...context.zone, accounts: [account(STRANGER)] } };
    expect(judgeKey(key, wider).report.exposure).toBe("none");
  });
});

describe("multi-Region keys", () => {
  const ID = "mrk-1234abcd12ab34cd56ef1234567890ab";
  const arn = (region: string): string => `arn:aws:kms:${region}:${OWNER}:key/${ID}`;
  const closed = judge(policyText(), { arn: arn("us-east-1") });
  const open = judge(policyText(allow("*", "kms:Decrypt")), { arn: arn("eu-west-1") });
  const none = (): null => null;

  test("are told by their id", () => {
    expect(isMultiRegion(arn("eu-west-1"))).toBe(true);
    expect(isMultiRegion(`arn:aws:kms:eu-west-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`)).toBe(
      false,
    );
  });

  test("the closed sibling of an open one is weak, the open one is unchanged", () => {
    const [weak, exposed] = withSiblings([closed, open], none);
    expect(exposed).toEqual(open);
    expect(weak).toMatchObject({ verdict: "weak", exposure: "none" });
    expect(weak?.findings.map((f) => [f.rule, f.severity, f.source])).toEqual([
      ["sibling-open", "critical", { kind: "key", arn: arn("eu-west-1") }],
    ]);
  });

  test("an exception can cover it", () => {
    const waiver = { reason: "r", owner: "o", expires: "2027-01-01" };
    const [weak] = withSiblings([closed, open], () => waiver);
    expect(weak).toMatchObject({ verdict: "weak", waived: true });
  });

  test.each<[string, KeyReport, KeyReport]>([
    ["both are closed", closed, judge(policyText(), { arn: arn("eu-west-1") })],
    [
      "the other one is open for metadata only",
      closed,
      judge(policyText(allow("*", "kms:DescribeKey")), { arn: arn("eu-west-1") }),
    ],
    [
      "the other one belongs to another account",
      closed,
      judge(policyText(allow("*", "kms:Decrypt")), { arn: arn("eu-west-1").replace(OWNER, STRANGER) }),
    ],
    [
      "the other one cannot be used today",
      closed,
      judge(policyText(allow("*", "kms:Decrypt")), {
        arn: arn("eu-west-1"),
        facts: { state: "Disabled" },
      }),
    ],
  ])("nothing is added where %s", (_name, a, b) => {
    expect(withSiblings([a, b], none)[0]).toEqual(a);
  });
});

describe("severity", () => {
  test("never gets better with a worse capability or a worse exposure", () => {
    const proved = EXPOSURES.slice(0, EXPOSURES.indexOf("latent")) as readonly Exposure[];
    for (const [i, exposure] of proved.entries()) {
      const next = proved[i + 1];
      for (const capability of CAPABILITIES) {
        if (next !== undefined && exposure !== "service") {
          expect(
            compareSeverity(severityOf(exposure, [capability]), severityOf(next, [capability])),
          ).toBeLessThanOrEqual(0);
        }
        expect(severityOf(exposure, [capability, "inspect"])).toBe(severityOf(exposure, [capability]));
      }
    }
  });

  test("findings come worst first", () => {
    const report = judge(
      policyText(
        allow({ AWS: "AROADBQP57FF2AEXAMPLE" }, "kms:Decrypt"),
        allow({ AWS: root(STRANGER) }, "kms:Decrypt"),
        allow("*", "kms:Encrypt"),
      ),
    );
    const order = report.findings.map((f) => SEVERITIES.indexOf(f.severity));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(rules(report)).toHaveLength(3);
  });
});

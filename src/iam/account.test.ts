import { describe, expect, test } from "vitest";
import { iamOf, iamRole, keyDocument } from "../../test/iam-setting.js";
import { OWNER, allow, policyText, role } from "../../test/judging.js";
import type { ServiceControl } from "../domain/iam.js";
import { AccountAnalysis } from "./account.js";

const doc = (action: unknown, resource: unknown = "*", more: object = {}): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: action, Resource: resource, ...more }],
  });
const arn = (n: number): string =>
  `arn:aws:kms:us-east-1:${OWNER}:key/${String(n).padStart(8, "0")}-12ab-34cd-56ef-1234567890ab`;
const NONE = { kind: "none" } as const;

describe("a session, which whoever assumes the role may call as it likes", () => {
  const ID = "AROAAAAAAAAAAAAAAAAAA";
  const certainty = (condition: object, effect = "Allow"): string | undefined => {
    const texts = [
      ...(effect === "Deny" ? [doc("kms:Decrypt")] : []),
      doc("kms:Decrypt", "*", { Effect: effect, Condition: condition }),
    ];
    const analysis = new AccountAnalysis(iamOf(iamRole("App", texts, { uniqueId: ID })), NONE);
    return analysis.usersOf(keyDocument(policyText()))[0]?.uses[0]?.certainty;
  };

  test.each<[string, string | undefined, object, string?]>([
    ["by a name", "conditional", { StringLike: { "aws:userid": "*:special" } }],
    ["by the id of the role", "certain", { StringLike: { "aws:userid": `${ID}:*` } }],
    ["by that of another role", undefined, { StringLike: { "aws:userid": "AROABBBBBBBBBBBBBBBBB:*" } }],
    ["by a name, in any case", "conditional", { StringEqualsIgnoreCase: { "aws:userid": `${ID}:Special` } }],
    [
      "not by a name that it need not have",
      "conditional",
      { StringLike: { "aws:userid": "*:session" } },
      "Deny",
    ],
    ["not by its own id", undefined, { StringLike: { "aws:userid": `${ID}:*` } }, "Deny"],
    [
      "not by the length of its name",
      "conditional",
      { StringLike: { "aws:userid": `${ID}:???????` } },
      "Deny",
    ],
  ])("can use a key %s: %s", (_name, expected, condition, effect) => {
    expect(certainty(condition, effect)).toBe(expected);
  });
});

describe("thousands of roles and keys are grouped by what their policies say", () => {
  test("200 roles with the same three policies and 300 keys with the same two key policies are six questions", () => {
    const policies = [doc("kms:Decrypt"), doc("s3:*"), doc("kms:Encrypt", `arn:aws:kms:*:${OWNER}:key/*`)];
    const roles = Array.from({ length: 200 }, (_, i) => iamRole(`R${i}`, [policies[i % 3] ?? ""]));
    const analysis = new AccountAnalysis(iamOf(...roles), NONE);
    // s3:* says nothing about keys, but the group of those who can do nothing is a group as well.
    expect(analysis.groups).toBe(3);
    const texts = [policyText(), policyText(allow({ AWS: role("222233334444", "X") }, "kms:Decrypt"))];
    for (let k = 0; k < 300; k++) {
      const users = analysis.usersOf(keyDocument(texts[k % 2] ?? "", { arn: arn(k) }));
      expect(users).toHaveLength(133);
    }
    expect(analysis.analyses).toBe(3 * 2);
  });

  test("a role that names its own key is asked about it, and once about all others", () => {
    const roles = Array.from({ length: 20 }, (_, i) => iamRole(`R${i}`, [doc("kms:Decrypt", arn(i))]));
    const analysis = new AccountAnalysis(iamOf(...roles), NONE);
    for (let k = 0; k < 50; k++) {
      const users = analysis.usersOf(keyDocument(policyText(), { arn: arn(k) }));
      expect(users.map((u) => u.principal.name)).toEqual(k < 20 ? [`R${k}`] : []);
    }
    expect(analysis.analyses).toBe(20 * 2);
  });

  test("a role that the key policy names is not taken for its like", () => {
    const roles = ["App", "Other"].map((name) => iamRole(name, []));
    const analysis = new AccountAnalysis(iamOf(...roles), NONE);
    const key = keyDocument(policyText(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt")));
    expect(analysis.usersOf(key).map((u) => [u.principal.name, u.uses[0]?.direct])).toEqual([["App", true]]);
  });

  test("a policy with the user's name in its Resource is asked for each user and key", () => {
    const own = doc("kms:Decrypt", `arn:aws:kms:*:${OWNER}:key/\${aws:username}`);
    const users = ["ann", "bob"].map((name) =>
      iamRole(name, [own], { kind: "user", arn: `arn:aws:iam::${OWNER}:user/${name}` }),
    );
    const analysis = new AccountAnalysis(iamOf(...users), NONE);
    const of = (id: string): readonly string[] =>
      analysis
        .usersOf(keyDocument(policyText(), { arn: `arn:aws:kms:us-east-1:${OWNER}:key/${id}` }))
        .map((u) => u.principal.name);
    expect([of("ann"), of("bob"), of("eve"), of("ann")]).toEqual([["ann"], ["bob"], [], ["ann"]]);
  });

  test("tags of the key tell keys apart where a policy asks for them", () => {
    const tagged = doc("kms:Decrypt", "*", {
      Condition: { StringEquals: { "aws:ResourceTag/team": "pay" } },
    });
    const analysis = new AccountAnalysis(iamOf(iamRole("App", [tagged])), NONE);
    const of = (team: string): number =>
      analysis.usersOf(keyDocument(policyText(), { tags: { team } })).length;
    expect([of("pay"), of("web"), of("pay")]).toEqual([1, 0, 1]);
  });
});

describe("what was not read", () => {
  const denyAll = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Deny", Action: "kms:*", Resource: "*" }],
  });
  test.each([
    ["alone at its level", [[doc("*")], ["{"]], "possible"],
    ["beside one that allows", [[doc("*"), "{"]], "possible"],
    ["beside one that denies", [[doc("*"), "{", denyAll]], undefined],
  ])(
    "a service control policy that cannot be read, %s, takes nothing away and makes nothing certain",
    (_where, levels, certainty) => {
      const app = iamRole("App", [doc("kms:Decrypt")]);
      const analysis = new AccountAnalysis(iamOf(app), { kind: "levels", levels });
      const key = keyDocument(policyText());
      expect(analysis.usesOf(app, key)[0]?.certainty).toBe(certainty);
      expect(analysis.rootUses(key)[0]?.certainty).toBe(certainty);
    },
  );

  test.each<[string, string, string]>([
    ["a role", "Plain", "possible"],
    [
      "but not a service-linked role, which they do not bind",
      "aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
      "certain",
    ],
  ])("service control policies that were not read make nothing certain for %s", (_who, name, certainty) => {
    const app = iamRole("App", [doc("kms:Decrypt")], { name, arn: role(OWNER, name) });
    const analysis = new AccountAnalysis(iamOf(app), { kind: "unknown" });
    const [use] = analysis.usesOf(app, keyDocument(policyText()));
    expect(use).toMatchObject({ certainty, ifPermitted: "certain" });
    // That is said of the account, not of each of its principals.
    expect(analysis.uncertain).toEqual([]);
  });

  test("the levels of service control policies that were read deny all the same", () => {
    const app = iamRole("App", [doc("kms:Decrypt")]);
    const known: ServiceControl = { kind: "unknown", levels: [[doc("*"), denyAll]] };
    expect(new AccountAnalysis(iamOf(app), known).usesOf(app, keyDocument(policyText()))).toEqual([]);
  });

  test("a boundary that cannot be read takes nothing away and makes nothing certain", () => {
    const app = iamRole("App", [doc("kms:Decrypt")], { boundary: { kind: "present", value: "{" } });
    const analysis = new AccountAnalysis(iamOf(app), NONE);
    expect(analysis.usesOf(app, keyDocument(policyText()))[0]?.certainty).toBe("possible");
  });

  test("makes every answer about the principal possible at most, and the principal is named", () => {
    const app = iamRole("App", [doc("kms:Decrypt")], { missing: [`arn:aws:iam::${OWNER}:policy/gone`] });
    const analysis = new AccountAnalysis(iamOf(app, iamRole("B", [])), NONE);
    expect(analysis.uncertain.map((p) => p.name)).toEqual(["App"]);
    expect(analysis.usesOf(app, keyDocument(policyText()))[0]).toMatchObject({ certainty: "possible" });
  });

  test("a Deny that is not understood takes nothing away", () => {
    const deny = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Action: "kms:*",
          Resource: "*",
          Condition: { StringDiffers: { "aws:userid": "x" } },
        },
      ],
    });
    const app = iamRole("App", [doc("kms:Decrypt"), deny]);
    const analysis = new AccountAnalysis(iamOf(app), NONE);
    expect(analysis.usesOf(app, keyDocument(policyText()))[0]).toMatchObject({ certainty: "possible" });
  });
});

test("the document responsible is named, with the group that it comes from", () => {
  const ann = iamRole("ann", [], {
    kind: "user",
    arn: `arn:aws:iam::${OWNER}:user/ann`,
    documents: [
      { kind: "inline", name: "nothing", text: doc("s3:*") },
      { kind: "managed", name: "arn:aws:iam::aws:policy/Crypto", group: "ops", text: doc("kms:Decrypt") },
    ],
  });
  const analysis = new AccountAnalysis(iamOf(ann), NONE);
  const [use] = analysis.usesOf(ann, keyDocument(policyText()));
  const owned = analysis.documentsOf(ann).filter((o) => use?.documents.includes(o.kms));
  expect(owned.map((o) => [o.document.name, o.document.group])).toEqual([
    ["arn:aws:iam::aws:policy/Crypto", "ops"],
  ]);
  expect(use).toMatchObject({ actions: ["kms:Decrypt"], capabilities: ["decrypt"], direct: false });
});

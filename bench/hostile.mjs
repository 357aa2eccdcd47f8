import { existsSync, readFileSync, readdirSync } from "node:fs";
import { analyze } from "../dist/access/analyze.js";
import { parsePolicy } from "../dist/policy/parse.js";

/**
 * Policies made to be slow, 32 KB each at most, as KMS takes them. Arguments: folders of policies (*.json) to be timed
 * beside those made here; test/cases/hostile is one where it exists.
 */
export async function run(args) {
  const standard = new URL("../test/cases/hostile/", import.meta.url).pathname;
  const folders = [...(existsSync(standard) ? [standard] : []), ...args];
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => [name, readFileSync(`${folder}/${name}`, "utf8")]),
  );
  return [...Object.entries(made()), ...files].map(([policy, text]) => {
    const times = [];
    let matrix;
    for (let i = 0; i < 5; i++) {
      const started = process.hrtime.bigint();
      matrix = analyze({ ...INPUT, policy: parsePolicy(text, { kind: "key", partition: "aws" }) });
      times.push(Number(process.hrtime.bigint() - started) / 1e6);
    }
    return {
      policy,
      bytes: text.length,
      "first ms": times[0],
      "best ms": Math.min(...times),
      exposure: matrix.exposure,
    };
  });
}

const OWNER = "111122223333";
const INPUT = {
  facts: {
    arn: `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
    partition: "aws",
    region: "us-east-1",
    account: OWNER,
    keyId: "1234abcd-12ab-34cd-56ef-1234567890ab",
    organization: { kind: "absent" },
    state: "Enabled",
  },
  grants: [],
  resourceControlPolicies: [],
  zone: { organizations: [], accounts: [], principals: [], services: [] },
  organizationOf: new Map(),
  now: Date.UTC(2026, 10, 23) / 1000,
  scope: "outside",
};

function made() {
  const open = { Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" };
  const deny = (condition) => ({ ...open, Effect: "Deny", Condition: condition });
  return {
    "many Denies on roles": fitting((i) => deny({ StringLike: { "aws:PrincipalArn": `*a${i}*b*` } })),
    "overlapping globs": fitting((i) =>
      deny({ StringNotLike: { "aws:PrincipalArn": `*${"a*".repeat((i % 40) + 1)}` } }),
    ),
    "long globs": fitting((i) => deny({ StringLike: { "aws:userid": `*${"?*a".repeat(300)}${i}` } })),
    "many accounts": fitting((i) => ({
      ...open,
      Principal: { AWS: `arn:aws:iam::${400000000000 + i}:root` },
    })),
    "Denies on many keys": fitting((i) =>
      deny({
        StringEquals: { [`aws:PrincipalTag/k${i}`]: "x" },
        Null: { [`aws:PrincipalTag/k${i + 1}`]: "false" },
      }),
    ),
  };

  function fitting(statement) {
    const statements = [open];
    for (let i = 0; ; i++) {
      const more = [...statements, statement(i)];
      if (JSON.stringify({ Version: "2012-10-17", Statement: more }).length > 32_768) break;
      statements.push(statement(i));
    }
    return JSON.stringify({ Version: "2012-10-17", Statement: statements });
  }
}

// Who can use 5,000 keys among 2,000 roles: `npm run build && node test/bench/iam.mjs [ROLES] [KEYS]`.
import { AccountAnalysis } from "../../dist/iam/account.js";
import { parsePolicy } from "../../dist/policy/parse.js";

const [roles = 2000, keys = 5000] = process.argv.slice(2).map(Number);
const OWNER = "111122223333";
const arn = (n) =>
  `arn:aws:kms:us-east-1:${OWNER}:key/${String(n).padStart(8, "0")}-12ab-34cd-56ef-1234567890ab`;
const doc = (...Statement) => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (Action, Resource, more = {}) => ({ Effect: "Allow", Action, Resource, ...more });
// A third of the roles have common policies, a third name keys of their own, a third have nothing to do with KMS.
const documents = (n) => {
  if (n % 3 === 0) return [doc(allow(["kms:Decrypt", "kms:GenerateDataKey*"], "*")), doc(allow("s3:*", "*"))];
  if (n % 3 === 1)
    return [doc(allow("kms:*", [arn(n), arn(n + 1)]), allow("s3:GetObject", `arn:aws:s3:::b${n}/*`))];
  return [doc(allow("dynamodb:*", `arn:aws:dynamodb:*:*:table/t${n}`))];
};
const principals = Array.from({ length: roles }, (_, n) => ({
  kind: "role",
  arn: `arn:aws:iam::${OWNER}:role/R${n}`,
  partition: "aws",
  account: OWNER,
  name: `R${n}`,
  documents: documents(n).map((text, i) => ({ kind: "inline", name: `p${i}`, text })),
  missing: [],
  boundary: { kind: "absent" },
  trust: { kind: "unknown" },
}));
const policies = Array.from(
  { length: 10 },
  (_, n) =>
    parsePolicy(
      doc(
        { ...allow("kms:*", "*"), Principal: { AWS: `arn:aws:iam::${OWNER}:root` } },
        { ...allow("kms:Decrypt", "*"), Principal: { AWS: `arn:aws:iam::${OWNER}:role/R${n}` } },
      ),
      { kind: "key" },
    ).policy,
);
const started = performance.now();
const analysis = new AccountAnalysis({ state: { kind: "complete" }, principals }, { kind: "none" });
const grouped = performance.now();
let pairs = 0;
for (let n = 0; n < keys; n++) {
  const facts = {
    arn: arn(n),
    partition: "aws",
    region: "us-east-1",
    account: OWNER,
    keyId: arn(n).split("/")[1],
    organization: { kind: "absent" },
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
  };
  pairs += analysis.usersOf({
    facts,
    policy: policies[n % 10],
    grants: [],
    resourceControlPolicies: [],
  }).length;
}
const ended = performance.now();
console.log(
  `${roles} roles x ${keys} keys: ${analysis.groups} groups, ${analysis.analyses} analyses, ${pairs} pairs of a key and somebody who can use it; ` +
    `grouping ${Math.round(grouped - started)} ms, keys ${Math.round(ended - grouped)} ms, ` +
    `${Math.round(process.memoryUsage().rss / 1e6)} MB`,
);

#!/usr/bin/env node
// Holds keyward's answers to an IAM simulator that others wrote (@cloud-copilot/iam-simulate): random key policies are
// judged and repaired by the built program as a user would, and then put to the simulator, request by request.
//
//   node test/outside/run.mjs [--seed N] [--policies N] [--requests N] [--strategy auto|remove|narrow|bound]
//
// Prints one JSON object; exit code 1 where the two contradict each other. What is found is printed with its policy.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { OWNER, ZONE, keyPolicy } from "./policies.mjs";
import { Random } from "./random.mjs";
import { insiderRequest, outsiderRequest, ownPeople } from "./requests.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const MAIN = join(HERE, "..", "..", "dist", "cli", "main.js");

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    policies: { type: "string", default: "500" },
    requests: { type: "string", default: "50" },
    strategy: { type: "string", default: "auto" },
  },
});
const SEED = Number(values.seed);
const POLICIES = Number(values.policies);
const REQUESTS = Number(values.requests);

if (!existsSync(join(HERE, "node_modules"))) {
  const installed = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: HERE, stdio: "inherit" });
  if (installed.status !== 0) process.exit(2);
}
const { runSimulation } = await import("@cloud-copilot/iam-simulate");

const EVERYTHING = [
  {
    name: "everything",
    policy: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] },
  },
];

/** What the simulator says of a caller whose own account allows everything. Fails where it refuses the input. */
async function simulate(policy, arn, principal, action, context) {
  const answer = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource: arn, accountId: OWNER },
        contextVariables: context,
      },
      identityPolicies: EVERYTHING,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: policy,
    },
    { simulationMode: "Strict" },
  );
  if (answer.resultType === "error") throw new Error(JSON.stringify(answer.errors));
  return (answer.overallResult ?? answer.result.evaluationResult) === "Allowed";
}

/** The ARN of a session has no path: the simulator finds the role by its own ARN, and the session by that of the session. */
async function allowed(policy, arn, { principal, action, context }) {
  if (await simulate(policy, arn, principal, action, context)) return true;
  const role = context["aws:PrincipalArn"];
  return role?.includes(":role/") === true && simulate(policy, arn, role, action, context);
}

/** Keys that hold lists, which a report writes as text where there is one value. */
const LISTS = ["aws:CalledVia", "aws:PrincipalOrgPaths", "kms:EncryptionContextKeys", "kms:GrantOperations"];

function asRequest({ principal, action, context }) {
  const lists = LISTS.filter((key) => key in context).map((key) => [key, [context[key]].flat()]);
  return { principal, action, context: { ...context, ...Object.fromEntries(lists) } };
}

/** Whether a finding tells of a request: who, and the action. A finding without actions says that it could not decide. */
function tells({ who, actions }, request) {
  if (who === null) return true;
  if (actions.length > 0 && !actions.includes(request.action)) return false;
  if (who.kind === "anyone" || who.kind === "pattern") return true;
  if (who.kind === "service") return request.service;
  if (who.kind === "organization") return who.id === request.organization;
  // Who has a unique id cannot be seen: such a finding names the id.
  if (who.kind === "unresolved") return request.context["aws:userid"]?.startsWith(who.id) === true;
  return JSON.stringify(who).includes(request.account);
}

function keyward(folder, ...args) {
  const ran = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  // 1: something is exposed. 3, 4: some keys could not be judged or planned, and are named.
  if (ran.status === 0 || ran.status === 1 || ran.status === 3 || ran.status === 4) return;
  throw new Error(`keyward ${args[0]}: exit code ${ran.status}\n${ran.stderr ?? ""}`);
}

const r = new Random(SEED);
const keys = Array.from({ length: POLICIES }, (_, i) => ({
  arn: `arn:aws:kms:us-east-1:${OWNER}:key/00000000-0000-0000-0000-${i.toString(16).padStart(12, "0")}`,
  policy: keyPolicy(r),
}));
const folder = mkdtempSync(join(tmpdir(), "keyward-outside-"));
const counts = {
  policies: POLICIES,
  witnesses: 0,
  witnessesRefused: 0,
  outsiderRequests: 0,
  outsidersAllowed: 0,
  outsidersNotTold: 0,
  plans: 0,
  plannedRequests: 0,
  allowedAfterRepair: 0,
  insidersShutOut: 0,
  outsidersAfterRepair: 0,
  newlyAllowed: 0,
  managersLost: 0,
};
function contradiction(what, count, key, request, more) {
  counts[count] += 1;
  console.error(JSON.stringify({ what, request, ...more, policy: key.policy }));
}

try {
  const lines = [
    { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-25T00:00:00Z", tool: "outside" },
    ...keys.map(({ arn, policy }) => ({
      type: "key",
      arn,
      state: "Enabled",
      spec: "SYMMETRIC_DEFAULT",
      usage: "ENCRYPT_DECRYPT",
      origin: "AWS_KMS",
      multiRegion: false,
      policy: { kind: "present", text: JSON.stringify(policy) },
      grants: { kind: "present", items: [] },
    })),
  ];
  writeFileSync(join(folder, "estate.ndjson"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const trust = { accounts: ZONE.accounts, organizations: ZONE.organizations };
  writeFileSync(join(folder, "keyward.yaml"), JSON.stringify({ trust }));
  keyward(folder, "check", "estate.ndjson", "--format", "json", "--output", "report.json");
  keyward(folder, "plan", "estate.ndjson", "--weak", "--strategy", values.strategy, "--output", "plan.json");
  const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8"));
  const plan = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"));
  const judged = new Map(report.keys.map((key) => [key.arn, key]));
  const planned = new Map(plan.changes.map((change) => [change.key.arn, change]));
  for (const key of keys) {
    await compare(key, judged.get(key.arn));
    const change = planned.get(key.arn);
    if (change !== undefined) await compareRepair(key, change);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Certain witnesses get in, and whoever gets in is told of. */
async function compare(key, { findings }) {
  const told = findings.filter((finding) => finding.exposure !== "none");
  for (const { certainty, witness, who } of told) {
    if (certainty !== "certain" || witness === null) continue;
    // The simulator does not know that a federated session of a user is let in where the user is.
    if (witness.principal.includes(":federated-user/") && who.kind === "principal") continue;
    counts.witnesses += 1;
    const request = asRequest(witness);
    if (!(await allowed(key.policy, key.arn, request)))
      contradiction("a certain witness is refused", "witnessesRefused", key, request);
  }
  for (let i = 0; i < REQUESTS; i += 1) {
    const request = outsiderRequest(r);
    counts.outsiderRequests += 1;
    if (!(await allowed(key.policy, key.arn, request))) continue;
    counts.outsidersAllowed += 1;
    if (!told.some((finding) => tells(finding, request)))
      contradiction("an outsider gets in that is not told of", "outsidersNotTold", key, request);
  }
}

/** After the repair no outsider gets in, and nobody may do what he could not before. */
async function compareRepair(key, { policy, exposure }) {
  if (policy === null) return;
  counts.plans += 1;
  const repaired = JSON.parse(policy.text);
  const managers = ownPeople().map((request) => ({ ...request, action: "kms:PutKeyPolicy" }));
  const manage = async (by) => {
    for (const request of managers) if (await allowed(by, key.arn, request)) return true;
    return false;
  };
  if ((await manage(key.policy)) && !(await manage(repaired)))
    contradiction("nobody can manage the key after the repair", "managersLost", key, managers[0], {
      repaired,
    });
  for (let i = 0; i < REQUESTS; i += 1) {
    const outside = i % 2 === 0;
    const request = outside ? outsiderRequest(r) : insiderRequest(r);
    counts.plannedRequests += 1;
    if (!(await allowed(repaired, key.arn, request))) {
      // Told, not held against keyward: a plan may take something away, and says what.
      if (!outside && (await allowed(key.policy, key.arn, request))) {
        counts.insidersShutOut += 1;
        if (process.env.KEYWARD_OUTSIDE_TELL !== undefined)
          console.error(
            JSON.stringify({ what: "an insider is shut out", request, policy: key.policy, repaired }),
          );
      }
      continue;
    }
    counts.allowedAfterRepair += 1;
    if (outside && exposure.after === "none")
      contradiction("an outsider gets in after the repair", "outsidersAfterRepair", key, request, {
        repaired,
      });
    if (!(await allowed(key.policy, key.arn, request)))
      contradiction("the repair allows what was not allowed", "newlyAllowed", key, request, { repaired });
  }
}

console.log(JSON.stringify({ seed: SEED, ...counts }, undefined, 2));
const wrong =
  counts.witnessesRefused +
  counts.outsidersNotTold +
  counts.outsidersAfterRepair +
  counts.newlyAllowed +
  counts.managersLost;
process.exitCode = wrong === 0 ? 0 : 1;

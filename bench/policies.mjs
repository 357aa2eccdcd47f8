import { readFileSync, readdirSync } from "node:fs";
import { analyze } from "../dist/access/analyze.js";
import { parsePolicy } from "../dist/policy/parse.js";
import { spread } from "./measure.mjs";

/**
 * From the text of a key policy to the complete access matrix (callers outside the zone of trust: what a verdict is
 * made of; and everybody: what `explain` shows), one core, nothing remembered from one policy to the next by keyward.
 */
export async function run() {
  const all = readCases(readdirSync(CASES).filter((name) => name.endsWith(".jsonl")));
  return [inRounds(readCases(["key-policies.jsonl"])), ...each(all)];
}

/** One of each kind of policy, over and over: what a policy takes on average, with what the memory costs. */
function inRounds(cases) {
  const round = () => {
    for (const c of cases) time(c, "outside");
  };
  for (let i = 0; i < 300; i++) round();
  // Seconds of the processor, not of the clock: what else the machine does counts less.
  const rounds = Array.from({ length: 20 }, () => {
    const started = process.cpuUsage();
    for (let i = 0; i < 50; i++) round();
    const { user, system } = process.cpuUsage(started);
    return (user + system) / (50 * cases.length);
  });
  return row("outside, rounds of one of each kind", cases.length, rounds);
}

function each(cases) {
  return ["outside", "all"].flatMap((scope) => {
    // Cold: the first time that this process analyses each of them. The JIT compiler has seen few of its kind before.
    const cold = cases.map((c) => time(c, scope));
    for (let i = 0; i < 30; i++) for (const c of cases) time(c, scope);
    // Warm: the middle of 25 times, as an estate's policies meet it.
    const warm = cases.map((c) => spread(Array.from({ length: 25 }, () => time(c, scope))).median);
    return [row(`${scope}, warm`, cases.length, warm), row(`${scope}, cold`, cases.length, cold)];
  });
}

function row(what, policies, figures) {
  const { mean, median, p99, max } = spread(figures);
  return {
    callers: what,
    policies,
    "mean us": mean,
    "median us": median,
    "p99 us": p99,
    "max us": max,
  };
}

/** Microseconds. */
function time({ text, facts, grants, zone, organizationOf }, scope) {
  const started = process.hrtime.bigint();
  const policy = parsePolicy(text, { kind: "key", partition: facts.partition });
  analyze({ facts, policy, grants, resourceControlPolicies: [], zone, organizationOf, now: NOW, scope });
  return Number(process.hrtime.bigint() - started) / 1000;
}

const NOW = Date.UTC(2026, 10, 23) / 1000;
const OWNER = "111122223333";

const CASES = new URL("../test/cases/", import.meta.url);

/** The classified cases of some files, each once. */
function readCases(files) {
  const found = new Map();
  for (const name of files) {
    for (const line of readFileSync(new URL(name, CASES), "utf8").split("\n")) {
      if (line.trim() === "") continue;
      const v = JSON.parse(line);
      if (v.mode === "classify" && v.policy !== undefined) found.set(v.id, v);
    }
  }
  return [...found.values()].map(caseOf);
}

/** As test/vectors.ts reads them. */
function caseOf(v) {
  const zone = v.zone ?? { accounts: [OWNER, "222233334444"], orgs: ["o-own1234567"] };
  const keyId = "1234abcd-12ab-34cd-56ef-1234567890ab";
  return {
    text: typeof v.policy === "string" ? v.policy : JSON.stringify(v.policy),
    facts: {
      arn: `arn:aws:kms:us-east-1:${OWNER}:key/${keyId}`,
      partition: "aws",
      region: "us-east-1",
      account: OWNER,
      keyId,
      organization: { kind: "present", value: { id: "o-own1234567" } },
      state: v.key_state ?? "Enabled",
      spec: "SYMMETRIC_DEFAULT",
      usage: "ENCRYPT_DECRYPT",
      origin: "AWS_KMS",
      multiRegion: false,
      tags: {},
      aliases: [],
      ...v.key,
    },
    grants: v.grants ?? [],
    zone: { organizations: zone.orgs, accounts: zone.accounts, principals: [], services: [] },
    organizationOf: new Map(),
  };
}

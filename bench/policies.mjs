import { existsSync, readFileSync } from "node:fs";
import { analyze } from "../dist/access/analyze.js";
import { parsePolicy } from "../dist/policy/parse.js";
import { spread } from "./measure.mjs";

/**
 * From the text of a key policy to the complete access matrix (callers outside the zone of trust: what a verdict is
 * made of; and everybody: what `explain` shows), one core, nothing remembered from one policy to the next by keyward.
 */
export async function run() {
  const cases = readCases();
  return ["outside", "all"].flatMap((scope) => {
    // Cold: the first time that this process analyses each of them. The JIT compiler has seen few of its kind before.
    const cold = cases.map((c) => time(c, scope));
    for (let i = 0; i < 30; i++) for (const c of cases) time(c, scope);
    // Warm: the middle of 25 times, as an estate's policies meet it.
    const warm = cases.map((c) => spread(Array.from({ length: 25 }, () => time(c, scope))).median);
    return [
      row(`${scope}, warm`, warm),
      row(`${scope}, cold`, cold),
    ];
  });
}

function row(what, figures) {
  const { mean, median, p99, max } = spread(figures);
  return { callers: what, policies: figures.length, "mean us": mean, "median us": median, "p99 us": p99, "max us": max };
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

/** Every classified case of the repository's case files, each once. */
function readCases() {
  const files = ["../test/cases/key-policies.jsonl", "../../shared/vectors/key-policies.jsonl"];
  const found = new Map();
  for (const name of files) {
    const url = new URL(name, import.meta.url);
    if (!existsSync(url)) continue;
    for (const line of readFileSync(url, "utf8").split("\n")) {
      if (line.trim() === "") continue;
      const v = JSON.parse(line);
      if (v.mode === "classify" && v.policy !== undefined) found.set(v.id, v);
    }
  }
  return [...found.values()].map(caseOf);
}

function caseOf(v) {
  const zone = v.zone ?? {};
  return {
    text: typeof v.policy === "string" ? v.policy : JSON.stringify(v.policy),
    facts: {
      arn: `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
      partition: "aws",
      region: "us-east-1",
      account: OWNER,
      keyId: "1234abcd-12ab-34cd-56ef-1234567890ab",
      organization: { kind: "present", value: { id: "o-own1234567" } },
      state: "Enabled",
      spec: "SYMMETRIC_DEFAULT",
      usage: "ENCRYPT_DECRYPT",
      origin: "AWS_KMS",
      multiRegion: false,
    },
    grants: v.grants ?? [],
    zone: {
      organizations: zone.organizations ?? ["o-own1234567"],
      accounts: zone.accounts ?? [],
      principals: zone.principals ?? [],
      services: zone.services ?? [],
    },
    organizationOf: new Map(),
  };
}

import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { analyze } from "../src/access/analyze.js";
import { gains } from "../src/access/diff.js";
import type { ActionName } from "../src/domain/ids.js";
import type { KeyRecord } from "../src/domain/key.js";
import { VERDICT_OF_EXPOSURE } from "../src/domain/verdict.js";
import { parsePolicy } from "../src/policy/parse.js";
import type { StrategyChoice } from "../src/repair/plan-file.js";
import type { KeyOutcome } from "../src/repair/outcome.js";
import { planKey } from "../src/repair/plan-key.js";
import { inconsistencies } from "../src/semantics/consistency.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest, KeyDocument } from "../src/semantics/request.js";
import { requestArb } from "./generators/requests.js";
import { holds } from "./guarantees/guarantee.js";
import {
  classifyVectors,
  VECTOR_OWNER,
  VECTOR_TIME,
  type ClassifyVector,
  vectorFacts,
  vectorKeyDocument,
  vectorZone,
} from "./vectors.js";

const EXPOSED = classifyVectors().filter((v) => VERDICT_OF_EXPOSURE[v.expect.exposure] === "exposed");
const CASES = EXPOSED.flatMap((v) =>
  (["auto", "bound", "remove"] as const).map((s) => [v.id, s, v] as const),
);

/** The same requests for every case; who calls them, and with what, is drawn from the vectors' own accounts. */
const REQUESTS: readonly AccessRequest[] = fc.sample(requestArb, { numRuns: 400, seed: 11 });

function record(v: ClassifyVector, text: string, grants = vectorKeyDocument(v).grants): KeyRecord {
  return {
    facts: vectorFacts(v),
    manager: "CUSTOMER",
    description: undefined,
    policy: { kind: "present", value: text },
    grants: { kind: "present", value: grants },
    resourceControlPolicies:
      v.rcp === undefined ? [] : [JSON.stringify({ Version: "2012-10-17", Statement: v.rcp })],
  };
}

function plan(v: ClassifyVector, key: KeyRecord, strategy: StrategyChoice): KeyOutcome {
  return planKey(key, {
    trust: {
      facts: key.facts,
      zone: vectorZone(v),
      organizationOf: new Map(),
      ownOrganizationAssumed: false,
    },
    now: VECTOR_TIME,
    strategy,
    usage: undefined,
    weak: true,
  });
}

/**
 * Whether a request comes from the zone of the vector. Undefined where account and organization say different things:
 * the vectors do not say of which organization accounts are.
 */
function inZoneOf(v: ClassifyVector, r: AccessRequest): boolean | undefined {
  const zone = vectorZone(v);
  if (r.caller.kind === "service") return undefined;
  const { account } = r.caller;
  const byAccount = account === VECTOR_OWNER || zone.accounts.some((a) => a === account);
  const organization = r.context["aws:PrincipalOrgID"];
  const byOrganization = zone.organizations.some((o) => o === organization);
  if (organization === undefined || byAccount === byOrganization) return byAccount;
  return undefined;
}

describe("a plan for every exposed case", () => {
  const planned = new Set<string>();
  let compared = 0;

  const name = holds(
    ["repair-closes", "repair-gains-nothing", "bound-takes-nothing", "repair-keeps-text"],
    "every exposed case of test/cases under three strategies, and random requests",
  );
  it.each(CASES)(`${name}: %s, %s`, (id, strategy, v) => {
    const oldText = JSON.stringify(v.policy, null, 2);
    const old = record(v, oldText);
    const before = vectorKeyDocument(v);
    const outcome = plan(v, old, strategy);
    if (outcome.kind !== "change") {
      // Refused: only where the reference says that the own root cannot be shown to manage the key as it is.
      expect(outcome.kind).toBe("refused");
      expect(put(before)).not.toBe("allow");
      return;
    }
    planned.add(id);
    const { change } = outcome;
    const text = change.policy?.text ?? oldText;
    const revoked = new Set(change.revokeGrants.map((g) => g.grantId));
    const grants = before.grants.filter((g) => !revoked.has(g.GrantId));
    const parsed = parsePolicy(text, { kind: "key", partition: "aws" });
    if (parsed.policy === undefined) throw new Error(`not a policy: ${text}`);
    const after: KeyDocument = { ...before, policy: parsed.policy, grants };
    const key = record(v, text, grants);

    const matrix = analyze({
      facts: key.facts,
      policy: parsed,
      grants,
      resourceControlPolicies: before.resourceControlPolicies,
      zone: vectorZone(v),
      organizationOf: new Map(),
      now: VECTOR_TIME,
      scope: "outside",
    });
    expect(matrix.exposure, text).toBe("none");
    const side = (k: KeyRecord) => ({
      policy: k.policy,
      grants: k.grants,
      resourceControlPolicies: k.resourceControlPolicies,
    });
    const gained = gains({
      facts: key.facts,
      old: side(old),
      new: side(key),
      zone: vectorZone(v),
      organizationOf: new Map(),
      now: VECTOR_TIME,
    });
    expect(gained.verdict).toBe("nothing");
    expect(plan(v, key, strategy).kind).toBe("unchanged");
    expect(put(after)).toBe(put(before));

    for (const request of REQUESTS) {
      if (inconsistencies(request, before).length > 0) continue;
      const was = evaluate(request, before).outcome;
      const is = evaluate(request, after).outcome;
      const zone = inZoneOf(v, request);
      const told = `${JSON.stringify(request)}\n${text}`;
      if (was === "deny") expect(is, told).not.toBe("allow");
      if (zone === false) expect(is, told).not.toBe("allow");
      if (zone === true && was === "allow") {
        compared++;
        // Bounding takes nothing from anybody of the zone.
        if (strategy === "bound" || strategy === "auto") expect(is, told).toBe("allow");
      }
    }
    keptStatements(oldText, text, change.statements);
  });

  afterAll(() => {
    // What cannot be planned are keys that nobody can be shown to manage today: all whose root may put a policy are.
    const managed = EXPOSED.filter((v) => put(vectorKeyDocument(v)) === "allow");
    expect(managed.map((v) => v.id).filter((id) => !planned.has(id))).toEqual([]);
    expect(planned.size).toBeGreaterThan(300);
    expect(compared).toBeGreaterThan(1000);
  });
});

/** Statements that are kept stand in the new text as they stood in the old one. */
function keptStatements(
  oldText: string,
  text: string,
  statements: readonly { readonly index: number | null; readonly change: string }[],
): void {
  const all = (JSON.parse(oldText) as { Statement: unknown }).Statement;
  if (!Array.isArray(all)) return;
  for (const { index, change } of statements) {
    if (index === null || change !== "keep") continue;
    const own = JSON.stringify(all[index], null, 2).split("\n").join("\n    ");
    expect(oldText).toContain(own);
    expect(text).toContain(own);
  }
}

function put(document: KeyDocument): string {
  return evaluate(
    {
      caller: { kind: "root", account: document.facts.account, partition: "aws" },
      action: "kms:PutKeyPolicy" as ActionName,
      context: {},
      time: VECTOR_TIME,
      identity: { kind: "none" },
      boundary: { kind: "absent" },
      sessionPolicy: { kind: "absent" },
      serviceControlPolicies: [],
    },
    document,
  ).outcome;
}

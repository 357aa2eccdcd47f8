import fc from "fast-check";
import { describe, expect } from "vitest";
import { EXPOSURES, type Exposure } from "../../src/domain/verdict.js";
import { callerArn, parseCaller } from "../../src/semantics/arn.js";
import { inconsistencies } from "../../src/semantics/consistency.js";
import { evaluate } from "../../src/semantics/evaluate.js";
import type { AccessRequest, Caller } from "../../src/semantics/request.js";
import type { FindingWitness } from "../../src/rules/finding.js";
import { statementArb } from "../generators/policies.js";
import { requestArb } from "../generators/requests.js";
import { NOW, OWN, PARTNER, PARTNER_ORG, STRANGER, TRUSTED } from "../generators/world.js";
import { guarantee } from "./guarantee.js";
import {
  covers,
  documentOf,
  gained,
  isOutside,
  matrixOf,
  recordOf,
  reportOf,
  type World,
  worldArb,
  ZONE,
} from "./worlds.js";

const SEED = Number(process.env["KEYWARD_SEED"] ?? 20261123);
/** More by hand: KEYWARD_SCALE=20 npx vitest run --project fast test/guarantees */
const SCALE = Number(process.env["KEYWARD_SCALE"] ?? 1);
/** Runs a property on random keys, always the same ones. */
function always<T>(runs: number, property: fc.IRawProperty<T, false>): void {
  fc.assert(property, { numRuns: runs * SCALE, seed: SEED });
}

const worse = (a: Exposure, b: Exposure): boolean => EXPOSURES.indexOf(a) < EXPOSURES.indexOf(b);

describe("proofs", () => {
  guarantee("witness-allowed", "the reference is asked again about every proof of random keys", () => {
    let proofs = 0;
    always(
      100,
      fc.property(worldArb, (w) => {
        for (const a of matrixOf(w).accesses) {
          const d = evaluate(a.witness.request, documentOf(w), {
            ignoreCrossAccount: a.reach.kind === "not-across-accounts",
            ignoreKeyState: a.reach.kind === "key-state",
          });
          expect(d.outcome).not.toBe("deny");
          if (a.certainty === "certain") expect(d.outcome).toBe("allow");
          expect(inconsistencies(a.witness.request, documentOf(w))).toEqual([]);
          proofs += 1;
        }
      }),
    );
    expect(proofs).toBeGreaterThan(100);
  });

  guarantee("witness-replayable", "proofs are evaluated from what the report shows of them", () => {
    let proofs = 0;
    always(
      60,
      fc.property(worldArb, (w) => {
        for (const f of reportOf(recordOf(w)).findings) {
          if (f.witness === null || f.exposure === "latent") continue;
          const d = evaluate(requestOf(f.witness), documentOf(w));
          expect(d.outcome, JSON.stringify(f.witness)).not.toBe("deny");
          proofs += 1;
        }
      }),
    );
    expect(proofs).toBeGreaterThan(40);
  });

  guarantee("allowed-is-covered", "random requests of outsiders are put to both engines", () => {
    let allowed = 0;
    always(
      80,
      fc.property(worldArb, fc.array(requestArb, { minLength: 12, maxLength: 12 }), (w, requests) => {
        const document = documentOf(w);
        const matrix = matrixOf(w);
        for (const r of requests) {
          if (!isOutside(r) || inconsistencies(r, document).length > 0) continue;
          const d = evaluate(r, document);
          const grant = d.sources.every((s) => s.kind === "grant");
          // What a service looks at to manage its own grants is no exposure: docs/decisions/service-grants.md.
          if (d.outcome !== "allow" || (r.caller.kind === "service" && grant)) continue;
          allowed += 1;
          if (matrix.undecided.length > 0) continue;
          const cells = matrix.accesses.filter((a) => a.actions.includes(r.action) && covers(a.who, r));
          expect(
            cells.some((a) => a.certainty === "certain"),
            JSON.stringify(r),
          ).toBe(true);
          expect(matrix.exposure).not.toBe("none");
        }
      }),
    );
    expect(allowed).toBeGreaterThan(20);
  });
});

/** A request made of nothing but what a finding shows. */
function requestOf(w: FindingWitness): AccessRequest {
  const parsed = parseCaller(w.principal);
  if (!parsed.ok) throw new Error(w.principal);
  const said = (k: string): string | undefined => {
    const v = w.context[k];
    return typeof v === "string" ? v : undefined;
  };
  const uniqueId = said("aws:userid")?.split(":")[0];
  const path = said("aws:PrincipalArn")?.split(":role/")[1];
  const caller: Caller =
    parsed.value.kind === "session"
      ? { ...parsed.value, role: path ?? parsed.value.role, ...(uniqueId === undefined ? {} : { uniqueId }) }
      : parsed.value.kind === "user"
        ? { ...parsed.value, ...(uniqueId === undefined ? {} : { uniqueId }) }
        : parsed.value;
  expect(callerArn(caller)).toBe(w.principal);
  const tail = "kms:EncryptionContext:";
  const pairs = Object.entries(w.context).filter(([k]) => k.startsWith(tail));
  const time = said("aws:EpochTime");
  return {
    caller,
    action: w.action as AccessRequest["action"],
    context: w.context,
    ...(pairs.length === 0
      ? {}
      : { encryptionContext: Object.fromEntries(pairs.map(([k, v]) => [k.slice(tail.length), String(v)])) }),
    time: time === undefined ? NOW : Number(time),
    identity: { kind: "allow" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
}

describe("changes of a key", () => {
  guarantee("narrowing", "a Deny more, an Allow less and a grant less, on random keys", () => {
    let decided = 0;
    always(
      60,
      fc.property(worldArb, statementArb, fc.nat(3), (w, extra, at) => {
        const before = matrixOf(w);
        if (before.undecided.length > 0) return;
        const denied: World = {
          ...w,
          statements: [...w.statements, { Sid: "more", ...extra, Effect: "Deny" }],
        };
        const fewer: World = {
          ...w,
          statements: w.statements.filter((s, i) => i !== at || s["Effect"] === "Deny"),
        };
        const ungranted: World = { ...w, grants: w.grants.slice(1) };
        for (const after of [denied, fewer, ungranted]) {
          const matrix = matrixOf(after);
          expect(gained(before, matrix).map((a) => [a.who, a.actions, a.source])).toEqual([]);
          if (matrix.undecided.length === 0) expect(worse(matrix.exposure, before.exposure)).toBe(false);
          decided += 1;
        }
      }),
    );
    expect(decided).toBeGreaterThan(120);
  });

  guarantee("dead-keys", "random keys in every state in which nothing works", () => {
    let exposed = 0;
    always(
      60,
      fc.property(
        worldArb,
        fc.constantFrom("Disabled", "PendingDeletion", "PendingImport", "Unavailable"),
        (w, state) => {
          const alive = reportOf(recordOf(w));
          if (alive.verdict !== "exposed") return;
          exposed += 1;
          expect(reportOf(recordOf(w, { state: state as never })).verdict).not.toBe("clear");
        },
      ),
    );
    expect(exposed).toBeGreaterThan(8);
  });

  guarantee("unread-is-not-clear", "policy or grants unreadable, or no policy at all", () => {
    always(
      30,
      fc.property(worldArb, (w) => {
        const record = recordOf(w);
        const code = { kind: "unreadable", code: "AccessDeniedException" } as const;
        for (const less of [
          { ...record, policy: code },
          { ...record, grants: code },
          { ...record, policy: { kind: "absent" } as const, grants: code },
        ]) {
          expect(reportOf(less).verdict).not.toBe("clear");
        }
      }),
    );
  });
});

describe("the zone of trust", () => {
  guarantee("unrelated-trust", "one more trusted account, named nowhere", () => {
    always(
      60,
      fc.property(worldArb, (w) => {
        const zone = { ...ZONE, accounts: [...ZONE.accounts, "700000000007" as never] };
        const [before, after] = [reportOf(recordOf(w)), reportOf(recordOf(w), zone)];
        expect(after.exposure).toBe(before.exposure);
        expect(after.verdict).toBe(before.verdict);
        expect(after.findings.map((f) => f.id).sort()).toEqual(before.findings.map((f) => f.id).sort());
      }),
    );
  });

  guarantee("wider-trust", "more accounts, organizations, principals and services on random keys", () => {
    const more = fc.record({
      accounts: fc.subarray([PARTNER, STRANGER, "700000000007"]),
      organizations: fc.subarray([PARTNER_ORG]),
      principals: fc.subarray([`arn:aws:iam::${PARTNER}:role/app`, `arn:aws:iam::${PARTNER}:user/ann`]),
      services: fc.subarray(["s3.amazonaws.com", "cloudtrail.amazonaws.com"]),
    });
    always(
      60,
      fc.property(worldArb, more, (w, trust) => {
        const before = matrixOf(w);
        const after = matrixOf(w, {
          zone: {
            accounts: [...ZONE.accounts, ...trust.accounts.map((a) => a as never)],
            organizations: [...ZONE.organizations, ...trust.organizations.map((o) => o as never)],
            principals: trust.principals.map((p) => p as never),
            services: trust.services,
          },
        });
        if (before.undecided.length > 0 || after.undecided.length > 0) return;
        expect(gained(before, after).map((a) => [a.who, a.actions])).toEqual([]);
        expect(worse(after.exposure, before.exposure)).toBe(false);
      }),
    );
  });
});

describe("names", () => {
  guarantee("renaming", "the accounts of random keys without patterns change their ids", () => {
    const plain = worldArb.filter((w) => !/"[^"]*[0-9:/-][^"]*[*?][^"]*"|"[*?][^"]+"/.test(valuesOf(w)));
    const names = new Map([
      [PARTNER, "700000000017"],
      [STRANGER, "700000000027"],
      [TRUSTED, "700000000037"],
    ]);
    const renamed = (text: string): string =>
      [...names].reduce((t, [from, to]) => t.replaceAll(from, to), text);
    let exposed = 0;
    always(
      60,
      fc.property(plain, (w) => {
        const other = JSON.parse(renamed(JSON.stringify(w))) as World;
        const zone = { ...ZONE, accounts: ZONE.accounts.map((a) => renamed(a) as never) };
        const [before, after] = [reportOf(recordOf(w)), reportOf(recordOf(other), zone)];
        expect(after.exposure).toBe(before.exposure);
        const brief = (r: typeof before): string[] =>
          r.findings.map((f) => JSON.stringify([f.rule, f.severity, f.certainty, f.who, f.actions])).sort();
        expect(brief(after)).toEqual(brief(before).map(renamed).sort());
        if (after.verdict === "exposed") exposed += 1;
      }),
    );
    expect(exposed).toBeGreaterThan(8);
    expect(names.has(OWN)).toBe(false);
  });
});

/** All texts of a world except its actions, whose wildcards select no accounts. */
function valuesOf(w: World): string {
  const strip = (s: Readonly<Record<string, unknown>>): unknown => ({ ...s, Action: "", NotAction: "" });
  return JSON.stringify(w.statements.map(strip)).replaceAll('"*"', '""');
}

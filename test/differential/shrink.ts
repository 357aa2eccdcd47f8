import type { AccessRequest } from "../../src/semantics/request.js";
import type { World } from "../generators/worlds.js";
import { checkProofs, compare, type Disagreement, type Outcome, prepare } from "./compare.js";

/** A disagreement: the world, the request that shows it (none where a proof of the matrix is at fault), and what it is. */
export interface Finding {
  readonly world: World;
  readonly request?: AccessRequest;
  readonly what: Disagreement;
  readonly text: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What a world and a request come to, a crash included. */
export function trouble(world: World, request: AccessRequest | undefined): Outcome | undefined {
  try {
    const prepared = prepare(world);
    return request === undefined ? checkProofs(prepared) : compare(prepared, request);
  } catch (error) {
    return { kind: "disagreement", what: "crash", text: String(error) };
  }
}

/** Takes away whatever can be taken away while the engines still disagree in the same way. `until`: a deadline in ms. */
export function shrink(finding: Finding, until: number): Finding {
  let best = finding;
  for (let smaller = true; smaller && Date.now() < until; ) {
    smaller = false;
    for (const candidate of smallerOnes(best)) {
      if (Date.now() > until) break;
      const outcome = trouble(candidate.world, candidate.request);
      if (outcome?.kind !== "disagreement" || outcome.what !== finding.what) continue;
      best = { ...candidate, what: finding.what, text: outcome.text };
      smaller = true;
      break;
    }
  }
  return best;
}

type Candidate = Pick<Finding, "world" | "request">;

function* smallerOnes({ world, request }: Finding): Generator<Candidate> {
  const withRequest = (w: World): Candidate => (request === undefined ? { world: w } : { world: w, request });
  for (const smaller of without(JSON.parse(world.policy) as Json, 0)) {
    yield withRequest({ ...world, policy: JSON.stringify(smaller) });
  }
  const { policy, facts } = world;
  for (const part of without(dropped(world, "policy", "facts") as unknown as Json, 0)) {
    yield withRequest({ policy, facts, ...(part as unknown as Omit<World, "policy" | "facts">) });
  }
  for (const text of world.resourceControlPolicies) {
    for (const smaller of without(JSON.parse(text) as Json, 0)) {
      const resourceControlPolicies = world.resourceControlPolicies.map((t) =>
        t === text ? JSON.stringify(smaller) : t,
      );
      yield withRequest({ ...world, resourceControlPolicies });
    }
  }
  for (const change of PLAIN_FACTS) {
    const plain = { ...facts, ...change };
    if (JSON.stringify(plain) !== JSON.stringify(facts)) yield withRequest({ ...world, facts: plain });
  }
  if (request === undefined) return;
  const { context, encryptionContext } = request;
  for (const name of Object.keys(context)) {
    yield { world, request: { ...request, context: dropped(context, name) } };
  }
  for (const name of Object.keys(encryptionContext ?? {})) {
    yield { world, request: { ...request, encryptionContext: dropped(encryptionContext ?? {}, name) } };
  }
}

const PLAIN_FACTS = [
  { state: "Enabled" },
  { spec: "SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT" },
  { multiRegion: false },
  { tags: {} },
  { aliases: [] },
  { origin: "AWS_KMS" },
] as const;

const NEEDED = new Set([
  "Version",
  "Statement",
  "Effect",
  "organizations",
  "accounts",
  "principals",
  "services",
]);
const WHOLE = new Set([
  "Principal",
  "NotPrincipal",
  "Action",
  "Resource",
  "NotAction",
  "NotResource",
  "GrantId",
]);

/** The value without one of its members or items, the largest parts first. */
function* without(value: Json, depth: number): Generator<Json> {
  if (depth > 7 || value === null || typeof value !== "object") return;
  if (isList(value)) {
    for (let i = 0; i < value.length && (value.length > 1 || depth < 2); i += 1)
      yield value.filter((_, n) => n !== i);
    for (const [i, item] of value.entries()) {
      for (const smaller of without(item, depth + 1)) yield value.map((v, n) => (n === i ? smaller : v));
    }
    return;
  }
  const object = value as Readonly<Record<string, Json>>;
  for (const name of Object.keys(object)) {
    if (NEEDED.has(name) || WHOLE.has(name) || depth === 0) continue;
    const others = dropped(object, name);
    if (Object.keys(others).length > 0 || name === "Condition" || depth > 2) yield others;
  }
  for (const [name, member] of Object.entries(object)) {
    for (const smaller of without(member, depth + 1)) {
      if (
        typeof smaller === "object" &&
        smaller !== null &&
        Object.keys(smaller).length === 0 &&
        WHOLE.has(name)
      )
        continue;
      yield { ...object, [name]: smaller };
    }
  }
}

/** An object without some of its members. */
function dropped<T extends object>(value: T, ...names: readonly string[]): T {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name))) as T;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

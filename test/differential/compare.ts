import { analyze } from "../../src/access/analyze.js";
import type { Access, AccessMatrix } from "../../src/access/matrix.js";
import type { AccountId, OrganizationId } from "../../src/domain/ids.js";
import type { Policy } from "../../src/policy/ast.js";
import { policyDoubts } from "../../src/policy/doubtful.js";
import { parsePolicy } from "../../src/policy/parse.js";
import { actionFacts } from "../../src/semantics/actions.js";
import { inconsistencies } from "../../src/semantics/consistency.js";
import { evaluate } from "../../src/semantics/evaluate.js";
import type { AccessRequest, Decision, KeyDocument, Source } from "../../src/semantics/request.js";
import { NOW } from "../generators/vocabulary.js";
import type { World } from "../generators/worlds.js";
import { covers, isOutside, strangeService, strangeSource, stated } from "./outside.js";

/** A world that both engines have read; the symbolic engine has answered for all requests at once. */
export interface Prepared {
  readonly world: World;
  readonly document: KeyDocument;
  readonly matrix: AccessMatrix;
  /** Unique ids of principals that were deleted: nobody has them any more. */
  readonly deadIds: ReadonlySet<string>;
}

/** What came of putting one request to both engines. */
export type Outcome =
  /** Both said the same; `reference` is what they said. */
  | { readonly kind: "agreed"; readonly reference: Decision["outcome"] }
  /** AWS would not send such a request, or an insider makes it: nothing was compared. */
  | { readonly kind: "discarded"; readonly why: "inconsistent" | "inside" }
  /** The symbolic engine had said beforehand that it did not decide this. */
  | { readonly kind: "undecided" }
  | { readonly kind: "disagreement"; readonly what: Disagreement; readonly text: string };

/** The kinds of disagreement; a shrunk case must show the same one. */
export type Disagreement =
  | "witness-refused"
  | "witness-inside"
  | "witness-doubtful"
  | "not-covered"
  | "not-certain"
  | "not-now"
  | "exposure"
  | "crash";

/**
 * Reads a world with both engines. Throws where the generator made something that is no policy. `maxSteps`: bound on the
 * search of the symbolic engine, its own if not given.
 */
export function prepare(world: World, maxSteps?: number): Prepared {
  const { facts } = world;
  const parsed = parsePolicy(world.policy, { kind: "key", partition: facts.partition });
  if (parsed.policy === undefined) throw new Error(`no policy: ${JSON.stringify(parsed.diagnostics)}`);
  const resourceControlPolicies = world.resourceControlPolicies.map(rcp);
  const matrix = analyze({
    facts,
    policy: parsed,
    grants: world.grants,
    resourceControlPolicies,
    zone: world.zone,
    organizationOf: new Map(
      world.organizationOf.map(([id, o]) => [
        id as AccountId,
        o === null ? null : { ...o, id: o.id as OrganizationId },
      ]),
    ),
    now: NOW,
    scope: "outside",
    // Every other world has its grants looked at one by one, as keys with many grants have.
    grantsTogether: world.policy.length % 2 === 0 ? 0 : Number.POSITIVE_INFINITY,
    ...(maxSteps === undefined ? {} : { maxSteps }),
  });
  const reading = policyDoubts(parsed);
  const document: KeyDocument = {
    facts,
    policy: parsed.policy,
    grants: world.grants,
    resourceControlPolicies,
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
  return { world, document, matrix, deadIds: deadIds(parsed.policy, world) };
}

function rcp(text: string): Policy {
  const { policy, diagnostics } = parsePolicy(text, { kind: "rcp" });
  if (policy === undefined) throw new Error(`no resource control policy: ${JSON.stringify(diagnostics)}`);
  return policy;
}

/** AWS shows a unique id in place of a principal that was deleted (semantics of the Principal element). */
function deadIds(policy: Policy, world: World): ReadonlySet<string> {
  const inPolicy = policy.statements.flatMap((s) =>
    s.principal.kind === "missing"
      ? []
      : s.principal.entries.flatMap((e) => (e.kind === "unique-id" ? [e.id] : [])),
  );
  const inGrants = world.grants.flatMap((g) => [g.GranteePrincipal ?? "", g.RetiringPrincipal ?? ""]);
  return new Set([...inPolicy, ...inGrants.filter((text) => /^A(IDA|ROA)/.test(text))]);
}

const fail = (what: Disagreement, text: string): Outcome => ({ kind: "disagreement", what, text });

/** Holds the proofs of a matrix against the reference; undefined where all are borne out. */
export function checkProofs({ world, document, matrix }: Prepared): Outcome | undefined {
  const [first] = matrix.disagreements;
  if (first !== undefined) return fail("witness-refused", first);
  for (const access of matrix.accesses) {
    const wrong = checkWitness(access, world, document);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkWitness(access: Access, world: World, document: KeyDocument): Outcome | undefined {
  const { request } = access.witness;
  const said = `${JSON.stringify(brief(access))} with ${JSON.stringify(request)}`;
  const odd = inconsistencies(request, document);
  if (odd.length > 0) return fail("witness-refused", `${said}: ${odd.join("; ")}`);
  const { reach } = access;
  const decision = evaluate(request, document, {
    ignoreCrossAccount: reach.kind === "not-across-accounts",
    ignoreKeyState: reach.kind === "key-state" || reach.kind === "not-across-accounts",
  });
  if (decision.outcome === "deny") return fail("witness-refused", `${said}: the reference denies it`);
  if (access.certainty === "certain" && decision.outcome !== "allow") {
    const doubts = decision.doubts.map((d) => d.id).join(", ");
    return fail("witness-doubtful", `${said}: certain, and the reference doubts (${doubts})`);
  }
  if (access.certainty === "possible" && access.doubts.length === 0) {
    return fail("witness-doubtful", `${said}: possible, and no doubt is named`);
  }
  if (!isOutside(request, world, false)) return fail("witness-inside", `${said}: an insider makes it`);
  if (!covers(access.who, request)) return fail("witness-inside", `${said}: another class makes it`);
  const impossible = contradictsOrganizations(request, world);
  if (impossible !== undefined) return fail("witness-inside", `${said}: ${impossible}`);
  return undefined;
}

/** A witness may not claim another organization for an account than the one that is known. */
function contradictsOrganizations(request: AccessRequest, world: World): string | undefined {
  const { caller } = request;
  const service = caller.kind === "service";
  const account = service ? stated(request, "aws:SourceAccount") : caller.account;
  const claimed = stated(request, service ? "aws:SourceOrgID" : "aws:PrincipalOrgID");
  const known = world.organizationOf.find(([id]) => id === account)?.[1];
  if (known === undefined || known?.id === claimed) return undefined;
  return `account ${account ?? ""} is in ${known?.id ?? "no organization"}`;
}

/** Puts one request to both engines. */
export function compare(prepared: Prepared, request: AccessRequest): Outcome {
  const { world, document, matrix, deadIds } = prepared;
  if (!isOutside(request, world)) return { kind: "discarded", why: "inside" };
  const { caller } = request;
  const dead = (caller.kind === "user" || caller.kind === "session") && deadIds.has(caller.uniqueId ?? "");
  if (
    dead ||
    strangeSource(request) ||
    strangeService(request, world) ||
    inconsistencies(request, document).length > 0
  )
    return { kind: "discarded", why: "inconsistent" };
  const decision = evaluate(request, document);
  // Credentials of which the request does not say what AWS would know: both answers are right.
  if (decision.doubts.some((d) => d.id === "mfa-of-session") && !saysMfa(request))
    return { kind: "discarded", why: "inconsistent" };
  const agreed: Outcome = { kind: "agreed", reference: decision.outcome };
  if (decision.outcome === "deny" || outOfScope(request, decision, prepared)) return agreed;
  const covering = matrix.accesses.filter(
    (a) => a.actions.includes(request.action) && covers(a.who, request),
  );
  const what = shortfall(request, decision, covering, prepared);
  if (what === undefined) return agreed;
  if (leftOpen(request, decision, matrix)) return { kind: "undecided" };
  return fail(
    what,
    [
      `request ${JSON.stringify(request)}`,
      `reference ${decision.outcome} ${decision.reason} ${JSON.stringify(decision.sources)} ${JSON.stringify(decision.doubts.map((d) => d.id))}`,
      `matrix ${matrix.exposure} ${JSON.stringify(matrix.accesses.map(brief))}`,
      `undecided ${JSON.stringify(matrix.undecided)}`,
    ].join("\n"),
  );
}

function saysMfa(request: AccessRequest): boolean {
  return Object.keys(request.context).some((name) => name.toLowerCase() === "aws:multifactorauthpresent");
}

/**
 * What the matrix leaves out on purpose: that a service may look at a key or give up a grant that it holds
 * (docs/decisions/service-grants.md); that a retiring principal or the issuing account may retire a grant, which is a
 * finding of its own; management calls by a service principal, which no service makes; and that resource control
 * policies do not bind service-linked roles, also those of strangers (docs/decisions/service-linked-roles.md).
 */
function outOfScope(request: AccessRequest, decision: Decision, { world, document }: Prepared): boolean {
  const denies = new Set(document.policy.statements.filter((s) => s.effect === "Deny").map((s) => s.index));
  const { caller } = request;
  const linked = caller.kind === "session" && caller.role.startsWith("aws-service-role/");
  if (linked && world.resourceControlPolicies.length > 0) return true;
  const byGrant = decision.sources.every((s) => s.kind !== "statement" || denies.has(s.index));
  const service = request.caller.kind === "service";
  if (service && actionFacts(request.action)?.crossAccount !== true) return true;
  if (service && byGrant && request.action === "kms:DescribeKey") return true;
  return request.action === "kms:RetireGrant";
}

/** In what the matrix falls short of what the reference allows; undefined: in nothing. */
function shortfall(
  request: AccessRequest,
  decision: Decision,
  covering: readonly Access[],
  { matrix, world }: Prepared,
): Disagreement | undefined {
  if (covering.length === 0) return "not-covered";
  if (matrix.exposure === "none") return "exposure";
  if (decision.outcome !== "allow") return undefined;
  if (request.time === NOW && covering.every((a) => a.reach.kind !== "now")) return "not-now";
  // The account behind a unique id or a measurement cannot be seen, so who has it is at best possible.
  const hidden = covering.some((a) => a.doubts.some((d) => HIDDEN_ACCOUNTS.has(d.id)));
  const doubtfulCaller = bearsNamedId(request, world) || bearsOddId(request) || hasColonInName(request);
  if (!hidden && !doubtfulCaller && covering.every((a) => a.certainty === "possible")) return "not-certain";
  const person = request.caller.kind !== "service" && request.time === NOW;
  const enough =
    ["public", "external", "network"].includes(matrix.exposure) ||
    covering.some((a) => a.exposure === "network");
  return person && !enough ? "exposure" : undefined;
}

/** Doubts about whose account it is that the symbolic engine alone has. */
const HIDDEN_ACCOUNTS: ReadonlySet<string> = new Set(["unique-id-account", "attested-parent-account"]);

/** Whether the caller has a unique id that a document names. */
function bearsNamedId({ caller }: AccessRequest, world: World): boolean {
  const id = caller.kind === "user" || caller.kind === "session" ? caller.uniqueId : undefined;
  const texts = [world.policy, ...world.resourceControlPolicies];
  return id !== undefined && texts.some((text) => text.toUpperCase().includes(id));
}

/** Whether the caller has a unique id of a length that AWS has never used (the doubt `unique-id-length`). */
function bearsOddId({ caller }: AccessRequest): boolean {
  const id = caller.kind === "user" || caller.kind === "session" ? caller.uniqueId : undefined;
  return id !== undefined && id.length !== 21;
}

/**
 * Whether a service calls for a resource with a colon in its name, behind one that its kind ends with
 * (`log-group:NAME`): whether there are such depends on the service (the doubt `source-arn-colon`).
 */
function hasColonInName(request: AccessRequest): boolean {
  const { caller } = request;
  return caller.kind === "service" && /^arn:([^:]*:){6}/.test(stated(request, "aws:SourceArn") ?? "");
}

/** Whether the symbolic engine said that it had not decided what the reference allows here. */
function leftOpen(request: AccessRequest, decision: Decision, matrix: AccessMatrix): boolean {
  const same = (a: Source, b: Source): boolean =>
    a.kind === "statement" && b.kind === "statement"
      ? a.index === b.index
      : a.kind === "grant" && b.kind === "grant" && a.grantId === b.grantId;
  return matrix.undecided.some(
    (u) =>
      (u.who === undefined || covers(u.who, request)) &&
      (u.source === undefined || decision.sources.some((s) => u.source !== undefined && same(u.source, s))),
  );
}

/** A cell of the matrix in a few words. */
export function brief(a: Access): unknown {
  return [a.who, a.source, a.actions.slice(0, 4), a.certainty, a.exposure, a.doubts.map((d) => d.id)];
}

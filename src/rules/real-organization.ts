import type { Access, AccessMatrix } from "../access/matrix.js";
import { overallExposure } from "../access/rollup.js";
import type { ServiceControl } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import { Documents } from "../iam/documents.js";
import { surelyDenied } from "../iam/service-control.js";
import type { Condition, ParsedPolicy, Policy } from "../policy/ast.js";
import { policyDoubts } from "../policy/doubtful.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { ContextEntry, RequestContext } from "../semantics/derive-context.js";
import type { OrganizationOf } from "../trust/zone.js";
import { inZone } from "../trust/zone.js";

/** Organizations as they really are, as far as the data has them. */
export interface RealOrganizations {
  /** The path of every account of an organization; undefined where not all of them are known. */
  treeOf(organization: string): ReadonlyMap<AccountId, string> | undefined;
  /** The service control policies above an account. */
  serviceControlOf(account: AccountId): ServiceControl;
}

/** What decides besides the matrix. */
export interface RealContext {
  readonly facts: KeyFacts;
  readonly parsed: ParsedPolicy;
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
}

const ORG_PATHS = "aws:principalorgpaths";

/**
 * The matrix with what the real organizations say of outsiders: accounts whose service control policies deny what the
 * key allows, and organization paths at which no account outside the zone stands, are latent. Only what surely holds is
 * counted. The same object where nothing changes.
 */
export function asTodayStands(
  matrix: AccessMatrix,
  real: RealOrganizations | undefined,
  context: RealContext,
): AccessMatrix {
  if (real === undefined || matrix.accesses.every((a) => a.trusted)) return matrix;
  const documents = new Documents();
  const accesses = matrix.accesses.map((a) => today(a, real, context, documents));
  if (accesses.every((a, i) => a === matrix.accesses[i])) return matrix;
  const exposure = overallExposure(accesses, matrix.undecided, policyDoubts(context.parsed));
  return { ...matrix, accesses, exposure };
}

function today(access: Access, real: RealOrganizations, context: RealContext, documents: Documents): Access {
  if (access.trusted || access.exposure === "none" || access.exposure === "latent") return access;
  const { who } = access;
  if (who.kind === "organization") return throughTree(access, who.id, real, context);
  if (who.kind !== "account" && who.kind !== "principal") return access;
  const account = parseAccountId(who.kind === "account" ? who.id : who.account);
  if (account === undefined || (who.kind === "principal" && who.arn.includes("AWSServiceRoleFor")))
    return access;
  const control = real.serviceControlOf(account);
  const closed = access.actions.every((action) => surelyDenied(control, action, documents));
  return closed ? { ...access, exposure: "latent", today: { kind: "denied-by-scp", account } } : access;
}

/** Which accounts stand where the statement asks for: its other conditions, and every Deny, are not looked at. */
function throughTree(
  access: Access,
  organization: string,
  real: RealOrganizations,
  { facts, parsed, zone, organizationOf }: RealContext,
): Access {
  const { source } = access;
  if (source.kind !== "statement") return access;
  const statement = parsed.policy?.statements.find((s) => s.index === source.index);
  const conditions = statement?.conditions.filter((c) => c.keyLower === ORG_PATHS) ?? [];
  const tree = conditions.length === 0 ? undefined : real.treeOf(organization);
  if (tree === undefined || parsed.policy === undefined) return access;
  const { version } = parsed.policy;
  const accounts = [...tree].flatMap(([account, path]) => {
    if (inZone(account, zone, facts, organizationOf)) return [];
    return conditions.every((c) => mayHold(c, version, path)) ? [account] : [];
  });
  return accounts.length === 0
    ? { ...access, exposure: "latent", today: { kind: "no-such-account", organization } }
    : { ...access, today: { kind: "accounts", accounts: accounts.sort() } };
}

/** Whether a condition on organization paths may hold for an account at a path. */
export function mayHold(condition: Condition, version: Policy["version"], path: string): boolean {
  const stated = new Map<string, ContextEntry>([[condition.keyLower, { kind: "values", values: [path] }]]);
  const request: RequestContext = {
    stated,
    derived: () => undefined,
    entries: () => stated,
    tagsKnown: false,
  };
  return conditionHolds(condition, version, request).value !== "no";
}

import { parseAccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { Condition, PrincipalEntry } from "../policy/ast.js";
import { type OrganizationOf, inZone } from "../trust/zone.js";

/** Whom a plan may leave in. */
export interface TrustContext {
  readonly facts: KeyFacts;
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
  /** The organization of the key's account was not read but assumed, so it does not stand for the account. */
  readonly ownOrganizationAssumed: boolean;
}

/** What an entry of a Principal element is to a plan. */
export type EntryStanding =
  | "trusted"
  | "foreign"
  | "everyone"
  | "orphan"
  | "service"
  | "trusted-service"
  | "refused";

/** Where an entry stands. */
export function standingOf(entry: PrincipalEntry, x: TrustContext): EntryStanding {
  switch (entry.kind) {
    case "everyone":
      return "everyone";
    case "unique-id":
      return "orphan";
    case "refused":
      return "refused";
    case "service":
      return x.zone.services.includes(entry.name) ? "trusted-service" : "service";
    case "account":
    case "user":
    case "role":
    case "session":
    case "federated-user":
      return isTrustedAccount(entry.account, x) || x.zone.principals.includes(entry.text)
        ? "trusted"
        : "foreign";
  }
}

/** Whether the account is in the zone of trust of the key. */
export function isTrustedAccount(account: string, x: TrustContext): boolean {
  const id = parseAccountId(account);
  return id !== undefined && inZone(id, x.zone, x.facts, x.organizationOf);
}

/** Principals of the zone that are named one by one, because their account is not in it. */
export function namedPrincipals(account: string, x: TrustContext): readonly string[] {
  return x.zone.principals.filter((arn) => arn.split(":")[4] === account);
}

/** Alternatives that together bound a caller to the zone; each is a set of conditions that must hold together. */
export interface Arm {
  readonly conditions: readonly ArmCondition[];
}

export interface ArmCondition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

/** Bounds for callers with an account. The own account comes first. */
export function callerArms(x: TrustContext): readonly Arm[] {
  const { zone, facts } = x;
  const organizations = [...zone.organizations];
  const covered = (account: string): boolean => {
    if (account === facts.account) {
      return (
        !x.ownOrganizationAssumed &&
        facts.organization.kind === "present" &&
        zone.organizations.includes(facts.organization.value.id)
      );
    }
    const id = parseAccountId(account);
    const of = id === undefined ? undefined : x.organizationOf.get(id);
    return of !== undefined && of !== null && zone.organizations.includes(of.id);
  };
  const accounts = [...new Set([facts.account, ...zone.accounts])].filter((a) => !covered(a));
  const arms: Arm[] = [];
  if (accounts.length > 0) arms.push(arm("StringEquals", "kms:CallerAccount", accounts));
  if (organizations.length > 0) arms.push(arm("StringEquals", "aws:PrincipalOrgID", organizations));
  const others = zone.principals.filter((arn) => !isTrustedAccount(arn.split(":")[4] ?? "", x));
  if (others.length > 0) {
    arms.push({
      conditions: [{ operator: "ArnEquals", key: "aws:PrincipalArn", values: others.map(roleOfSession) }],
    });
  }
  return arms;
}

/** Bounds for services that call for themselves. */
export function sourceArms(x: TrustContext): readonly Arm[] {
  const { zone, facts } = x;
  const arms = [arm("StringEquals", "aws:SourceAccount", [...new Set([facts.account, ...zone.accounts])])];
  if (zone.organizations.length > 0) arms.push(arm("StringEquals", "aws:SourceOrgID", zone.organizations));
  return arms;
}

function arm(operator: string, key: string, values: readonly string[]): Arm {
  return { conditions: [{ operator, key, values }] };
}

/** `aws:PrincipalArn` of a session is the ARN of its role, of which a session ARN has no path. */
function roleOfSession(arn: string): string {
  const session = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn);
  return session === null ? arn : `arn:${session[1] ?? ""}:iam::${session[2] ?? ""}:role/${session[3] ?? ""}`;
}

const ACCOUNT_KEYS: ReadonlySet<string> = new Set([
  "kms:calleraccount",
  "aws:principalaccount",
  "aws:sourceaccount",
]);
const ORGANIZATION_KEYS: ReadonlySet<string> = new Set(["aws:principalorgid", "aws:sourceorgid"]);
const ARN_KEYS: ReadonlySet<string> = new Set(["aws:principalarn", "aws:sourcearn"]);
const POSITIVE: ReadonlySet<string> = new Set(["StringEquals", "StringLike", "ArnEquals", "ArnLike"]);

/**
 * Which values of a condition name somebody outside the zone, by their position; undefined where the condition is not
 * one that names accounts, organizations or principals outright.
 */
export function foreignValues(c: Condition, x: TrustContext): readonly number[] | undefined {
  if (!POSITIVE.has(c.operator) || c.qualifier === "ForAllValues" || c.ifExists) return undefined;
  const out: number[] = [];
  for (const [i, value] of c.values.entries()) {
    const trusted = trustedValue(c.keyLower, value, x);
    if (trusted === undefined) return undefined;
    if (!trusted) out.push(i);
  }
  return c.values.length === 0 ? undefined : out;
}

function trustedValue(key: string, value: string, x: TrustContext): boolean | undefined {
  if (value.includes("${")) return undefined;
  if (ACCOUNT_KEYS.has(key)) return /^\d{12}$/.test(value) ? isTrustedAccount(value, x) : undefined;
  if (ORGANIZATION_KEYS.has(key)) {
    return /^o-[a-z0-9]+$/.test(value) ? x.zone.organizations.some((o) => o === value) : undefined;
  }
  if (ARN_KEYS.has(key)) {
    const account = /^arn:[^:*?]+:[^:*?]+:[^:]*:(\d{12}):/.exec(value)?.[1];
    return account === undefined
      ? undefined
      : isTrustedAccount(account, x) || x.zone.principals.includes(value);
  }
  return undefined;
}

import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { PrincipalEntry } from "../policy/ast.js";
import type { AccountChoice, CallerClass, OrganizationChoice } from "./callers.js";
import { matches, plainGlob } from "./glob.js";
import { type Mentions, principalEntry } from "./mentions.js";

/** What the classes of callers are made from. */
export interface ClassContext {
  readonly facts: KeyFacts;
  readonly zone: Zone;
  readonly mentions: Mentions;
  readonly organizationOf: ReadonlyMap<
    AccountId,
    { readonly id: OrganizationId; readonly path?: string } | null
  >;
}

/**
 * Callers in order, most general first. A class that `covers` later ones through the same statement makes them
 * superfluous: whoever is named is also "anyone".
 */
export interface RankedClass {
  readonly cls: CallerClass;
  /** Later classes of these groups are skipped for a source once this one got in through it. */
  readonly covers: readonly string[];
  readonly group: string;
}

/** Covers every later class. */
export const EVERYBODY = "*";

const ACCOUNT_SAMPLES = ["999988887777", "314159265358", "505050505050", "271828182845", "120034005600"];
const ORGANIZATION_SAMPLES = ["o-zzkeyward0", "o-0keyward99", "o-m5keyward5"];

/** Whom the ways in to a key name: classes of callers that no way in can name are not looked at. */
export interface Named {
  /** Some way in is for everyone, or for everyone but some, or for nobody knows whom. */
  readonly anybody: boolean;
  readonly services: ReadonlySet<string>;
}

/** The ids that documents and zone name, and samples of those that they do not. */
export interface KnownIds {
  readonly trustedOrgs: ReadonlySet<string>;
  readonly outsideOrgs: readonly string[];
  readonly zoneAccounts: ReadonlySet<string>;
  readonly accounts: readonly string[];
  readonly organizations: readonly string[];
  readonly trustedPrincipals: readonly PrincipalEntry[];
  /** Accounts that nobody named. */
  readonly accountSamples: readonly string[];
  readonly organizationSamples: readonly string[];
  readonly account: string;
  readonly organization: string;
  /** What a stranger's organization can be. */
  readonly strangerOrgs: readonly OrganizationChoice[];
  readonly trusts: (account: string) => boolean;
  readonly otherIds: readonly string[];
}

export const NOBODY: readonly PrincipalEntry[] = [];
const NO_IDS: readonly string[] = [];

/** Reads them off what a key is judged with. */
export function knownIds(x: ClassContext): KnownIds {
  const { zone, mentions, facts } = x;
  const trustedOrgs = new Set<string>(zone.organizations);
  const zoneAccounts = new Set<string>().add(facts.account);
  for (const id of zone.accounts) zoneAccounts.add(id);
  const accounts = [...zoneAccounts];
  for (const id of mentions.accounts) if (!zoneAccounts.has(id)) accounts.push(id);
  const organizations = [...mentions.organizations];
  for (const id of trustedOrgs) if (!mentions.organizations.has(id)) organizations.push(id);
  // A variable names the organization of the key's account without writing it.
  const own = facts.organization.kind === "present" ? facts.organization.value.id : undefined;
  const asked = mentions.keys.has("aws:resourceorgid") || mentions.keys.has("aws:resourceorgpaths");
  if (own !== undefined && asked && !organizations.includes(own)) organizations.push(own);
  const trustedPrincipals =
    zone.principals.length === 0 ? NOBODY : zone.principals.flatMap((p) => principalEntry(p) ?? []);
  // Somebody whom nobody named is in no account of a trusted principal.
  const taken = [...accounts, ...trustedPrincipals.flatMap((p) => ("account" in p ? [p.account] : []))];
  const accountSamples = representatives(ACCOUNT_SAMPLES, taken, mentions.patterns);
  const organizationSamples = representatives(ORGANIZATION_SAMPLES, organizations, mentions.patterns);
  const organization = organizationSamples[0] ?? "o-zzkeyward0";
  return {
    trustedOrgs,
    outsideOrgs: organizations.filter((o) => !trustedOrgs.has(o)),
    zoneAccounts,
    accounts,
    organizations,
    trustedPrincipals,
    accountSamples,
    organizationSamples,
    account: accountSamples[0] ?? "999988887777",
    organization,
    strangerOrgs: [{ kind: "none" }, { kind: "literal", id: organization }],
    trusts: (id) => {
      if (zoneAccounts.has(id)) return true;
      const its = x.organizationOf.get(id as AccountId);
      return its !== undefined && its !== null && trustedOrgs.has(its.id);
    },
    otherIds: mentions.uniqueIds.size === 0 ? NO_IDS : [...mentions.uniqueIds],
  };
}

/** The accounts of an organization that nobody named: of any id, so where a pattern asks for one, let it be chosen. */
export function accountsOf(x: ClassContext, known: KnownIds): readonly AccountChoice[] {
  const sample: AccountChoice = { kind: "literal", id: known.account };
  return x.mentions.patterns.length === 0 ? [sample] : [sample, { kind: "fresh", not: known.accounts }];
}

/**
 * Ids that stand for "nobody named": not in the documents and, where there is a choice, outside their patterns. More
 * than one where patterns exist, because a pattern under a negation asks for an id outside it and another for one inside.
 */
function representatives(
  samples: readonly string[],
  named: readonly string[],
  patterns: readonly string[],
): string[] {
  const free = samples.filter((s) => !named.includes(s));
  if (patterns.length === 0) return free.slice(0, 1);
  const globs = patterns.map((p) => plainGlob(p));
  const clear = free.filter((s) => !globs.some((g) => matches(g, s)));
  return [...clear, ...free.filter((s) => !clear.includes(s))].slice(0, 3);
}

import { present } from "../domain/fetched.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { Config } from "./config.js";

/**
 * The zone of trust that a configuration describes.
 *
 * @param ofSnapshot the organizations that the snapshot names; they are trusted under `organizations: auto` only
 */
export function zoneOf(config: Config, ofSnapshot: Iterable<OrganizationId>): Zone {
  const { organizations, accounts, principals, services } = config.trust;
  return {
    organizations: organizations === "auto" ? [...new Set(ofSnapshot)] : organizations,
    accounts: accounts.map((a) => a.id),
    principals,
    services,
  };
}

/** The facts about a key with the organization of its account filled in, and whether that was assumed. */
export interface OwnOrganization {
  readonly facts: KeyFacts;
  /** The organization that was assumed, for the output to say; undefined where nothing was. */
  readonly assumed: OrganizationId | undefined;
}

/**
 * Fills in the organization of the key's account where nothing is known about it and the zone of trust has exactly one
 * organization: the account is then taken to be its member. Why: docs/decisions/own-organization.md.
 *
 * @param listed organizations whose accounts the snapshot lists. An account that such a list leaves out is not assumed
 *   to be a member.
 */
export function assumeOwnOrganization(
  facts: KeyFacts,
  zone: Zone,
  listed: ReadonlySet<OrganizationId> = new Set(),
): OwnOrganization {
  const [only, ...more] = zone.organizations;
  if (facts.organization.kind !== "unknown" || only === undefined || more.length > 0 || listed.has(only)) {
    return { facts, assumed: undefined };
  }
  return { facts: { ...facts, organization: present({ id: only }) }, assumed: only };
}

/** What is known about the organizations of accounts. `null`: in none. */
export type OrganizationOf = ReadonlyMap<
  AccountId,
  { readonly id: OrganizationId; readonly path?: string } | null
>;

/**
 * Whether an account is in the zone of trust of a key. An account of which the organization is not known is not.
 */
export function inZone(
  account: AccountId,
  zone: Zone,
  facts: KeyFacts,
  organizationOf: OrganizationOf,
): boolean {
  if (account === facts.account || zone.accounts.includes(account)) return true;
  const organization = organizationOf.get(account);
  return organization !== undefined && organization !== null && zone.organizations.includes(organization.id);
}

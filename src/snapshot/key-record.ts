import type { Fetched } from "../domain/fetched.js";
import { present, unknown } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import { keyArnParts, parseAccountId, parseKeyArn, parseOrganizationId } from "../domain/ids.js";
import type { KeyFacts, KeyRecord, KeyState, KeyUsage, PolicyPlace } from "../domain/key.js";
import { KEY_STATES, KEY_USAGES } from "../domain/key.js";
import type {
  AccountLine,
  KeyLine,
  OrganizationLine,
  RawGrants,
  ResourceControlPolicyLine,
  SnapshotLine,
} from "./lines.js";

/** The organization that an account belongs to. `path`: `o-…/r-…/ou-…/`. */
export interface Membership {
  readonly id: OrganizationId;
  readonly path?: string;
}

/** What a snapshot says about the accounts around its keys. What it does not say is unknown. */
export interface EstateContext {
  /**
   * Accounts that an organization line lists, management accounts, and accounts whose own line tells their organization.
   * `null`: the account's own line says that it is in none. An account that is not here may be in any organization or in none.
   */
  readonly organizationOf: ReadonlyMap<AccountId, Membership | null>;
  /** Organizations whose line lists accounts: an account that the list leaves out is not taken for a member. */
  readonly listed: ReadonlySet<OrganizationId>;
  /** Texts of the resource control policies that bind keys of the account, without repetition. */
  resourceControlPolicies(account: AccountId): readonly string[];
  /** The path of every account of an organization; undefined where not all of them are known. */
  treeOf(organization: string): ReadonlyMap<AccountId, string> | undefined;
  /** The same policies at each place where they are attached, from the account up. */
  resourceControlPlaces(account: AccountId): readonly PolicyPlace[];
}

/** A line that {@link Estate} takes. */
export type EstateLine = OrganizationLine | ResourceControlPolicyLine | AccountLine;

/** Whether {@link Estate} takes a line. */
export function isEstateLine<T extends Pick<SnapshotLine, "type">>(line: T): line is T & EstateLine {
  return line.type === "organization" || line.type === "resource-control-policy" || line.type === "account";
}

/**
 * Collects the lines of a snapshot that are about more than one key. A key can be judged only when all of them have
 * been added: a later line could name its organization, or a policy that closes it.
 */
export class Estate implements EstateContext {
  private readonly memberships = new Map<AccountId, Membership | null>();
  private readonly contradictory = new Set<AccountId>();
  private readonly management = new Set<AccountId>();
  /** Organization of each root that some path names; a path is `o-…/r-…/…`. */
  private readonly organizationOfRoot = new Map<string, OrganizationId>();
  private readonly policiesByTarget = new Map<string, PolicyPlace[]>();
  private readonly places = new Map<AccountId, readonly PolicyPlace[]>();
  private readonly bound = new Map<AccountId, readonly string[]>();
  /** Organizations that say which policy types they have enabled, and resource control policies are not among them. */
  private readonly withoutResourceControl = new Set<OrganizationId>();

  /** Organizations whose lines list accounts, each with its path. */
  private readonly trees = new Map<string, Map<AccountId, string> | undefined>();
  private readonly named = new Set<OrganizationId>();
  private readonly withAccounts = new Set<OrganizationId>();

  /** Every organization that has a line, whether or not the line lists an account: `organizations: auto` means these. */
  get organizations(): ReadonlySet<OrganizationId> {
    return this.named;
  }

  get listed(): ReadonlySet<OrganizationId> {
    return this.withAccounts;
  }

  treeOf(organization: string): ReadonlyMap<AccountId, string> | undefined {
    return this.trees.get(organization);
  }

  get organizationOf(): ReadonlyMap<AccountId, Membership | null> {
    return this.memberships;
  }

  /** Adds a line. Two lines that put one account into different organizations make its organization unknown. */
  add(line: EstateLine): void {
    if (line.type === "account" && line.organization === undefined) return;
    this.bound.clear();
    this.places.clear();
    if (line.type === "account") {
      this.own(line);
      return;
    }
    if (line.type === "resource-control-policy") {
      const place: PolicyPlace = {
        text: line.text,
        target: line.target,
        ...optional("id", line.id),
        ...optional("name", line.name),
      };
      const known = this.policiesByTarget.get(line.target) ?? [];
      known.push(place);
      this.policiesByTarget.set(line.target, known);
      return;
    }
    const id = parseOrganizationId(line.id);
    if (id === undefined) return;
    if (line.policyTypes?.includes("RESOURCE_CONTROL_POLICY") === false) this.withoutResourceControl.add(id);
    this.named.add(id);
    if (line.accounts !== undefined) this.withAccounts.add(id);
    this.trees.set(id, tree(line));
    const management =
      line.managementAccountId === undefined ? undefined : parseAccountId(line.managementAccountId);
    if (management !== undefined) {
      this.management.add(management);
      this.member(management, { id });
    }
    for (const listed of line.accounts ?? []) {
      const account = parseAccountId(listed.id);
      if (account === undefined) continue;
      // A path of another organization is a mistake of whoever wrote the line; without it the rest still holds.
      const usable = listed.path !== undefined && listed.path.split("/")[0] === id;
      this.member(account, usable && listed.path !== undefined ? { id, path: listed.path } : { id });
    }
  }

  /**
   * Those attached to the account, to an organizational unit or root above it, or to its organization. None for a
   * management account, which resource control policies do not bind. Where the account's path is not known, a policy
   * of an organizational unit is left out: it could only deny, and a denial that may not hold must not close a key.
   * Source: AWS Organizations User Guide, "Resource control policies (RCPs)".
   */
  resourceControlPolicies(account: AccountId): readonly string[] {
    const known = this.bound.get(account);
    if (known !== undefined) return known;
    const result = [...new Set(this.resourceControlPlaces(account).map((place) => place.text))];
    this.bound.set(account, result);
    return result;
  }

  /** What {@link resourceControlPolicies} is made of. A policy type that the organization has not enabled binds nobody. */
  resourceControlPlaces(account: AccountId): readonly PolicyPlace[] {
    const known = this.places.get(account);
    if (known !== undefined) return known;
    const organization = this.memberships.get(account)?.id;
    const free =
      this.management.has(account) ||
      (organization !== undefined && this.withoutResourceControl.has(organization));
    const result = free
      ? []
      : this.targetsAbove(account).flatMap((target) => this.policiesByTarget.get(target) ?? []);
    this.places.set(account, result);
    return result;
  }

  /** What an account says of itself. Which accounts its organization has beside, and what is trusted, it does not tell. */
  private own({ id, organization }: AccountLine): void {
    const account = parseAccountId(id);
    if (account === undefined || organization === undefined || organization.kind === "unreadable") return;
    if (organization.kind === "absent") {
      this.member(account, null);
      return;
    }
    const named = parseOrganizationId(organization.id);
    if (named === undefined) return;
    this.member(account, { id: named });
    const management = parseAccountId(organization.managementAccountId ?? "");
    if (management === undefined) return;
    this.management.add(management);
    this.member(management, { id: named });
  }

  private targetsAbove(account: AccountId): string[] {
    const membership = this.memberships.get(account);
    if (membership === undefined || membership === null) return [account];
    const above =
      membership.path === undefined
        ? [...this.organizationOfRoot].filter(([, id]) => id === membership.id).map(([root]) => root)
        : membership.path.split("/").filter((step) => step !== "");
    return [account, membership.id, ...above];
  }

  private member(account: AccountId, membership: Membership | null): void {
    const root = membership?.path?.split("/")[1];
    if (membership !== null && root?.startsWith("r-") === true)
      this.organizationOfRoot.set(root, membership.id);
    if (this.contradictory.has(account)) return;
    const before = this.memberships.get(account);
    if (before !== undefined && before?.id !== membership?.id) {
      this.memberships.delete(account);
      this.contradictory.add(account);
    } else if (before?.path === undefined) this.memberships.set(account, membership);
  }
}

function tree(line: OrganizationLine): Map<AccountId, string> | undefined {
  if (line.partial === true) return undefined;
  const found = new Map<AccountId, string>();
  for (const { id, path } of line.accounts ?? []) {
    const account = parseAccountId(id);
    if (account === undefined || path?.startsWith(`${line.id}/`) !== true) return undefined;
    found.set(account, path);
  }
  return found.size === 0 ? undefined : found;
}

/** A key line as the analysis wants it. The line must have passed the reader: a malformed ARN throws. */
export function keyRecord(line: KeyLine, estate: EstateContext): KeyRecord {
  const arn = parseKeyArn(line.arn);
  if (arn === undefined) throw new Error(`not a key ARN: ${line.arn}`);
  const parts = keyArnParts(arn);
  const membership = estate.organizationOf.get(parts.account);
  const facts: KeyFacts = {
    arn,
    ...parts,
    organization:
      membership === undefined ? unknown : membership === null ? { kind: "absent" } : present(membership),
    ...optional("state", STATES.get(line.state ?? "")),
    ...optional("spec", line.spec),
    ...optional("usage", USAGES.get(line.usage ?? "")),
    ...optional("origin", line.origin),
    ...optional("multiRegion", line.multiRegion),
    ...optional("multiRegionKeyType", line.multiRegionKeyType),
    ...optional("tags", line.tags),
    ...optional("aliases", line.aliases),
  };
  const places = line.manager === "AWS" ? [] : estate.resourceControlPlaces(parts.account);
  return {
    facts,
    manager: line.manager,
    description: line.description,
    policy: line.policy.kind === "present" ? present(line.policy.text) : line.policy,
    grants: line.grants === undefined ? unknown : grants(line.grants),
    // They do not bind keys that AWS manages.
    resourceControlPolicies: line.manager === "AWS" ? [] : estate.resourceControlPolicies(parts.account),
    ...(places.length === 0 ? {} : { resourceControlPlaces: places }),
  };
}

/** A state or usage that AWS adds later is not known here, and so every one of them is considered. */
const STATES: ReadonlyMap<string, KeyState> = new Map(KEY_STATES.map((s) => [s, s]));
const USAGES: ReadonlyMap<string, KeyUsage> = new Map(KEY_USAGES.map((u) => [u, u]));

function grants(raw: RawGrants): Fetched<readonly Grant[]> {
  if (raw.kind === "present") return present(raw.items);
  if (raw.kind === "absent") return raw;
  const { items, ...failure } = raw;
  return items === undefined || items.length === 0 ? failure : { ...failure, part: items };
}

function optional<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>);
}

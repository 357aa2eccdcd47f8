import type { AccountId } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import { knownAccount } from "../domain/known-accounts.js";
import type { Zone } from "../domain/zone.js";
import type { OrganizationOf } from "../trust/zone.js";
import {
  ASKS_FOR_NAMES,
  ASKS_FOR_PATHS,
  HOLE,
  refusal,
  TELLS_NAMES,
  tellsRegions,
  withHoles,
} from "./document-traits.js";
import { grantsText } from "./grants-text.js";

/**
 * Two keys are alike if everything that their reports depend on is the same but for names that stand for themselves:
 * the key's ARN and Region, its aliases and tags, the ids of its grants, the path of its account in the organization,
 * and the id of its account. Their reports then differ in those names alone (report/key-template.ts).
 *
 * For the account id this needs a reason, because policies can look into ids (a pattern such as `1111*`) and because
 * keyward makes up ids for callers whom nobody named. `refusal` and `order` (document-traits.ts) hold the conditions; why they
 * suffice is said in docs/decisions/shared-reports.md.
 */
export interface Likeness {
  /**
   * The key's documents (policy, grants, where resource control policies are attached), with a hole wherever the id of
   * the account stands, if it is one of `names`.
   */
  readonly documents: string;
  /** The first so many characters of `documents` are the key policy. */
  readonly policyLength: number;
  /** What stands for itself. */
  readonly names: KeyNames;
  /** The path of the account in the organization, where only the documents can keep it from standing for itself. */
  readonly path: string | undefined;
  /** The resource control policies that bind the key, and what they look into. */
  readonly bound: {
    readonly controls: readonly string[];
    readonly tellNames: boolean;
    readonly tellRegions: boolean;
  };
}

/** The names of a key that its report repeats and that decide nothing. */
export interface KeyNames {
  readonly arn: string;
  /** Undefined: the id is kept as it is, and only keys of the same account are alike. */
  readonly account: string | undefined;
  /** Undefined: there is none, or it is kept as it is. */
  readonly path: string | undefined;
  /** Undefined: it is kept as it is. */
  readonly region: string | undefined;
  /** Ids of the grants, and ids of resources that grants are bound to and nothing else speaks of. */
  readonly opaque: readonly string[];
}

/** What is the same for all keys of one audit. */
export interface LikenessContext {
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
}

const KEY_ID = /^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * Ids that keyward makes up for callers whom nobody named (access/classes.ts), or that a search would try first. A key
 * of such an account is judged for itself.
 */
const MADE_UP = /^(99998|31415|50505|27182|12003|99999|00000|12345)/;

/** What the keys of one account have in common, as far as they are bound by the same policies. */
interface AccountLikeness {
  readonly controls: readonly string[];
  readonly organization: KeyRecord["facts"]["organization"];
  readonly renamable: boolean;
  readonly path: string | undefined;
  /** Where resource control policies are attached: findings tell it. */
  readonly places: string;
  readonly tellNames: boolean;
  readonly tellRegions: boolean;
  /** Facts about the account, its path left out, and with it. */
  readonly facts: string;
  readonly factsWithPath: string;
}

/** Accounts that are remembered. */
const MOST_ACCOUNTS = 10_000;

/** Compares keys of one estate. Made anew when the zone of trust or the organizations change. */
export class Likenesses {
  private readonly fixed: ReadonlySet<string>;
  private readonly fixedText: string;
  private readonly policyNumbers = new Map<string, number>();
  private readonly accounts = new Map<string, AccountLikeness>();

  constructor(private readonly context: LikenessContext) {
    this.fixed = new Set<string>(context.zone.accounts);
    this.fixedText = [...context.zone.principals, ...context.zone.services].join("\n");
  }

  /** Undefined for a key that is like no other, whatever its documents say. */
  of(record: KeyRecord): Likeness | undefined {
    const { facts, policy } = record;
    if (!KEY_ID.test(facts.keyId)) return undefined;
    const account = this.account(record);
    const policyText = policy.kind === "present" ? policy.value : JSON.stringify(policy);
    const grants = grantsText(record, policyText, account.places);
    if (grants === undefined) return undefined;
    const rest = `\n${grants.text}\n${account.places}`;
    if (policyText.includes(facts.keyId) || rest.includes(facts.keyId)) return undefined;
    if (policyText.includes(HOLE) || rest.includes(HOLE)) return undefined;
    if (account.controls.some((t) => t.includes(facts.keyId) || ASKS_FOR_NAMES.test(t))) return undefined;
    const policyPart = account.renamable ? withHoles(policyText, facts.account) : policyText;
    const restPart = account.renamable ? withHoles(rest, facts.account) : rest;
    return {
      documents: policyPart + restPart,
      policyLength: policyPart.length,
      names: {
        arn: facts.arn,
        account: account.renamable ? facts.account : undefined,
        path: undefined,
        region: undefined,
        opaque: grants.opaque,
      },
      path: account.path,
      bound: account,
    };
  }

  /**
   * Everything but the documents that must be equal, as a text.
   *
   * @param names those that stand for themselves
   */
  factsText(record: KeyRecord, names: KeyNames): string {
    const { facts } = record;
    const account = this.account(record);
    return `${names.path === undefined ? account.factsWithPath : account.facts}${JSON.stringify([
      names.account === undefined ? facts.account : "",
      facts.partition,
      names.region === undefined ? facts.region : "",
      facts.state,
      facts.spec,
      facts.usage,
      facts.origin,
      facts.multiRegion,
      facts.multiRegionKeyType,
      record.manager,
      record.policy.kind,
    ])}`;
  }

  /** Whether an account with this id is known to be in an organization, or in none. */
  isKnown(account: string): boolean {
    return this.context.organizationOf.get(account as AccountId) !== undefined;
  }

  /** Whether the zone of trust has a principal or service with this in its name. */
  isInZone(word: string): boolean {
    return this.fixedText.includes(word);
  }

  private account(record: KeyRecord): AccountLikeness {
    const id = record.facts.account;
    const key = `${id} ${record.manager ?? ""}`;
    const known = this.accounts.get(key);
    // The estate gives the same lists as long as nothing is added to it.
    if (
      known !== undefined &&
      sameList(known.controls, record.resourceControlPolicies) &&
      sameOrganization(known.organization, record.facts.organization)
    ) {
      return known;
    }
    if (this.accounts.size >= MOST_ACCOUNTS) this.accounts.clear();
    const made = this.makeAccount(record);
    this.accounts.set(key, made);
    return made;
  }

  private makeAccount(record: KeyRecord): AccountLikeness {
    const { facts, resourceControlPolicies: controls } = record;
    const { organization } = facts;
    const places = (record.resourceControlPlaces ?? []).map((p) => [
      this.number(p.text),
      p.id,
      p.name,
      p.target,
    ]);
    const placesText = places.length === 0 ? "" : JSON.stringify(places);
    const path = this.pathOf(record, placesText);
    const membership = this.context.organizationOf.get(facts.account);
    const numbers = controls.map((t) => this.number(t));
    const factsWithPath = JSON.stringify([organization, membership, membership === undefined, numbers]);
    return {
      controls,
      organization,
      renamable: !factsWithPath.includes(facts.account) && this.renamable(facts.account, controls),
      path,
      places: placesText,
      tellNames: controls.some((t) => TELLS_NAMES.test(t)),
      tellRegions: controls.some(tellsRegions),
      facts: JSON.stringify([
        organization.kind === "present" ? organization.value.id : organization,
        membership === undefined || membership === null ? membership : membership.id,
        membership === undefined,
        "path",
        numbers,
      ]),
      factsWithPath,
    };
  }

  private number(text: string): number {
    const known = this.policyNumbers.get(text);
    if (known !== undefined) return known;
    this.policyNumbers.set(text, this.policyNumbers.size);
    return this.policyNumbers.size - 1;
  }

  private renamable(account: string, controls: readonly string[]): boolean {
    return !(
      this.fixed.has(account) ||
      this.fixedText.includes(account) ||
      MADE_UP.test(account) ||
      /^(\d)\1{11}$/.test(account) ||
      knownAccount(account) !== undefined ||
      // Patterns of a resource control policy would have to be looked at as well; it rarely has any on ids.
      controls.some((t) => t.includes(account) || refusal(t) !== undefined)
    );
  }

  /** The path of the key's account, where no policy of the organization asks for one or tells it. */
  private pathOf(record: KeyRecord, places: string): string | undefined {
    const { organization, account } = record.facts;
    if (organization.kind !== "present" || organization.value.path === undefined) return undefined;
    const { path } = organization.value;
    if (path.length < 12 || places.includes(path)) return undefined;
    if (record.resourceControlPolicies.some((t) => ASKS_FOR_PATHS.test(t) || t.includes(path)))
      return undefined;
    return this.context.organizationOf.get(account)?.path === path ? path : undefined;
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === 0 && b.length === 0);
}

type Organization = KeyRecord["facts"]["organization"];

function sameOrganization(a: Organization, b: Organization): boolean {
  if (a.kind !== "present" || b.kind !== "present") return a.kind === b.kind && a.kind !== "unreadable";
  return a.value.id === b.value.id && a.value.path === b.value.path;
}

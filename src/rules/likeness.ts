import type { GrantConstraints } from "../domain/grant.js";
import type { AccountId } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import { knownAccount } from "../domain/known-accounts.js";
import type { Zone } from "../domain/zone.js";
import type { OrganizationOf } from "../trust/zone.js";

/**
 * Two keys are alike if everything that their reports depend on is the same but for names that stand for themselves:
 * the key's ARN and Region, its aliases and tags, the ids of its grants, the path of its account in the organization,
 * and the id of its account. Their reports then differ in those names alone (report/key-template.ts).
 *
 * For the account id this needs a reason, because policies can look into ids (a pattern such as `1111*`) and because
 * keyward makes up ids for callers whom nobody named. {@link refusal} and {@link order} hold the conditions; why they
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

/** Stands for the account id. JSON texts have no such character, and a text that has it is not renamed. */
const HOLE = "\u0000";

/** A text that may ask for tags or aliases of the key, or hide that it does. */
const ASKS_FOR_NAMES = /resource(tag|aliases)|\\u/i;
const ASKS_FOR_PATHS = /orgpaths|\\/i;
const KEY_ID = /^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const GRANT_ID = /^[0-9a-f]{64}$/;

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

/** Conditions on names of users and roles, and principals that are matched by more than their whole ARN. */
const TELLS_NAMES = /principalarn|aws:userid|aws:username|notprincipal|:sts:|\$\{|\\/i;

/** Condition keys whose values hold the key's Region, or may hold it in words of the caller's. */
const ABOUT_REGIONS = /region|viaservice|calledvia|vpc|sourceinstance|sourcefunction|\$\{|\\/i;
/** A string of JSON with wildcards in it. */
const PATTERN = /"[^"]*[*?][^"]*"/g;
/** A pattern on actions, or one on ARNs in which the wildcard that takes a Region takes nothing but whole ones. */
const TAKES_ALL_REGIONS = /^"(?:\*|[a-z0-9-]+:[A-Za-z]*\*|arn:[^:*?]*:[^:*?]*:(?:\*|[^:*?]*):[^"]*)"$/;

/**
 * Whether documents could tell one Region from another that they do not name. The Region of a key stands in requests
 * only between the third and the fourth colon of a source ARN; elsewhere only where a key of {@link ABOUT_REGIONS} asks.
 */
function tellsRegions(documents: string): boolean {
  if (ABOUT_REGIONS.test(documents) || documents.includes(STAND_IN_REGION)) return true;
  for (const [text] of documents.matchAll(PATTERN)) {
    if (!TAKES_ALL_REGIONS.test(text)) return true;
  }
  return false;
}

/** A Region that there is not: it takes the place of a key's own while a template is made. */
export const STAND_IN_REGION = "kw-standin-9";

/** What documents say that decides which names stand for themselves. */
export interface DocumentTraits {
  /** They may ask for tags or aliases of the key. */
  readonly asksForNames: boolean;
  readonly asksForPaths: boolean;
  /** They may tell names of users and roles apart by more than equality. */
  readonly tellsNames: boolean;
  /** They may tell Regions apart that they do not name. */
  readonly tellsRegions: boolean;
  /** Ids of accounts, those in holes left out. */
  readonly accounts: readonly string[];
  /** Why the id of the account cannot be renamed: see {@link refusal}. */
  readonly refusal: string | undefined;
  /** See {@link neighbours}. */
  readonly neighbours: readonly string[];
}

/** Looks documents through, once for all keys that have them. */
export function traitsOf(documents: string): DocumentTraits {
  const refused = refusal(documents);
  return {
    asksForNames: ASKS_FOR_NAMES.test(documents),
    asksForPaths: ASKS_FOR_PATHS.test(documents),
    tellsNames: TELLS_NAMES.test(documents),
    tellsRegions: tellsRegions(documents),
    accounts: [...new Set(Array.from(documents.matchAll(ACCOUNT), ([id]) => id))],
    refusal: refused,
    // A finding about the account itself is told by its id alone, as a string of JSON.
    neighbours: refused === undefined ? neighbours(`"${HOLE}"\n${documents}`) : [],
  };
}

const ACCOUNT = /(?<![0-9])[0-9]{12}(?![0-9])/g;

/** A resource id as services write it into the encryption context of a grant, such as `vol-0123456789abcdef0`. */
const RESOURCE_ID = /^[a-z]+-[0-9a-f]{12,32}$/;
/** An id that could be taken for an account. */
const LIKE_ACCOUNT = /(?<![0-9])[0-9]{12}(?![0-9])/;
const ASKS_FOR_CONTEXT = /encryptioncontext|\\/i;

interface GrantsText {
  readonly text: string;
  /** See {@link KeyNames}. */
  readonly opaque: readonly string[];
}

/** Grants as far as they decide anything, their ids numbered; undefined where an id has an unusual form. */
function grantsText(record: KeyRecord, policyText: string, places: string): GrantsText | undefined {
  const { grants } = record;
  // Of some the ids are not numbered: no two keys have the same.
  if (grants.kind === "unreadable" && grants.part !== undefined) return undefined;
  if (grants.kind !== "present") return { text: JSON.stringify(grants), opaque: [] };
  if (grants.value.length === 0) return { text: "[]", opaque: [] };
  // A long list is not repeated elsewhere.
  if (grants.value.length > 50) return undefined;
  const opaque = grants.value.map((g) => g.GrantId);
  if (!opaque.every((id) => GRANT_ID.test(id)) || new Set(opaque).size !== opaque.length) return undefined;
  const documents = [policyText, places, ...record.resourceControlPolicies];
  const contextAsked = documents.some((t) => ASKS_FOR_CONTEXT.test(t));
  const bound = (pairs: Readonly<Record<string, string>> | undefined): unknown =>
    contextAsked || pairs === undefined
      ? pairs
      : Object.entries(pairs).map(([name, value]) => {
          if (!RESOURCE_ID.test(value) || LIKE_ACCOUNT.test(value)) return [name, value];
          const known = opaque.indexOf(value);
          return [name, known === -1 ? opaque.push(value) - 1 : known];
        });
  const decisive = grants.value.map((g) => [
    g.GranteePrincipal,
    g.GranteeServicePrincipal,
    g.RetiringPrincipal,
    g.RetiringServicePrincipal,
    g.IssuingAccount,
    g.Operations,
    g.Constraints === undefined ? undefined : { ...g.Constraints, ...boundPairs(g.Constraints, bound) },
  ]);
  const text = JSON.stringify(decisive);
  return opaque.some((id) => text.includes(id) || documents.some((t) => t.includes(id)))
    ? undefined
    : { text, opaque };
}

function boundPairs(
  constraints: GrantConstraints,
  bound: (pairs: Readonly<Record<string, string>> | undefined) => unknown,
): Readonly<Record<string, unknown>> {
  return {
    EncryptionContextSubset: bound(constraints.EncryptionContextSubset),
    EncryptionContextEquals: bound(constraints.EncryptionContextEquals),
  };
}

/**
 * Why another account id in its place could change the answer, by the text with holes where the id stands; undefined
 * if it cannot (then {@link order} must be equal).
 */
export function refusal(text: string): string | undefined {
  // Between holes: nothing that a glob, a number or a longer word could be made of.
  if (/[\w*?-]\0|\0[\w*?-]/.test(text)) return "the id is a part of a longer word or pattern";
  if (/[*?][0-9]|[0-9][*?]/.test(text)) return "a pattern looks into numbers";
  if (text.includes("${")) return "a value is made of variables";
  if (/\\/.test(text)) return "characters are written as escapes";
  if (/[":](numeric|date|binary)/i.test(text) || /epochtime|currenttime|issuetime|authage/i.test(text)) {
    return "values are compared as numbers";
  }
  return undefined;
}

/** The numbers that the id could be sorted among, as far as it decides: twelve characters of each. */
export function neighbours(text: string): readonly string[] {
  const before = new Set<string>();
  for (const m of text.matchAll(/([^])\0/g)) before.add(m[1] ?? "");
  const rest = text.replace(/"Version"\s*:\s*"20[0-9]{2}-[0-9]{2}-[0-9]{2}"/g, "");
  const found = new Set<string>();
  for (const m of rest.matchAll(/([^0-9])([0-9][^]{0,11})/g)) {
    if (before.has(m[1] ?? "")) found.add(m[2] ?? "");
  }
  return [...found];
}

/** The text with a hole wherever the account id stands. */
export function withHoles(text: string, account: string): string {
  return text.replaceAll(account, HOLE);
}

/** The text with an account id in all holes. */
export function withId(text: string, account: string): string {
  return text.replaceAll(HOLE, account);
}

/** How the id is sorted among its neighbours. */
export function order(account: string, among: readonly string[]): string {
  let text = "";
  for (const n of among) text += account < n ? "<" : ">";
  return text;
}

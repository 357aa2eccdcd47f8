import type { GrantConstraints } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import { knownAccount } from "../domain/known-accounts.js";
import type { Zone } from "../domain/zone.js";
import type { OrganizationOf } from "../trust/zone.js";

/**
 * Two keys are alike if everything that their reports depend on is the same but for names that stand for themselves:
 * the key's ARN, its aliases and tags, the ids of its grants, the path of its account in the organization, and the id
 * of its account. Their reports then differ in those names alone (report/key-template.ts).
 *
 * For the account id this needs a reason, because policies can look into ids (a pattern such as `1111*`) and because
 * keyward makes up ids for callers whom nobody named. {@link refusal} and {@link order} hold the conditions; why they
 * suffice is said in docs/decisions/shared-reports.md.
 */
export interface Likeness {
  /** Equal for keys that are alike; see {@link withHoles} for the account id. */
  readonly text: string;
  /** What stands for itself. */
  readonly names: KeyNames;
}

/** The names of a key that its report repeats and that decide nothing. */
export interface KeyNames {
  readonly arn: string;
  /** Undefined: the id is kept as it is, and only keys of the same account are alike. */
  readonly account: string | undefined;
  /** Undefined: there is none, or it is kept as it is. */
  readonly path: string | undefined;
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

/** Compares keys of one estate. Made anew when the zone of trust or the organizations change. */
export class Likenesses {
  private readonly fixed: ReadonlySet<string>;
  private readonly fixedText: string;
  private readonly policyNumbers = new Map<string, number>();

  constructor(private readonly context: LikenessContext) {
    this.fixed = new Set<string>(context.zone.accounts);
    this.fixedText = context.zone.principals.join("\n");
  }

  /** Undefined for a key that is like no other. */
  of(record: KeyRecord): Likeness | undefined {
    const { facts, policy } = record;
    if (!KEY_ID.test(facts.keyId)) return undefined;
    const policyText = policy.kind === "present" ? policy.value : JSON.stringify(policy);
    const grants = grantsText(record, policyText);
    if (grants === undefined) return undefined;
    const written = `${policyText}\n${grants.text}`;
    if (written.includes(facts.keyId) || written.includes(HOLE)) return undefined;
    const controls = record.resourceControlPolicies;
    if (ASKS_FOR_NAMES.test(written) || controls.some((t) => ASKS_FOR_NAMES.test(t))) return undefined;
    const account = this.renamable(facts.account, controls) ? facts.account : undefined;
    const path = this.pathOf(record, written);
    const organization = facts.organization;
    const membership = this.context.organizationOf.get(facts.account);
    const shared = JSON.stringify([
      facts.partition,
      facts.region,
      account ?? facts.account,
      facts.state,
      facts.spec,
      facts.usage,
      facts.origin,
      facts.multiRegion,
      facts.multiRegionKeyType,
      organization.kind === "present" && path !== undefined ? [organization.value.id] : organization,
      membership === undefined || membership === null || path === undefined ? membership : [membership.id],
      membership === undefined,
      path === undefined,
      record.manager,
      policy.kind,
      controls.map((t) => this.number(t)),
    ]);
    return {
      text: `${shared}\n${written}`,
      names: { arn: facts.arn, account, path, opaque: grants.opaque },
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

  /** The path of the key's account, where no document asks for one and no other account's could be shown. */
  private pathOf(record: KeyRecord, written: string): string | undefined {
    const { organization, account } = record.facts;
    if (organization.kind !== "present" || organization.value.path === undefined) return undefined;
    const { path } = organization.value;
    if (path.length < 12 || ASKS_FOR_PATHS.test(written) || written.includes(path)) return undefined;
    if (record.resourceControlPolicies.some((t) => ASKS_FOR_PATHS.test(t) || t.includes(path)))
      return undefined;
    if (this.context.organizationOf.get(account)?.path !== path) return undefined;
    for (const [id] of written.matchAll(/(?<![0-9])[0-9]{12}(?![0-9])/g)) {
      if (id !== account && this.context.organizationOf.get(id as typeof account) !== undefined)
        return undefined;
    }
    return path;
  }
}

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
function grantsText(record: KeyRecord, policyText: string): GrantsText | undefined {
  const { grants } = record;
  if (grants.kind !== "present") return { text: JSON.stringify(grants), opaque: [] };
  if (grants.value.length === 0) return { text: "[]", opaque: [] };
  // A long list is not repeated elsewhere.
  if (grants.value.length > 50) return undefined;
  const opaque = grants.value.map((g) => g.GrantId);
  if (!opaque.every((id) => GRANT_ID.test(id)) || new Set(opaque).size !== opaque.length) return undefined;
  const documents = [policyText, ...record.resourceControlPolicies];
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

/** How the id is sorted among its neighbours. */
export function order(account: string, among: readonly string[]): string {
  let text = "";
  for (const n of among) text += account < n ? "<" : ">";
  return text;
}

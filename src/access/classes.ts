import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { PrincipalElement, PrincipalEntry } from "../policy/ast.js";
import type { AccountChoice, CallerClass, NamedPrincipal, OrganizationChoice } from "./callers.js";
import { matches, plainGlob } from "./glob.js";
import type { ServiceSource } from "./matrix.js";
import { type Mentions, principalEntry, SERVICE_FORM } from "./mentions.js";
import { Replayable } from "./replayable.js";

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

/** Collects whom the principal elements of the ways in name. */
export function namedBy(elements: Iterable<PrincipalElement>): Named {
  const services = new Set<string>();
  let anybody = false;
  for (const e of elements) {
    if (e.kind === "not-principal") anybody = true;
    if (e.kind !== "principal") continue;
    for (const entry of e.entries) {
      if (entry.kind === "service") services.add(entry.name.toLowerCase());
      else if (entry.kind === "everyone" || entry.kind === "refused") anybody = true;
    }
  }
  return { anybody, services };
}

/** The classes of callers of a key. */
export interface Classes {
  /** Made as far as they are asked for. */
  readonly all: Replayable<RankedClass>;
  /** Whether a principal element names nobody but accounts of the zone and who is in them. */
  readonly spared: (element: PrincipalElement) => boolean;
  /** What the organization of an account can be that is not of the zone; undefined for one that is. */
  readonly organizationsOfOutsider: (account: string) => readonly OrganizationChoice[] | undefined;
}

/** The classes outside the zone of trust, and with `inside` those within, as far as a way in can name them. */
export function classesOf(x: ClassContext, inside: boolean, named: Named): Classes {
  const known = knownIds(x);
  return {
    all: new Replayable(classes(x, inside, named, known)),
    spared: (element) =>
      element.kind === "principal" && element.entries.every((e) => "account" in e && known.trusts(e.account)),
    organizationsOfOutsider: (id) => (known.trusts(id) ? undefined : organizationsOf(id, x, known)),
  };
}

function* classes(x: ClassContext, inside: boolean, named: Named, known: KnownIds): Generator<RankedClass> {
  if (named.anybody) {
    yield* strangers(x, known);
    for (const o of known.outsideOrgs) yield* organizationClasses(o, false, x, known);
    if (inside) for (const o of known.trustedOrgs) yield* organizationClasses(o, true, x, known);
  }
  yield* accountClasses(x, inside, known);
  yield* principalClasses(x, inside, known);
  if (x.mentions.uniqueIds.size > 0) yield* uniqueIdClasses(x, known);
  if (named.anybody || named.services.size > 0) yield* serviceClasses(x, inside, named, known);
}

/** The ids that documents and zone name, and samples of those that they do not. */
interface KnownIds {
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

const NOBODY: readonly PrincipalEntry[] = [];
const NO_IDS: readonly string[] = [];

function knownIds(x: ClassContext): KnownIds {
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

/** Callers of accounts that nobody named, and of those that only a pattern selects. */
function* strangers(x: ClassContext, known: KnownIds): Generator<RankedClass> {
  const { organizationSamples, organization } = known;
  for (const [i, id] of known.accountSamples.entries()) {
    yield {
      group: "anyone",
      covers: [EVERYBODY],
      cls: {
        kind: "ordinary",
        otherIds: known.otherIds,
        except: NOBODY,
        who: { kind: "anyone" },
        trusted: false,
        account: { kind: "literal", id },
        organizations: [
          { kind: "none" },
          { kind: "literal", id: organizationSamples[i % organizationSamples.length] ?? organization },
        ],
      },
    };
  }
  if (x.mentions.patterns.length === 0) return;
  yield {
    group: "pattern",
    covers: ["pattern"],
    cls: {
      kind: "ordinary",
      otherIds: known.otherIds,
      except: NOBODY,
      who: { kind: "pattern", pattern: "" },
      trusted: false,
      account: { kind: "fresh", not: known.accounts },
      organizations: [{ kind: "none" }, { kind: "fresh", not: known.organizations }],
    },
  };
}

/** Accounts that nobody named, in one organization. */
function* organizationClasses(
  id: string,
  trusted: boolean,
  x: ClassContext,
  known: KnownIds,
): Generator<RankedClass> {
  for (const account of accountsOf(x, known)) {
    yield {
      group: `organization ${id}`,
      covers: [`organization ${id}`],
      cls: {
        kind: "ordinary",
        otherIds: known.otherIds,
        except: NOBODY,
        who: { kind: "organization", id },
        trusted,
        account,
        organizations: [{ kind: "literal", id }],
      },
    };
  }
}

/** The accounts of an organization that nobody named: of any id, so where a pattern asks for one, let it be chosen. */
function accountsOf(x: ClassContext, known: KnownIds): readonly AccountChoice[] {
  const sample: AccountChoice = { kind: "literal", id: known.account };
  return x.mentions.patterns.length === 0 ? [sample] : [sample, { kind: "fresh", not: known.accounts }];
}

/** The organizations that an account may be in, as far as that is known. */
function organizationsOf(id: string, x: ClassContext, known: KnownIds): readonly OrganizationChoice[] {
  const { facts, mentions } = x;
  if (id === facts.account) {
    const o = facts.organization;
    if (o.kind === "present") return [{ kind: "literal", ...o.value }];
    if (o.kind === "absent") return [{ kind: "none" }];
  }
  const its = x.organizationOf.get(id as AccountId);
  if (its === null) return [{ kind: "none" }];
  if (its !== undefined) return [{ kind: "literal", ...its }];
  const any: OrganizationChoice[] = [
    ...known.strangerOrgs,
    ...known.outsideOrgs.map((o) => ({ kind: "literal", id: o }) as const),
  ];
  if (mentions.patterns.length > 0) any.push({ kind: "fresh", not: known.organizations });
  // An account of the zone may belong to a trusted organization; an outsider, by definition, does not.
  if (known.zoneAccounts.has(id)) for (const o of known.trustedOrgs) any.push({ kind: "literal", id: o });
  return any;
}

function* accountClasses(x: ClassContext, inside: boolean, known: KnownIds): Generator<RankedClass> {
  for (const id of known.accounts) {
    const trusted = known.trusts(id);
    if (trusted && !inside) continue;
    yield {
      group: "account",
      covers: [`in ${id}`],
      cls: {
        kind: "ordinary",
        otherIds: known.otherIds,
        who: { kind: "account", id },
        trusted,
        account: { kind: "literal", id },
        organizations: organizationsOf(id, x, known),
        except: trusted ? NOBODY : known.trustedPrincipals,
      },
    };
  }
}

function* principalClasses(x: ClassContext, inside: boolean, known: KnownIds): Generator<RankedClass> {
  const { trustedPrincipals } = known;
  const { partition } = x.facts;
  for (const p of namedPrincipals(x.mentions.principals, inside ? trustedPrincipals : [], partition)) {
    const trusted = known.trusts(p.account) || trustedPrincipals.some((t) => includes(t, p));
    if (trusted && !inside) continue;
    yield {
      group: `in ${p.account}`,
      covers: [],
      cls: {
        kind: "ordinary",
        otherIds: known.otherIds,
        // Whoever made a federated session may be trusted, and so may a session of a role that is not.
        except: trustedPrincipals,
        who: { kind: "principal", arn: p.text, account: p.account },
        trusted,
        account: { kind: "literal", id: p.account },
        organizations: organizationsOf(p.account, x, known),
        principal: p,
      },
    };
  }
}

function* uniqueIdClasses(x: ClassContext, known: KnownIds): Generator<RankedClass> {
  for (const id of x.mentions.uniqueIds) {
    yield {
      group: "unresolved",
      covers: [],
      cls: {
        kind: "ordinary",
        otherIds: known.otherIds,
        except: NOBODY,
        who: { kind: "unresolved", id },
        trusted: false,
        account: { kind: "literal", id: known.account },
        organizations: known.strangerOrgs,
        uniqueId: id,
      },
    };
  }
}

const UNNAMED_SERVICES = [
  "lambda.amazonaws.com",
  "batch.amazonaws.com",
  "glue.amazonaws.com",
  "workmail.amazonaws.com",
];

/** Services, by the source that they call for: first one that nobody named, then each that somebody did. */
function* serviceClasses(
  x: ClassContext,
  inside: boolean,
  named: Named,
  known: KnownIds,
): Generator<RankedClass> {
  const { services, servicePatterns } = x.mentions;
  if (named.anybody) {
    const globs = [...servicePatterns].map((p) => plainGlob(p));
    const taken = (s: string): boolean => services.has(s) || x.zone.services.includes(s);
    const unnamed =
      UNNAMED_SERVICES.find((s) => !taken(s) && !globs.some((g) => matches(g, s))) ??
      UNNAMED_SERVICES.find((s) => !taken(s)) ??
      "workmail.amazonaws.com";
    yield* oneService(unnamed, undefined, x, inside, known);
    for (const pattern of servicePatterns) {
      const sample = serviceLike(pattern, taken);
      if (sample !== undefined) yield* oneService(sample, pattern, x, inside, known);
    }
  }
  for (const name of services) {
    if (named.anybody || named.services.has(name)) yield* oneService(name, name, x, inside, known);
  }
}

/** A service that a pattern selects and that is not taken; such names end as all names of services do, if they can. */
function serviceLike(pattern: string, taken: (name: string) => boolean): string | undefined {
  const glob = plainGlob(pattern);
  const good = (s: string): boolean => SERVICE_FORM.test(s) && matches(glob, s) && !taken(s);
  const known = UNNAMED_SERVICES.find(good);
  if (known !== undefined) return known;
  const last = pattern.lastIndexOf("*");
  const fill = (text: string): string => text.replaceAll("*", "us-east-1").replaceAll("?", "x");
  const ends = Array.from(SERVICE_END, (_, i) => SERVICE_END.slice(i));
  const filled = ends.map((end) =>
    last < 0 ? fill(pattern) : fill(pattern.slice(0, last)) + end + fill(pattern.slice(last + 1)),
  );
  return filled.find((s) => good(s) && s.endsWith(".amazonaws.com")) ?? filled.find(good);
}

const SERVICE_END = "x.us-east-1.amazonaws.com";

/** `shown`: how the answer calls it, a name or a pattern; undefined for any service. */
function* oneService(
  name: string,
  shown: string | undefined,
  x: ClassContext,
  inside: boolean,
  known: KnownIds,
): Generator<RankedClass> {
  const { mentions, zone, facts } = x;
  const { strangerOrgs, outsideOrgs } = known;
  const trustedService = zone.services.includes(name);
  const others = [...mentions.services, ...mentions.servicePatterns];
  /** The same source with every service that an answer about any service speaks for. */
  const alike = (source: ServiceSource): string[] =>
    shown === undefined ? others.map((s) => groupOf(s, source)) : [];
  const classFor = (
    source: ServiceSource,
    choice: Extract<CallerClass, { kind: "service" }>["source"],
    trusted: boolean,
    covers: readonly string[],
  ): RankedClass => ({
    group: groupOf(shown, source),
    covers: [...covers, ...alike(source)],
    cls: {
      kind: "service",
      who: { kind: "service", ...(shown === undefined ? {} : { name: shown }), source },
      trusted,
      name,
      source: choice,
    },
  });
  if (inside || !trustedService) {
    // Any source is every source.
    yield classFor(
      { kind: "any" },
      { kind: "account", account: { kind: "literal", id: known.account }, organizations: strangerOrgs },
      trustedService,
      shown === undefined ? [anySource(undefined), ...others.map(anySource)] : [anySource(shown)],
    );
    yield classFor(
      { kind: "none" },
      { kind: "none", account: { kind: "fresh", not: known.accounts } },
      trustedService,
      [],
    );
    if (mentions.patterns.length > 0) {
      yield classFor(
        { kind: "pattern", pattern: "" },
        {
          kind: "account",
          account: { kind: "fresh", not: known.accounts },
          organizations: [{ kind: "none" }, { kind: "fresh", not: known.organizations }],
        },
        trustedService,
        [],
      );
    }
  }
  // A service that is trusted is trusted whoever it calls for.
  for (const id of trustedService && !inside ? [] : outsideOrgs) {
    for (const account of accountsOf(x, known)) {
      yield classFor(
        { kind: "organization", id },
        { kind: "account", account, organizations: [{ kind: "literal", id }] },
        trustedService,
        [],
      );
    }
  }
  for (const id of known.accounts) {
    const trusted = trustedService || known.trusts(id);
    if (trusted && !inside) continue;
    const its = x.organizationOf.get(id as AccountId);
    const orgs: OrganizationChoice[] = [];
    if (id === facts.account && facts.organization.kind === "present") {
      // The organization of the key's own account is known; whether a service names it is the service's affair.
      orgs.push({ kind: "none" }, { kind: "literal", ...facts.organization.value });
    } else if (its === null) orgs.push({ kind: "none" });
    else if (its !== undefined) orgs.push({ kind: "literal", ...its });
    else {
      orgs.push(...strangerOrgs);
      const more = trusted ? zone.organizations : outsideOrgs;
      orgs.push(...more.map((o) => ({ kind: "literal", id: o }) as const));
    }
    yield classFor(
      { kind: "account", id },
      { kind: "account", account: { kind: "literal", id }, organizations: orgs },
      trusted,
      [],
    );
  }
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

/** Names that IAM gives; a principal by another name does not exist. */
const BORNE_NAME = /^(?:[!-~]+\/)?[\w+=,.@-]{1,64}$/;

function namedPrincipals(
  mentioned: readonly PrincipalEntry[],
  more: readonly PrincipalEntry[],
  partition: string,
): NamedPrincipal[] {
  const out = new Map<string, NamedPrincipal>();
  // Who is named in the ARN of another partition, or with a misspelt one, is named as what it is where both are there.
  const own = new Set<string>();
  for (const e of mentioned) {
    if ("partition" in e && e.partition === partition) own.add(e.text);
  }
  const all = [...mentioned, ...more].filter(
    (e) =>
      !("partition" in e) ||
      e.partition === partition ||
      !own.has(e.text.replace(/^arn:[^:]*:/, `arn:${partition}:`)),
  );
  for (const e of all) {
    if ((e.kind === "user" || e.kind === "role") && BORNE_NAME.test(e.name)) out.set(e.text, e);
    if (e.kind === "federated-user" && /^[\w+=,.@-]{2,32}$/.test(e.name)) out.set(e.text, e);
    if (e.kind !== "session" || !/^[\w+=,.@:-]{2,64}$/.test(e.session)) continue;
    out.set(e.text, e);
    // A session ARN carries no path: the role may be one that is named with a path elsewhere.
    for (const r of all) {
      if (r.kind === "role" && r.account === e.account && r.name.endsWith(`/${e.role}`)) {
        out.set(`${e.text} of ${r.name}`, { ...e, role: r.name });
      }
    }
  }
  return [...out.values()];
}

/** Whether one principal includes another: a role includes its sessions. */
function includes(whole: PrincipalEntry, part: NamedPrincipal): boolean {
  if (whole.text === part.text) return true;
  return (
    whole.kind === "role" &&
    part.kind === "session" &&
    whole.account === part.account &&
    (whole.name === part.role || whole.name.endsWith(`/${part.role}`))
  );
}

/** The group of a service class: its name and source. */
function groupOf(service: string | undefined, source: ServiceSource): string {
  const id = source.kind === "organization" || source.kind === "account" ? source.id : "";
  return `${anySource(service)} for ${source.kind} ${id}`;
}

/** All groups of one service begin like this: see {@link groupsAround}. */
function anySource(service: string | undefined): string {
  return `service ${service ?? "(any)"}`;
}

/** The wider groups that a group belongs to: what covers one of them covers it. */
export function groupsAround(group: string): readonly string[] {
  const at = group.startsWith("service ") ? group.indexOf(" for ") : -1;
  return at < 0 ? [EVERYBODY] : [EVERYBODY, group.slice(0, at)];
}

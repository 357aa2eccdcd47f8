import type { AccountId } from "../domain/ids.js";
import type { CallerClass, OrganizationChoice } from "./callers.js";
import { matches, plainGlob } from "./glob.js";
import {
  accountsOf,
  type ClassContext,
  EVERYBODY,
  type KnownIds,
  type Named,
  type RankedClass,
} from "./known-ids.js";
import type { ServiceSource } from "./matrix.js";
import { asksOf } from "./asks.js";
import { SERVICE_FORM } from "./mentions.js";

const UNNAMED_SERVICES = [
  "lambda.amazonaws.com",
  "batch.amazonaws.com",
  "glue.amazonaws.com",
  "workmail.amazonaws.com",
];

/** Services, by the source that they call for: first one that nobody named, then each that somebody did. */
export function* serviceClasses(
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
    // An account that is named may stand in the encryption context alone: no source key is then there to be asked.
    const alone = asksOf(mentions.keys).sourceTwice ? known.accounts : [];
    for (const id of alone.filter((a) => !known.trusts(a))) {
      const account = { kind: "literal", id } as const;
      yield classFor({ kind: "none" }, { kind: "none", account }, trustedService, []);
    }
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

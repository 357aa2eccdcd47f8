import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import type { PrincipalEntry } from "../policy/ast.js";
import type { CallerClass, NamedPrincipal, OrganizationChoice } from "./callers.js";
import { matches, plainGlob } from "./glob.js";
import type { ServiceSource } from "./matrix.js";
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

/** The classes outside the zone of trust, and with `inside` those within. */
export function classesOf(x: ClassContext, inside: boolean): RankedClass[] {
  const out: RankedClass[] = [];
  const { zone, mentions, facts } = x;
  const trustedOrgs = new Set<string>(zone.organizations);
  const zoneAccounts = new Set<string>([facts.account, ...zone.accounts]);
  const trustedPrincipals = zone.principals.flatMap((p) => principalEntry(p) ?? []);
  const namedAccounts = [...new Set([...mentions.accounts, ...zoneAccounts])];
  const namedOrgs = [...new Set([...mentions.organizations, ...trustedOrgs])];
  const otherIds = [...mentions.uniqueIds];
  const outsideOrgs = [...mentions.organizations].filter((o) => !trustedOrgs.has(o));
  const accountSamples = representatives(ACCOUNT_SAMPLES, namedAccounts, mentions.patterns);
  const orgSamples = representatives(ORGANIZATION_SAMPLES, namedOrgs, mentions.patterns);
  const [account = "999988887777"] = accountSamples;
  const [org = "o-zzkeyward0"] = orgSamples;
  const strangerOrgs: OrganizationChoice[] = [{ kind: "none" }, { kind: "literal", id: org }];
  const base = { kind: "ordinary", otherIds, except: [] } as const;

  for (const [i, id] of accountSamples.entries()) {
    out.push({
      group: "anyone",
      covers: [EVERYBODY],
      cls: {
        ...base,
        who: { kind: "anyone" },
        trusted: false,
        account: { kind: "literal", id },
        organizations: [{ kind: "none" }, { kind: "literal", id: orgSamples[i % orgSamples.length] ?? org }],
      },
    });
  }
  if (mentions.patterns.length > 0) {
    out.push({
      group: "pattern",
      covers: ["pattern"],
      cls: {
        ...base,
        who: { kind: "pattern", pattern: "" },
        trusted: false,
        account: { kind: "fresh", not: namedAccounts },
        organizations: [{ kind: "none" }, { kind: "fresh", not: namedOrgs }],
      },
    });
  }
  const organization = (id: string, trusted: boolean): void => {
    // Its accounts may have any id, so where a pattern asks for one, let it be chosen.
    const choices =
      mentions.patterns.length > 0
        ? ([
            { kind: "literal", id: account },
            { kind: "fresh", not: namedAccounts },
          ] as const)
        : ([{ kind: "literal", id: account }] as const);
    for (const choice of choices) {
      out.push({
        group: `organization ${id}`,
        covers: [`organization ${id}`],
        cls: {
          ...base,
          who: { kind: "organization", id },
          trusted,
          account: choice,
          organizations: [{ kind: "literal", id }],
        },
      });
    }
  };
  for (const o of outsideOrgs) organization(o, false);
  if (inside) for (const o of trustedOrgs) organization(o, true);

  const unknownOrgs: OrganizationChoice[] = [
    ...strangerOrgs,
    ...outsideOrgs.map((id) => ({ kind: "literal", id }) as const),
    ...(mentions.patterns.length > 0 ? [{ kind: "fresh", not: namedOrgs } as const] : []),
  ];
  const trustedAccount = (id: string): boolean => {
    const known = x.organizationOf.get(id as AccountId);
    return zoneAccounts.has(id) || (known !== undefined && known !== null && trustedOrgs.has(known.id));
  };
  const orgsOf = (id: string): OrganizationChoice[] => {
    if (id === facts.account) {
      const o = facts.organization;
      if (o.kind === "present") return [{ kind: "literal", ...o.value }];
      if (o.kind === "absent") return [{ kind: "none" }];
    }
    const known = x.organizationOf.get(id as AccountId);
    if (known === null) return [{ kind: "none" }];
    if (known !== undefined) return [{ kind: "literal", ...known }];
    // An account of the zone may belong to a trusted organization; an outsider, by definition, does not.
    return zoneAccounts.has(id)
      ? [...unknownOrgs, ...[...trustedOrgs].map((o) => ({ kind: "literal", id: o }) as const)]
      : unknownOrgs;
  };
  for (const id of namedAccounts) {
    const trusted = trustedAccount(id);
    if (trusted && !inside) continue;
    out.push({
      group: "account",
      covers: [`in ${id}`],
      cls: {
        ...base,
        who: { kind: "account", id },
        trusted,
        account: { kind: "literal", id },
        organizations: orgsOf(id),
        except: trusted ? [] : trustedPrincipals,
      },
    });
  }
  for (const p of namedPrincipals(mentions.principals, inside ? trustedPrincipals : [])) {
    const trusted = trustedAccount(p.account) || trustedPrincipals.some((t) => includes(t, p));
    if (trusted && !inside) continue;
    out.push({
      group: `in ${p.account}`,
      covers: [],
      cls: {
        ...base,
        who: { kind: "principal", arn: p.text, account: p.account },
        trusted,
        account: { kind: "literal", id: p.account },
        organizations: orgsOf(p.account),
        principal: p,
      },
    });
  }
  for (const id of mentions.uniqueIds) {
    out.push({
      group: "unresolved",
      covers: [],
      cls: {
        ...base,
        who: { kind: "unresolved", id },
        trusted: false,
        account: { kind: "literal", id: account },
        organizations: strangerOrgs,
        uniqueId: id,
      },
    });
  }
  services(x, inside, account, org, outsideOrgs, namedAccounts, namedOrgs, trustedAccount, out);
  return out;
}

function services(
  x: ClassContext,
  inside: boolean,
  account: string,
  org: string,
  outsideOrgs: readonly string[],
  namedAccounts: readonly string[],
  namedOrgs: readonly string[],
  trustedAccount: (id: string) => boolean,
  out: RankedClass[],
): void {
  const { mentions, zone, facts } = x;
  const unnamed =
    ["lambda.amazonaws.com", "batch.amazonaws.com", "glue.amazonaws.com"].find(
      (s) => !mentions.services.has(s),
    ) ?? "workmail.amazonaws.com";
  const names: readonly (readonly [string, string | undefined])[] = [
    [unnamed, undefined],
    ...[...mentions.services].map((s) => [s, s] as const),
  ];
  for (const [name, shown] of names) {
    const trustedService = zone.services.includes(name);
    const add = (
      source: ServiceSource,
      choice: Extract<CallerClass, { kind: "service" }>["source"],
      trusted: boolean,
      covers: readonly string[],
    ): void => {
      if (trusted && !inside) return;
      out.push({
        group: groupOf(shown, source),
        covers:
          shown === undefined
            ? [...covers, ...[...mentions.services].map((s) => groupOf(s, source))]
            : covers,
        cls: {
          kind: "service",
          who: { kind: "service", ...(shown === undefined ? {} : { name: shown }), source },
          trusted,
          name,
          source: choice,
        },
      });
    };
    const strangers: OrganizationChoice[] = [{ kind: "none" }, { kind: "literal", id: org }];
    // Any source is every source.
    const all = (shown === undefined ? [undefined, ...mentions.services] : [shown]).flatMap((s) => [
      groupOf(s, { kind: "any" }),
      groupOf(s, { kind: "none" }),
      groupOf(s, { kind: "pattern", pattern: "" }),
      ...outsideOrgs.map((id) => groupOf(s, { kind: "organization", id })),
      ...namedAccounts.map((id) => groupOf(s, { kind: "account", id })),
    ]);
    add(
      { kind: "any" },
      { kind: "account", account: { kind: "literal", id: account }, organizations: strangers },
      trustedService,
      all,
    );
    add(
      { kind: "none" },
      { kind: "none", account: { kind: "fresh", not: namedAccounts } },
      trustedService,
      [],
    );
    if (mentions.patterns.length > 0) {
      add(
        { kind: "pattern", pattern: "" },
        {
          kind: "account",
          account: { kind: "fresh", not: namedAccounts },
          organizations: [{ kind: "none" }, { kind: "fresh", not: namedOrgs }],
        },
        trustedService,
        [],
      );
    }
    for (const id of outsideOrgs) {
      add(
        { kind: "organization", id },
        {
          kind: "account",
          account: { kind: "literal", id: account },
          organizations: [{ kind: "literal", id }],
        },
        false,
        [],
      );
    }
    for (const id of namedAccounts) {
      const trusted = trustedAccount(id);
      const orgs: OrganizationChoice[] = trusted
        ? [
            ...strangers,
            ...zone.organizations.map((o) => ({ kind: "literal", id: o }) as const),
            ...(id === facts.account && facts.organization.kind === "present"
              ? [{ kind: "literal", ...facts.organization.value } as const]
              : []),
          ]
        : [...strangers, ...outsideOrgs.map((o) => ({ kind: "literal", id: o }) as const)];
      add(
        { kind: "account", id },
        { kind: "account", account: { kind: "literal", id }, organizations: orgs },
        trusted,
        [],
      );
    }
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

function namedPrincipals(
  mentioned: readonly PrincipalEntry[],
  more: readonly PrincipalEntry[],
): NamedPrincipal[] {
  const out = new Map<string, NamedPrincipal>();
  const all = [...mentioned, ...more];
  for (const e of all) {
    if (e.kind === "user" || e.kind === "role" || e.kind === "federated-user") out.set(e.text, e);
    if (e.kind !== "session") continue;
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
  return `service ${service ?? "(any)"} for ${source.kind} ${id}`;
}

import type { AccountId } from "../domain/ids.js";
import type { PrincipalElement, PrincipalEntry } from "../policy/ast.js";
import type { NamedPrincipal, OrganizationChoice } from "./callers.js";
import {
  accountsOf,
  type ClassContext,
  EVERYBODY,
  type KnownIds,
  knownIds,
  type Named,
  NOBODY,
  type RankedClass,
} from "./known-ids.js";
import { Replayable } from "./replayable.js";
import { serviceClasses } from "./service-classes.js";

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

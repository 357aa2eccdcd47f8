import type { Who } from "../access/matrix.js";
import type { IamPrincipal } from "../domain/iam.js";
import type { Exposure } from "../domain/verdict.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { Hop } from "../iam/assume.js";
import { ANY_PROVIDER } from "../iam/providers.js";
import type { Outsider } from "../iam/outsider.js";
import type { KeyUse } from "../iam/use.js";
import { DOUBTS } from "../semantics/doubts.js";
import type { KeyDocument } from "../semantics/request.js";
import { findingCondition } from "./groups.js";
import type { EstateReach } from "./estate-reach.js";
import type { IamView } from "./iam-view.js";
import type { Draft } from "./rule.js";
import type { RoleStep } from "./finding.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, canDo, enumerate, knownAs, name, quote, whoText } from "./words.js";

/** A way to a key: somebody outside the zone of trust, the role that it can assume, and what can be done in the end. */
export interface RolePath {
  readonly outsider: Outsider;
  /** The role that the outsider assumes first. */
  readonly entry: IamPrincipal;
  /** The roles that are assumed from there, one from the other; empty where the first can use the key itself. */
  readonly hops: readonly Hop[];
  /** The role that can use the key: the last one. */
  readonly role: IamPrincipal;
  /** Of that role. Not empty. */
  readonly uses: readonly KeyUse[];
}

/**
 * The ways to a key through roles of one account, the key's own or another; roles that can only look at the key are left
 * out. Of the ways over several roles only those that let the outsider do more, or the same more surely, than a shorter one.
 * @param reach ways that lead through roles of other accounts to a role of this one
 */
export function rolePaths(key: KeyDocument, view: IamView, reach?: EstateReach): readonly RolePath[] {
  const direct = directPaths(key, view);
  return [...direct, ...worthTelling(direct, [...chained(key, view), ...crossing(key, view, reach)])];
}

/** Every role of the account that an outsider can assume and that can use the key. */
function directPaths(key: KeyDocument, view: IamView): readonly RolePath[] {
  return view.openRoles.flatMap(({ role, outsiders }): readonly RolePath[] => {
    const uses = worthy(view.analysis.usesOf(role, key));
    return uses.length === 0
      ? []
      : outsiders
          .filter((outsider) => !isOwner(outsider, key))
          .map((outsider) => ({ outsider, entry: role, hops: [], role, uses }));
  });
}

/** The ways over several roles, all of them of the account. */
function chained(key: KeyDocument, view: IamView): readonly RolePath[] {
  return view.openRoles.flatMap((open): readonly RolePath[] => {
    const { byRole, candidates } = view.chainsFrom(open);
    return view.analysis.usesAmong(candidates, key).flatMap(({ principal, uses: all }) => {
      const uses = worthy(all);
      if (uses.length === 0) return [];
      return (byRole.get(principal) ?? []).flatMap(({ hops }) =>
        open.outsiders
          .filter((outsider) => !isOwner(outsider, key))
          .map((outsider) => ({ outsider, entry: open.role, hops, role: principal, uses })),
      );
    });
  });
}

/** The ways to roles of the account that lead through another one. */
function crossing(key: KeyDocument, view: IamView, reach: EstateReach | undefined): readonly RolePath[] {
  return ways(key, view, reach).filter(
    ({ entry, hops }) =>
      entry.account !== view.account || hops.some((hop) => hop.to.account !== view.account),
  );
}

/** All ways to roles of the account, those within it too; of roles that are alike one. */
function ways(key: KeyDocument, view: IamView, reach: EstateReach | undefined): readonly RolePath[] {
  return (reach?.waysInto(view.account) ?? []).flatMap(({ roles, byRole }) =>
    view.analysis
      .usesAmong(view.candidates(roles), key)
      .flatMap(({ principal, uses: all }): readonly RolePath[] => {
        const way = byRole.get(principal);
        const uses = worthy(all);
        if (way === undefined || uses.length === 0 || isOwner(way.outsider, key)) return [];
        return [{ outsider: way.outsider, entry: way.role, hops: way.hops, role: principal, uses }];
      }),
  );
}

function worthy(uses: readonly KeyUse[]): readonly KeyUse[] {
  return uses.filter((u) => u.capabilities.some((c) => c !== "inspect"));
}

/** Whoever is outside for a role of another account may be the key's own account, which is never outside for the key. */
function isOwner({ who }: Outsider, key: KeyDocument): boolean {
  const { account } = key.facts;
  return (
    (who.kind === "account" && who.id === account) || (who.kind === "principal" && who.account === account)
  );
}

/** Of ways over several roles those that add something to what is told before; the shortest and surest first. */
function worthTelling(told: readonly RolePath[], more: readonly RolePath[]): readonly RolePath[] {
  if (more.length === 0) return [];
  const sorted = [...more].sort(
    (a, b) => a.hops.length - b.hops.length || Number(isCertain(b)) - Number(isCertain(a)),
  );
  const book = new Told();
  for (const path of told) book.adds(path);
  return sorted.filter((path) => book.adds(path));
}

/** Whether the outsider surely gets to the last role. */
export function isCertain({ outsider, hops }: Pick<RolePath, "outsider" | "hops">): boolean {
  return outsider.certain && hops.every((hop) => hop.certain);
}

/** What outsiders can do by the ways that were told. */
class Told {
  private readonly actions = new Map<string, Set<string>>();

  /** Takes a way in; whether it lets the outsider do anything more, or more surely. */
  adds(path: RolePath): boolean {
    const who = JSON.stringify(path.outsider.who);
    const before = this.actions.get(who) ?? new Set();
    this.actions.set(who, before);
    const { size } = before;
    for (const use of path.uses) {
      const sure = isCertain(path) && use.certainty === "certain";
      for (const action of use.actions) {
        before.add(action);
        if (sure) before.add(`${action} surely`);
      }
    }
    return before.size > size;
  }
}

/**
 * An outsider can assume a role, of the key's account or of another one that the key lets in, and that role, or one that it
 * can assume, can use the key: one finding for each way, and where the role surely can do something, another one for what it
 * can do only perhaps. The key's own exposure stays what it is: the way leads through the role's trust policy. Sources: IAM
 * User Guide, "IAM role trust policies"; KMS Developer Guide, "Allowing users in other accounts to use a KMS key".
 * @param view IAM of the key's account, where the data has it
 */
export function outsiderAssumableRole(
  key: KeyDocument,
  view: IamView | undefined,
  reach?: EstateReach,
): readonly Draft[] {
  const own = view === undefined ? [] : rolePaths(key, view, reach);
  const views = new Map(own.map((path) => [path, view]));
  for (const account of reach?.abroad(key) ?? []) {
    const other = reach?.viewOf(account);
    if (other !== undefined) for (const path of ways(key, other, reach)) views.set(path, other);
  }
  const added = worthTelling(own, [...views.keys()].slice(own.length));
  return [...own, ...added].flatMap((path) => {
    const of = views.get(path);
    return of === undefined ? [] : drafts(path, of, key);
  });
}

/** @param view the account of the last role */
function drafts(path: RolePath, view: IamView, key: KeyDocument): readonly Draft[] {
  const sure = path.uses.filter((u) => u.certainty === "certain");
  if (!isCertain(path) || sure.length === 0) return [draft(path, path.uses, "possible", view, key)];
  const rest = path.uses.filter((u) => u.certainty !== "certain");
  const more = rest.length === 0 ? [] : [draft(path, rest, "rest", view, key)];
  return [draft(path, sure, "certain", view, key), ...more];
}

/** @param kind `rest`: what the role can do perhaps, beside what it surely can */
function draft(
  path: RolePath,
  shown: readonly KeyUse[],
  kind: "certain" | "possible" | "rest",
  view: IamView,
  key: KeyDocument,
): Draft {
  const { role, entry, hops, outsider } = path;
  const who = whoOf(outsider);
  const certain = kind === "certain";
  const capabilities = CAPABILITIES.filter((c) => shown.some((u) => u.capabilities.includes(c)));
  const actions = shown.flatMap((u) => u.actions);
  const documents = view.analysis
    .documentsOf(role)
    .filter((o) => shown.some((u) => u.documents.includes(o.kms)))
    .map((o) => quote(o.document.name));
  const through =
    documents.length === 0
      ? ""
      : `, by its ${documents.length === 1 ? "policy" : "policies"} ${enumerate(documents.slice(0, 3))}`;
  const external = outsider.externalId
    ? " (an external id is asked for, which does not stop whoever was told it)"
    : "";
  const abroad = [entry, ...hops.map((hop) => hop.to)].some((r) => r.account !== key.facts.account);
  const called = (r: IamPrincipal): string =>
    `the role ${name(r.name)}${abroad ? ` of account ${r.account}` : ""}`;
  const way = hops.map(
    (hop) => `, which ${hop.certain ? "can" : "may be able to"} assume ${called(hop.to)}${by(hop)}`,
  );
  const request = certain ? view.analysis.witness(role, key, actions) : undefined;
  const unread = shown[0]?.doubts.some((d) => d.id === "service-control-unread") === true;
  const control = view.analysis.serviceControl;
  const whose =
    control.kind === "unknown" && control.organization !== undefined
      ? ` of organization ${name(control.organization)}`
      : "";
  const decided = shown.every((u) => u.certainty === "conditional") ? ", which conditions decide" : "";
  const limit = unread ? `, unless a service control policy${whose} that was not read denies it` : decided;
  const parts = [
    ...(hops.length === 0 ? [] : [entry.arn, ...hops.map((hop) => hop.to.arn)]),
    ...(kind === "rest" ? [kind] : []),
  ];
  return {
    ...HYGIENE,
    rule: "outsider-assumable-role",
    severity: severityOf(WEIGHT[outsider.who.kind], capabilities),
    certainty: certain ? "certain" : "possible",
    who,
    capabilities,
    actions,
    source: {
      kind: "identity",
      arn: role.arn,
      policy: null,
      ...(hops.length === 0 ? {} : { path: [entry.arn, ...hops.map((hop) => hop.to.arn)] }),
      steps: stepsOf(path),
    },
    witness: request,
    conditions: [...outsider.conditions, ...hops.flatMap((hop) => hop.conditions)].map((c) =>
      findingCondition(c, "caller"),
    ),
    reason: `${whoText(who)}${about(outsider)} ${outsider.certain ? "can" : "may be able to"} assume ${called(entry)}${external}${way.join("")}, and ${hops.length === 0 ? "the role" : "that role"} ${canDo(capabilities, certain ? "certain" : "possible")} (${actionsText(actions)})${through}${limit}.`,
    remedy: remedy(entry, outsider),
    doubts: DOUBT_IDS.flatMap((id) => shown.flatMap((u) => u.doubts).find((d) => d.id === id) ?? []),
    ...(parts.length === 0 ? {} : { part: JSON.stringify(parts) }),
  };
}

/** The requests to assume the roles of a way, each with what allows it. */
function stepsOf({ outsider, entry, hops }: RolePath): readonly RoleStep[] {
  return [
    { role: entry.arn, certain: outsider.certain, trustStatement: outsider.statement, policies: [] },
    ...hops.map((hop) => ({
      role: hop.to.arn,
      certain: hop.certain,
      trustStatement: hop.statement,
      policies: hop.documents.map((d) => d.name),
    })),
  ];
}

/** Whom nobody named is worse than an account that somebody chose to trust, and that than an id which may be nobody's. */
const WEIGHT: Readonly<Record<Outsider["who"]["kind"], Exposure>> = {
  anyone: "external",
  identities: "external",
  guests: "external",
  account: "service",
  organization: "service",
  principal: "service",
  certificates: "latent",
  unresolved: "latent",
};

const DOUBT_IDS = Object.keys(DOUBTS);

/** What lets one role assume the next. */
export function by({ from, to, statement, documents }: Hop): string {
  const trust = `statement ${statement + 1} of the trust policy of ${name(to.name)}`;
  if (documents.length === 0) return ` (by ${trust})`;
  const policies = enumerate(documents.slice(0, 3).map((d) => quote(d.name)));
  return ` (by ${trust} and ${documents.length === 1 ? "policy" : "policies"} ${policies} of ${name(from.name)})`;
}

/** What is not known of an outsider. */
function about({ who }: Outsider): string {
  switch (who.kind) {
    case "unresolved":
      return ", whose account cannot be seen from it (AWS shows an id where a user or role was deleted),";
    case "certificates":
      return " (for whoever holds a certificate that a trust anchor of IAM Roles Anywhere accepts; which those are was not read)";
    case "guests":
      return " (without signing in, if the pool has guests; that was not read)";
    default:
      return "";
  }
}

/** An outsider as findings name callers. */
export function whoOf({ who }: Outsider): Who {
  switch (who.kind) {
    case "identities":
      return {
        kind: "pattern",
        pattern:
          who.provider === ANY_PROVIDER ? "any identity of any provider" : `any identity of ${who.provider}`,
      };
    case "guests":
      return { kind: "pattern", pattern: `any guest of an identity pool of ${who.provider}` };
    case "certificates":
      return { kind: "service", name: who.service, source: { kind: "any" } };
    default:
      return who;
  }
}

function remedy(role: IamPrincipal, { who, statement }: Outsider): string {
  const where = `statement ${statement + 1} of the trust policy of ${name(role.name)}`;
  switch (who.kind) {
    case "anyone":
      return `In ${where}, name the principals that need the role, or require aws:PrincipalOrgID with StringEquals.`;
    case "identities":
      return who.provider === ANY_PROVIDER || who.provider.startsWith("arn:")
        ? `In ${where}, name an identity provider of the role's own account.`
        : `In ${where}, require the claim that says whose identity it is (such as ${name(who.provider)}:sub) with a fixed owner.`;
    case "guests":
      return `In ${where}, require ${name(who.provider)}:amr "authenticated" if guests are not meant to have the role.`;
    case "certificates":
      return `In ${where}, require aws:SourceArn with the ARN of the trust anchor, and what the certificate must say (such as aws:PrincipalTag/x509Subject/CN).`;
    case "unresolved":
      return `Take the id out of ${where}; if its user or role was made again, name that by its ARN.`;
    case "account":
      return `If account ${name(who.id)}${knownAs(who.id)} is meant to have the role, add it to trust.accounts in keyward.yaml or write an exception; if not, take it out of ${where}.`;
    case "organization":
      return `If organization ${name(who.id)} is meant to have the role, add it to trust.organizations in keyward.yaml or write an exception; if not, take it out of ${where}.`;
    case "principal":
      return `If it is meant to have the role, add it to trust.principals in keyward.yaml or write an exception; if not, take it out of ${where}.`;
  }
}

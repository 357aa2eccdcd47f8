import type { AccountIam, IamPrincipal, ServiceControl } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import type { Statement } from "../policy/ast.js";
import { baseName } from "../semantics/arn.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { Hop } from "./assume.js";
import { allowedByName, Hops, mayAssume } from "./assume.js";
import type { KmsDocument } from "./documents.js";
import { keysOf } from "./documents.js";
import type { TrustContext } from "./outsider.js";
import type { Trust } from "./trust-policy.js";
import { trustOf } from "./trust.js";

/** An account of which the data has IAM. */
export interface HopAccount {
  readonly account: AccountId;
  readonly iam: AccountIam;
  readonly serviceControl: ServiceControl;
}

/** Roles by their ARNs. */
type Roles = Map<string, IamPrincipal>;

/** What is known of one role as the first of a pair. */
interface Edges {
  readonly hops: readonly Hop[];
  /** More pairs were to be looked at than there may be. */
  readonly cut: boolean;
}

/** A hop without the role that it begins at: true of every role whose policies say the same. */
interface Shared {
  readonly hop: Hop | undefined;
  readonly documents: readonly KmsDocument[];
}

/**
 * Which roles of all accounts a role may assume. Of other accounts only roles are kept whose trust policy may let in
 * somebody of another account, by what it names: a role, a unique id, an account, everybody. Of roles whose own policies
 * say the same about sts:AssumeRole, each pair with such a role is decided once.
 */
export class EstateHops {
  /** Pairs that were decided. */
  pairs = 0;
  private readonly byNamed = new Map<string, Roles>();
  private readonly hopsOf = new Map<AccountId, Hops>();
  private readonly edges = new Map<IamPrincipal, Edges>();
  private readonly shared = new Map<string, Map<IamPrincipal, Shared>>();
  private readonly numbers = new Map<KmsDocument, number>();

  constructor(
    private readonly accounts: ReadonlyMap<AccountId, HopAccount>,
    private readonly context: TrustContext,
    private readonly mostPairs: number,
  ) {
    for (const { iam } of accounts.values()) for (const role of iam.principals) this.index(role);
  }

  /** Every role that a session of this one may assume. */
  from(role: IamPrincipal): Edges {
    const known = this.edges.get(role);
    if (known !== undefined) return known;
    const made = this.look(role);
    this.edges.set(role, made);
    return made;
  }

  private index(role: IamPrincipal): void {
    const names = trustOf(role, this.context)?.allows.flatMap((s) => namedAbroad(s, role.account)) ?? [];
    for (const name of names) {
      const roles = this.byNamed.get(name);
      if (roles === undefined) this.byNamed.set(name, new Map([[role.arn, role]]));
      else roles.set(role.arn, role);
    }
  }

  private look(from: IamPrincipal): Edges {
    const own = this.hops(from.account);
    const hops: Hop[] = [];
    if (own === undefined) return { hops, cut: false };
    for (const to of own.candidates(from)) {
      if (this.pairs >= this.mostPairs) return { hops, cut: true };
      this.pairs += 1;
      const hop = own.hop(from, to);
      if (hop !== undefined) hops.push(hop);
    }
    for (const to of this.abroad(from, own)) {
      if (this.pairs >= this.mostPairs) return { hops, cut: true };
      const hop = this.across(from, to, own);
      if (hop !== undefined) hops.push(hop);
    }
    return { hops, cut: false };
  }

  /** Roles of other accounts that this one may perhaps assume: its own policies must allow it in any case. */
  private *abroad(from: IamPrincipal, own: Hops): Iterable<IamPrincipal> {
    const { side } = own.sideOf(from);
    const only = side.uncertain ? undefined : allowedByName(side.documents);
    if (only?.size === 0) return;
    const lists = [
      `role ${from.account} ${baseName(from.name)}`,
      ...(from.uniqueId === undefined ? [] : [from.uniqueId]),
      `account ${from.account}`,
      EVERYBODY,
    ].flatMap((name) => this.byNamed.get(name) ?? []);
    const seen = new Set<IamPrincipal>();
    for (const list of lists) {
      const roles =
        only === undefined || only.size > list.size
          ? [...list.values()].filter((to) => only?.has(to.arn) !== false)
          : [...only].flatMap((arn) => list.get(arn) ?? []);
      for (const to of roles) {
        if (to.account === from.account || to.partition !== from.partition || seen.has(to)) continue;
        seen.add(to);
        yield to;
      }
    }
  }

  private across(from: IamPrincipal, to: IamPrincipal, own: Hops): Hop | undefined {
    const trust = trustOf(to, this.context);
    if (trust === undefined) return undefined;
    const side = own.sideOf(from);
    const group = isPersonalTo(trust, from) ? undefined : this.groupOf(from, own);
    const known = group?.get(to);
    if (known === undefined) {
      this.pairs += 1;
      const hop = mayAssume(from, side, to, trust, this.context);
      const documents = side.owned.filter((o) => hop?.documents.includes(o.document)).map((o) => o.kms);
      group?.set(to, { hop, documents });
      return hop;
    }
    const { hop } = known;
    if (hop === undefined) return undefined;
    const documents = side.owned.filter((o) => known.documents.includes(o.kms)).map((o) => o.document);
    return { ...hop, from, documents };
  }

  /** What is known of roles like this one; undefined where something tells it apart from all others. */
  private groupOf(from: IamPrincipal, own: Hops): Map<IamPrincipal, Shared> | undefined {
    const { side } = own.sideOf(from);
    const documents = side.boundary === undefined ? side.documents : [...side.documents, side.boundary];
    if ([...documents, ...side.serviceControl].some((d) => [...d.keys].some(isPersonal))) return undefined;
    const id = JSON.stringify([
      from.account,
      side.documents.map((d) => this.number(d)).sort((a, b) => a - b),
      side.boundary === undefined ? -1 : this.number(side.boundary),
      side.uncertain,
      from.name.startsWith("aws-service-role/"),
    ]);
    const group = this.shared.get(id) ?? new Map<IamPrincipal, Shared>();
    this.shared.set(id, group);
    return group;
  }

  private number(document: KmsDocument): number {
    const number = this.numbers.get(document) ?? this.numbers.size;
    this.numbers.set(document, number);
    return number;
  }

  private hops(account: AccountId): Hops | undefined {
    const known = this.hopsOf.get(account);
    if (known !== undefined) return known;
    const of = this.accounts.get(account);
    if (of === undefined) return undefined;
    const made = new Hops(of.iam, of.serviceControl, this.context);
    this.hopsOf.set(account, made);
    return made;
  }
}

const EVERYBODY = "*";

/** By what a statement may name somebody of another account. */
function namedAbroad({ principal }: Statement, own: AccountId): readonly string[] {
  if (principal.kind === "missing") return [];
  if (principal.kind === "not-principal") return [EVERYBODY];
  return principal.entries.flatMap((e): readonly string[] => {
    switch (e.kind) {
      case "role":
        return e.account === own ? [] : [`role ${e.account} ${baseName(e.name)}`];
      case "session":
        return e.account === own ? [] : [`role ${e.account} ${e.role}`];
      case "account":
        return e.account === own ? [] : [`account ${e.account}`];
      case "unique-id":
        return [e.id];
      case "everyone":
        return [EVERYBODY];
      case "user":
      case "federated-user":
      case "service":
      case "refused":
        return [];
    }
  });
}

/** Whether a trust policy, or what denies beside it, tells a role apart from others of its account. */
function isPersonalTo(trust: Trust, from: IamPrincipal): boolean {
  return [...trust.allows, ...trust.denials.map((d) => d.statement)].some(
    (s) =>
      [...keysOf([s])].some(isPersonal) ||
      s.principal.kind === "not-principal" ||
      (s.principal.kind === "principal" &&
        s.principal.entries.some(
          (e) =>
            e.kind === "unique-id" || ("account" in e && e.account === from.account && e.kind !== "account"),
        )),
  );
}

function isPersonal(key: string): boolean {
  return PERSONAL.has(key) || conditionKeyFacts(key) === undefined;
}

const PERSONAL = new Set(["aws:principalarn", "aws:userid", "aws:username", "aws:principaltype"]);

import type { AccountIam, IamPrincipal, ServiceControl } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { glob } from "../domain/glob.js";
import type { Policy, PrincipalEntry } from "../policy/ast.js";
import { baseName, parsePrincipal } from "../semantics/arn.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { KeyDocument } from "../semantics/request.js";
import type { KmsDocument } from "./documents.js";
import { Documents, keysOf } from "./documents.js";
import type { CallerOrganization, KeySide } from "./evaluate-principal.js";
import type { Witness } from "./evaluate-principal.js";
import { keySide, rootUses, usesOf, witnessOf } from "./evaluate-principal.js";
import type { OwnedDocument, PrincipalSide } from "./sides.js";
import { Sides } from "./sides.js";
import type { KeyUse, PrincipalUses } from "./use.js";

/** Principals whose documents say the same about keys; only the first is looked at. */
export interface Profile {
  readonly id: number;
  readonly side: PrincipalSide;
  readonly principals: IamPrincipal[];
  /** Resource elements of its statements that are not simply `*`. */
  readonly resources: readonly Resource[];
}

/** A Resource element made ready to be held against many keys. */
interface Resource {
  readonly listed: boolean;
  readonly exact: ReadonlySet<string>;
  readonly globs: readonly string[];
  /** What fits depends on the request. */
  readonly variables: boolean;
}

interface KeyClass {
  readonly id: number;
  readonly side: KeySide;
  /** Names of users and roles that its documents mention, without paths; unique ids too. */
  readonly named: ReadonlySet<string>;
  /** Its documents ask for something that tells any two principals apart. */
  readonly personal: boolean;
}

/** See {@link AccountAnalysis.candidates}. */
export interface Candidates {
  readonly groups: ReadonlyMap<Profile, readonly IamPrincipal[]>;
  readonly byName: ReadonlyMap<string, IamPrincipal>;
}

const PERSONAL = new Set(["aws:principalarn", "aws:userid", "aws:username", "aws:principaltype"]);

/**
 * Who of an account can use its keys. Principals are grouped by what their policies say about KMS, keys by what their
 * policies delegate and by which Resource patterns they fit; each pair of groups is decided once, so that thousands of
 * roles and thousands of keys stay fast.
 */
export class AccountAnalysis {
  /** Pairs of groups that were decided. */
  analyses = 0;
  private readonly byLikeness = new Map<string, Profile>();
  private whole: readonly Profile[] | undefined;
  private readonly profileOf = new Map<IamPrincipal, Profile>();
  private readonly owned = new Map<IamPrincipal, readonly OwnedDocument[]>();
  private readonly classes = new Map<string, KeyClass>();
  private readonly answers = new Map<string, readonly KeyUse[]>();
  private readonly sides: Sides;
  private readonly levels: readonly KmsDocument[];
  private asksForNames: boolean;

  constructor(
    readonly iam: AccountIam,
    /** Of unknown ones only what was read takes anything away, and nothing that they could is certain. */
    readonly serviceControl: ServiceControl,
    documents = new Documents(),
    /** That of the account, for keys of other accounts. */
    private readonly organization?: CallerOrganization,
  ) {
    this.sides = new Sides(serviceControl, documents);
    this.levels = this.sides.levels;
    this.asksForNames = this.levels.some((d) => [...d.keys].some(asksForName));
  }

  /** Of everybody, in their order. Read policies take many times their text, so who is not asked about is left unread. */
  private everybody(): readonly Profile[] {
    if (this.whole !== undefined) return this.whole;
    const members = new Map<Profile, IamPrincipal[]>();
    for (const principal of this.iam.principals) {
      const profile = this.profile(principal);
      const known = members.get(profile);
      if (known === undefined) members.set(profile, [principal]);
      else known.push(principal);
    }
    for (const [profile, principals] of members) {
      profile.principals.splice(0, profile.principals.length, ...principals);
    }
    return (this.whole = [...members.keys()]);
  }

  private profile(principal: IamPrincipal): Profile {
    return this.profileOf.get(principal) ?? this.group(principal);
  }

  /** Principals whose policies were read. */
  get read(): number {
    return this.profileOf.size;
  }

  /** Groups of principals that no policy about keys tells apart. */
  get groups(): number {
    return this.everybody().length;
  }

  /** The documents of a principal. */
  documentsOf(principal: IamPrincipal): readonly OwnedDocument[] {
    this.profile(principal);
    return this.owned.get(principal) ?? [];
  }

  /** Principals of which something was not read or not understood: they may be able to do more than is said. */
  get uncertain(): readonly IamPrincipal[] {
    return this.everybody()
      .filter((p) => p.side.uncertain)
      .flatMap((p) => p.principals);
  }

  /** Everybody in the account who can do something with a key, by principal. */
  usersOf(key: KeyDocument): readonly PrincipalUses[] {
    const profiles = this.everybody();
    const cls = this.classOf(key);
    const bits = this.bitsOf(key.facts.arn);
    return profiles.flatMap((profile) => this.profileUses(profile, profile.principals, key, cls, bits));
  }

  /** What one principal can do with a key. */
  usesOf(principal: IamPrincipal, key: KeyDocument): readonly KeyUse[] {
    const profile = this.profile(principal);
    return (
      this.profileUses(profile, [principal], key, this.classOf(key), this.bitsOf(key.facts.arn))[0]?.uses ??
      []
    );
  }

  /**
   * A request with which a principal surely does one of these actions: it holds no more than it must. The reference has
   * allowed it. Undefined: only a request that holds more would be.
   */
  witness(principal: IamPrincipal, key: KeyDocument, actions: readonly string[]): Witness | undefined {
    const profile = this.profile(principal);
    return witnessOf(
      principal,
      profile.side,
      { ...this.classOf(key).side, document: key },
      actions,
      this.organization,
    );
  }

  /** Makes principals ready for {@link usesAmong}; of those that are alike the first ones come first. */
  candidates(principals: readonly IamPrincipal[]): Candidates {
    const groups = new Map<Profile, IamPrincipal[]>();
    const byName = new Map<string, IamPrincipal>();
    for (const principal of principals) {
      const profile = this.profile(principal);
      const group = groups.get(profile);
      if (group === undefined) groups.set(profile, [principal]);
      else group.push(principal);
      for (const called of calledAs(principal)) byName.set(called, principal);
    }
    return { groups, byName };
  }

  /**
   * What some principals can do with a key: of those whom no document tells apart only the first, and each whom the key
   * names. So thousands of them take as long as there are kinds of them.
   */
  usesAmong({ groups, byName }: Candidates, key: KeyDocument): readonly PrincipalUses[] {
    const cls = this.classOf(key);
    const bits = this.bitsOf(key.facts.arn);
    const granted = key.grants.flatMap((g) => names(parsePrincipal(g.GranteePrincipal ?? "")));
    const special = new Set([...cls.named, ...granted].flatMap((called) => byName.get(called) ?? []));
    return [...groups].flatMap(([profile, principals]) => {
      const first = cls.personal ? undefined : principals.find((p) => !special.has(p));
      const looked = principals.filter((p) => cls.personal || p === first || special.has(p));
      return this.profileUses(profile, looked, key, cls, bits);
    });
  }

  /** What the root user of an account, by default the key's own, can do with a key. */
  rootUses(key: KeyDocument, account?: AccountId): readonly KeyUse[] {
    const uncertain = this.levels.some((d) => d.unclear);
    return rootUses(
      this.levels,
      { ...this.classOf(key).side, document: key },
      {
        uncertain,
        serviceControlUnread: this.sides.unread,
        organization: this.organization,
        ...(account === undefined ? {} : { account }),
      },
    );
  }

  private profileUses(
    profile: Profile,
    principals: readonly IamPrincipal[],
    key: KeyDocument,
    cls: KeyClass,
    bitOf: (resource: Resource) => string,
  ): PrincipalUses[] {
    const bits = profile.resources.map(bitOf).join("");
    const granted = new Set(key.grants.flatMap((g) => names(parsePrincipal(g.GranteePrincipal ?? ""))));
    return principals.flatMap((principal) => {
      const byGrant = isNamed(principal, granted);
      const special = byGrant || cls.personal || isNamed(principal, cls.named);
      const id = `${profile.id} ${cls.id} ${bits}${special ? ` ${principal.arn}` : ""}`;
      const known = byGrant ? undefined : this.answers.get(id);
      const uses = known ?? this.decide(principal, profile, key, cls, byGrant);
      if (known === undefined && !byGrant) this.answers.set(id, uses);
      return uses.length === 0 ? [] : [{ principal, uses }];
    });
  }

  /** Which Resource elements fit a key, each looked at once. */
  private bitsOf(arn: string): (resource: Resource) => string {
    const known = new Map<Resource, string>();
    return (resource) => {
      const bit = known.get(resource) ?? resourceBit(resource, arn);
      known.set(resource, bit);
      return bit;
    };
  }

  private decide(
    principal: IamPrincipal,
    profile: Profile,
    key: KeyDocument,
    cls: KeyClass,
    withGrants: boolean,
  ): readonly KeyUse[] {
    this.analyses += 1;
    const document = withGrants ? key : { ...cls.side.document, facts: key.facts };
    return usesOf(principal, profile.side, { ...cls.side, document }, this.organization);
  }

  private group(principal: IamPrincipal): Profile {
    const byKey = this.byLikeness;
    const { side, owned } = this.sides.of(principal);
    this.owned.set(principal, owned);
    const { documents, boundary } = side;
    const relevant = boundary === undefined ? documents : [...documents, boundary];
    const personal = [...relevant, ...this.levels].some((d) => [...d.keys].some(isPersonal));
    const id = JSON.stringify([
      relevant.map((d) => this.number(d)).sort((a, b) => a - b),
      boundary === undefined ? -1 : this.number(boundary),
      side.uncertain,
      principal.kind,
      principal.name.startsWith("aws-service-role/"),
      personal ? principal.arn : "",
    ]);
    const known = byKey.get(id);
    if (known !== undefined) {
      known.principals.push(principal);
      this.profileOf.set(principal, known);
      return known;
    }
    const resources = relevant.flatMap((d) => d.policy.statements.flatMap((s) => this.resource(s.resource)));
    const made: Profile = { id: byKey.size, side, principals: [principal], resources };
    byKey.set(id, made);
    this.profileOf.set(principal, made);
    if (!this.asksForNames && relevant.some((d) => [...d.keys].some(asksForName))) {
      // Keys that were alike no longer are.
      this.asksForNames = true;
      this.classes.clear();
      this.answers.clear();
    }
    return made;
  }

  private readonly resources = new Map<string, Resource>();
  private resource(element: Policy["statements"][number]["resource"]): readonly Resource[] {
    if (element.kind === "missing" || isEverything(element)) return [];
    const id = JSON.stringify(element);
    const known = this.resources.get(id);
    if (known !== undefined) return [known];
    const made: Resource = {
      listed: element.kind === "listed",
      exact: new Set(element.patterns.filter((p) => !/[*?]/.test(p))),
      globs: element.patterns.filter((p) => /[*?]/.test(p)),
      variables: element.patterns.some((p) => p.includes("${")),
    };
    this.resources.set(id, made);
    return [made];
  }

  private readonly numbers = new Map<KmsDocument, number>();
  private number(document: KmsDocument): number {
    const known = this.numbers.get(document);
    if (known !== undefined) return known;
    this.numbers.set(document, this.numbers.size);
    return this.numbers.size - 1;
  }

  /** Keys that no principal without a name of its own can tell apart, but for their ARN. */
  private classOf(key: KeyDocument): KeyClass {
    const { facts } = key;
    // A grant to the account as a whole concerns everybody; any other only its grantee, who is looked at apart.
    const wide = key.grants.filter((g) => parsePrincipal(g.GranteePrincipal ?? "")?.kind === "account");
    const policies = [key.policy, ...key.resourceControlPolicies];
    const statements = policies.flatMap((p) => p.statements);
    const keys = keysOf(statements);
    const asks = this.asksForNames || [...keys].some(asksForName);
    const ownArn = statements.some((s) => !isEverything(s.resource));
    const id = JSON.stringify([
      { ...facts, arn: undefined, keyId: undefined, tags: undefined, aliases: undefined },
      asks ? [facts.tags, facts.aliases] : null,
      ownArn ? facts.arn : null,
      policies,
      wide,
      [...(key.doubtfulStatements ?? [])],
      [...(key.refusedStatements ?? [])],
    ]);
    const known = this.classes.get(id);
    if (known !== undefined) return known;
    const entries = statements.flatMap((s) => (s.principal.kind === "missing" ? [] : s.principal.entries));
    const cls: KeyClass = {
      id: this.classes.size,
      side: keySide({ ...key, grants: wide }),
      named: new Set(entries.flatMap(names)),
      personal: [...keys].some(isPersonal) || statements.some((s) => s.principal.kind === "not-principal"),
    };
    this.classes.set(id, cls);
    return cls;
  }
}

/** What a named principal is called, without its path. */
function names(entry: PrincipalEntry | undefined): readonly string[] {
  switch (entry?.kind) {
    case "user":
    case "federated-user":
      return [`user ${baseName(entry.name)}`];
    case "role":
      return [`role ${baseName(entry.name)}`];
    case "session":
      return [`role ${entry.role}`];
    case "unique-id":
      return [entry.id];
    default:
      return [];
  }
}

function isNamed(principal: IamPrincipal, named: ReadonlySet<string>): boolean {
  return named.size > 0 && calledAs(principal).some((called) => named.has(called));
}

/** What `names` makes of an entry that names this principal. */
function calledAs({ kind, name, uniqueId }: IamPrincipal): readonly string[] {
  const called = `${kind} ${baseName(name)}`;
  return uniqueId === undefined ? [called] : [called, uniqueId];
}

/** A key that tells principals of one account apart. Tags are left open, so they do not. */
function isPersonal(key: string): boolean {
  return PERSONAL.has(key) || conditionKeyFacts(key) === undefined;
}

function asksForName(key: string): boolean {
  return key.startsWith("aws:resourcetag/") || key === "kms:resourcealiases";
}

function isEverything(resource: Policy["statements"][number]["resource"]): boolean {
  return resource.kind === "missing" || (resource.kind === "listed" && resource.patterns.includes("*"));
}

/** Whether a Resource element fits a key, as a part of what tells keys apart for a profile. */
function resourceBit(r: Resource, arn: string): string {
  if (r.variables) return arn;
  const hit = r.exact.has(arn) || r.globs.some((g) => glob(g, arn));
  return hit === r.listed ? "1" : "0";
}

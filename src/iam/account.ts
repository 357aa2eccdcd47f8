import type { AccountIam, IamPrincipal, IdentityDocument, ServiceControl } from "../domain/iam.js";
import { glob } from "../domain/glob.js";
import type { Policy, PrincipalEntry } from "../policy/ast.js";
import { baseName, parsePrincipal } from "../semantics/arn.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { KeyDocument } from "../semantics/request.js";
import type { KmsDocument } from "./documents.js";
import { Documents, keysOf } from "./documents.js";
import type { KeySide, PrincipalSide } from "./evaluate-principal.js";
import { keySide, rootUses, usesOf } from "./evaluate-principal.js";
import type { KeyUse, PrincipalUses } from "./use.js";

/** Principals whose documents say the same about keys; only the first is looked at. */
interface Profile {
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

/** A document of a principal, with its reduced form. */
export interface OwnedDocument {
  readonly document: IdentityDocument;
  readonly kms: KmsDocument;
}

const ALLOW_ALL = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

const PERSONAL = new Set(["aws:principalarn", "aws:userid", "aws:username", "aws:principaltype"]);

/**
 * Who of an account can use its keys. Principals are grouped by what their policies say about KMS, keys by what their
 * policies delegate and by which Resource patterns they fit; each pair of groups is decided once, so that thousands of
 * roles and thousands of keys stay fast.
 */
export class AccountAnalysis {
  /** Pairs of groups that were decided. */
  analyses = 0;
  private readonly profiles: readonly Profile[];
  private readonly owned = new Map<IamPrincipal, readonly OwnedDocument[]>();
  private readonly classes = new Map<string, KeyClass>();
  private readonly answers = new Map<string, readonly KeyUse[]>();
  private readonly levels: readonly KmsDocument[];
  private readonly asksForNames: boolean;

  constructor(
    readonly iam: AccountIam,
    /** Undefined: unknown; what they would take away is not taken away then. */
    readonly serviceControl: ServiceControl,
    private readonly documents = new Documents(),
  ) {
    this.levels =
      serviceControl.kind === "levels" ? serviceControl.levels.map((texts) => this.level(texts)) : [];
    const byKey = new Map<string, Profile>();
    for (const principal of iam.principals) this.group(principal, byKey);
    this.profiles = [...byKey.values()];
    const all = this.profiles.flatMap((p) => [
      ...p.side.documents,
      ...(p.side.boundary ? [p.side.boundary] : []),
    ]);
    this.asksForNames = [...all, ...this.levels].some((d) => [...d.keys].some(asksForName));
  }

  /** Groups of principals that no policy about keys tells apart. */
  get groups(): number {
    return this.profiles.length;
  }

  /** The documents of a principal. */
  documentsOf(principal: IamPrincipal): readonly OwnedDocument[] {
    return this.owned.get(principal) ?? [];
  }

  /** Principals of which something was not read or not understood: they may be able to do more than is said. */
  get uncertain(): readonly IamPrincipal[] {
    return this.profiles.filter((p) => p.side.uncertain).flatMap((p) => p.principals);
  }

  /** Everybody in the account who can do something with a key, by principal. */
  usersOf(key: KeyDocument): readonly PrincipalUses[] {
    const cls = this.classOf(key);
    const bits = this.bitsOf(key.facts.arn);
    return this.profiles.flatMap((profile) => this.profileUses(profile, profile.principals, key, cls, bits));
  }

  /** What one principal can do with a key. */
  usesOf(principal: IamPrincipal, key: KeyDocument): readonly KeyUse[] {
    const profile = this.profiles.find((p) => p.principals.includes(principal));
    if (profile === undefined) return [];
    return (
      this.profileUses(profile, [principal], key, this.classOf(key), this.bitsOf(key.facts.arn))[0]?.uses ??
      []
    );
  }

  /** What the account's root user can do with a key. */
  rootUses(key: KeyDocument): readonly KeyUse[] {
    const unclear = this.levels.some((d) => d.unclear);
    return rootUses(this.levels, { ...this.classOf(key).side, document: key }, unclear);
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
    return usesOf(principal, profile.side, { ...cls.side, document });
  }

  private group(principal: IamPrincipal, byKey: Map<string, Profile>): void {
    const owned = principal.documents.map((document) => ({
      document,
      kms: this.documents.read(document.text, "identity"),
    }));
    this.owned.set(principal, owned);
    const all = [...new Set(owned.map((o) => o.kms))];
    const documents = all.filter((d) => d.policy.statements.length > 0);
    const limit =
      principal.boundary.kind === "present"
        ? this.documents.read(principal.boundary.value, "identity")
        : undefined;
    // What was not understood of a boundary may allow: it takes nothing away then, and nothing is certain.
    const boundary = limit?.unclear === true ? undefined : limit;
    const side: PrincipalSide = {
      documents,
      boundary,
      serviceControl: this.levels,
      uncertain:
        principal.missing.length > 0 ||
        principal.boundary.kind === "unknown" ||
        principal.boundary.kind === "unreadable" ||
        limit?.unclear === true ||
        this.levels.some((d) => d.unclear) ||
        all.some((d) => d.unclear),
    };
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
      return;
    }
    const resources = relevant.flatMap((d) => d.policy.statements.flatMap((s) => this.resource(s.resource)));
    byKey.set(id, { id: byKey.size, side, principals: [principal], resources });
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

  /**
   * The policies of one level as one: an action is allowed there if one of them allows it. A statement without
   * variables says the same under every Version. What was not understood of one of them may be what allows: then all that
   * is not denied counts as allowed.
   */
  private level(texts: readonly string[]): KmsDocument {
    const known = texts.map((text) => this.documents.read(text, "scp"));
    const read = known.some((d) => d.unclear) ? [...known, this.documents.read(ALLOW_ALL, "scp")] : known;
    return {
      policy: {
        version: "2012-10-17",
        id: undefined,
        statements: read.flatMap((d) => d.policy.statements),
      },
      actions: read.flatMap((d) => d.actions),
      unclear: read.some((d) => d.unclear),
      keys: new Set(read.flatMap((d) => [...d.keys])),
    };
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
  if (named.size === 0) return false;
  return (
    named.has(`${principal.kind} ${baseName(principal.name)}`) ||
    (principal.uniqueId !== undefined && named.has(principal.uniqueId))
  );
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

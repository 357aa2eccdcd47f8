import type { AccountId, KeyArn } from "../../domain/ids.js";
import { makeKeyArn, parseAccountId, parseKeyArn } from "../../domain/ids.js";
import type { KeyFacts } from "../../domain/key.js";
import { present } from "../../domain/fetched.js";
import { Estate, type Membership } from "../../snapshot/key-record.js";
import type {
  AccountLine,
  IdentityLine,
  OrganizationLine,
  OwnOrganization,
  ResourceControlPolicyLine,
  ServiceControlPolicyLine,
} from "../../snapshot/lines.js";
import { type Alias, AliasBook } from "./aliases.js";
import { compare } from "./grants.js";
import { IamBook } from "./iam.js";
import type { SandboxKey } from "./key.js";
import { OrgTree } from "./organization.js";

/** The keys and aliases of one account in one Region. */
export class Vault {
  readonly aliases = new AliasBook();
  readonly #keys = new Map<string, SandboxKey>();
  #sorted: readonly SandboxKey[] | undefined;

  /** The key of this id. */
  get(keyId: string): SandboxKey | undefined {
    return this.#keys.get(keyId);
  }

  /** All keys in order of id. */
  list(): readonly SandboxKey[] {
    this.#sorted ??= [...this.#keys.values()].sort((a, b) => compare(a.keyId, b.keyId));
    return this.#sorted;
  }

  /** Adds a key, or replaces the one with its id. */
  add(key: SandboxKey): void {
    this.#keys.set(key.keyId, key);
    this.#sorted = undefined;
  }
}

/** A line about an organization. */
export type EstateLine = OrganizationLine | ResourceControlPolicyLine | ServiceControlPolicyLine;

/** Everything that exists in a sandbox: what its snapshot says and what operations made of it. Nothing else exists. */
export class World {
  readonly #vaults = new Map<string, Vault>();
  readonly #accounts = new Set<AccountId>();
  readonly #regions = new Set<string>();
  readonly #estate = new Estate();
  readonly #estateLines: EstateLine[] = [];
  /** What accounts say of the organization that they are in. */
  readonly #ownLines: { readonly account: string; readonly organization: OwnOrganization }[] = [];
  readonly iam = new IamBook();
  #trees: ReadonlyMap<string, OrgTree> | undefined;

  /** Keys and aliases of an account in a Region; made when they are first asked for. */
  vault(account: AccountId, region: string): Vault {
    const name = `${account}/${region}`;
    let vault = this.#vaults.get(name);
    if (vault === undefined) {
      vault = new Vault();
      this.#vaults.set(name, vault);
    }
    return vault;
  }

  /** The key of an ARN. */
  key(arn: KeyArn): SandboxKey | undefined {
    const m = /^arn:[^:]+:kms:([^:]+):([^:]+):key\/(.+)$/.exec(arn);
    return m === null ? undefined : this.#vaults.get(`${m[2] ?? ""}/${m[1] ?? ""}`)?.get(m[3] ?? "");
  }

  /** An alias of any account, without making anything. */
  findAlias(account: string, region: string, name: string): Alias | undefined {
    return this.#vaults.get(`${account}/${region}`)?.aliases.get(name);
  }

  /** Adds a key. */
  addKey(key: SandboxKey): void {
    this.vault(key.account, key.region).add(key);
    this.#accounts.add(key.account);
    this.#regions.add(key.region);
  }

  /** The key of the same multi-Region family in another Region. */
  sibling(key: SandboxKey, region: string): SandboxKey | undefined {
    if (!key.multiRegion) return undefined;
    const arn = parseKeyArn(makeKeyArn({ ...key.parts, region }));
    const found = arn === undefined ? undefined : this.key(arn);
    return found?.multiRegion === true ? found : undefined;
  }

  /** All keys of a multi-Region family, this one included, in order of Region. */
  family(key: SandboxKey): readonly SandboxKey[] {
    return [...this.#regions].sort().flatMap((region) => this.sibling(key, region) ?? []);
  }

  /** Every key, in order of account, Region and id. */
  *keys(): Generator<SandboxKey> {
    for (const name of [...this.#vaults.keys()].sort()) yield* this.#vaults.get(name)?.list() ?? [];
  }

  /** Adds an organization or a policy of one. */
  addEstateLine(line: EstateLine): void {
    if (line.type !== "service-control-policy") this.#estate.add(line);
    this.#estateLines.push(line);
    this.#trees = undefined;
    if (line.type !== "organization") return;
    for (const account of this.#estate.organizationOf.keys()) this.#accounts.add(account);
  }

  /** The lines that {@link addEstateLine} was given, in order. */
  get estateLines(): readonly EstateLine[] {
    return this.#estateLines;
  }

  /** Adds an account, or an entity of IAM. */
  addIamLine(line: AccountLine | IdentityLine): void {
    this.iam.add(line);
    if (line.type === "account") this.#estate.add(line);
    if (line.type === "account" && line.organization?.kind === "present") {
      this.#ownLines.push({ account: line.id, organization: line.organization });
      this.#trees = undefined;
    }
    const owner = parseAccountId(line.type === "account" ? line.id : (line.arn.split(":")[4] ?? ""));
    if (owner !== undefined) this.#accounts.add(owner);
  }

  /** Makes an account exist although it has no key. */
  addAccount(account: AccountId): void {
    this.#accounts.add(account);
  }

  /** Whether an account exists: it has keys, belongs to an organization, or a caller comes from it. */
  hasAccount(account: string): boolean {
    return (this.#accounts as ReadonlySet<string>).has(account);
  }

  /** Regions with keys. */
  get regions(): ReadonlySet<string> {
    return this.#regions;
  }

  /** The organization of an account. Undefined: it is in none, since the snapshot names none. */
  membership(account: AccountId): Membership | undefined {
    return this.#estate.organizationOf.get(account) ?? undefined;
  }

  /** The organization that an account is a member of, as Organizations shows it. */
  organizationTree(account: AccountId): OrgTree | undefined {
    const membership = this.membership(account);
    if (membership === undefined) return undefined;
    this.#trees ??= this.#growTrees();
    return this.#trees.get(membership.id);
  }

  /** A tree for each organization that has a line, or that an account says it is in. */
  #growTrees(): ReadonlyMap<string, OrgTree> {
    const policies = this.#estateLines.flatMap((l) => (l.type === "organization" ? [] : l));
    const lines = new Map(
      this.#estateLines.flatMap((l) => (l.type === "organization" ? [[l.id, l] as const] : [])),
    );
    for (const { account, organization } of this.#ownLines) {
      const { id, managementAccountId } = organization;
      const known = lines.get(id);
      if (known?.accounts?.some((a) => a.id === account) === true) continue;
      lines.set(id, {
        type: "organization",
        id,
        ...(managementAccountId === undefined ? {} : { managementAccountId }),
        ...known,
        accounts: [...(known?.accounts ?? []), { id: account }],
      });
    }
    return new Map([...lines.values()].map((line) => [line.id, new OrgTree(line, policies)]));
  }

  /** Whether Organizations calls the account suspended: nobody can use it, and its roles let nobody in. */
  isSuspended(account: AccountId): boolean {
    return this.organizationTree(account)?.account(account)?.status === "SUSPENDED";
  }

  /**
   * Service control policies that bind an account, by level from the root down to the account: at each level one of
   * the texts must allow. None bind a management account. A level without any, which Organizations does not allow, is
   * taken to have AWS's FullAWSAccess.
   * Source: Organizations User Guide, "Service control policies (SCPs)", "SCP evaluation".
   */
  serviceControlLevels(account: AccountId): readonly (readonly string[])[] {
    const tree = this.organizationTree(account);
    if (tree === undefined || tree.managementAccount === account) return [];
    if (!tree.policyTypes.has("SERVICE_CONTROL_POLICY")) return [];
    return tree
      .lineage(account)
      .map((node) => tree.attached(node.id, "SERVICE_CONTROL_POLICY").map((p) => p.text))
      .filter((texts) => texts.length > 0);
  }

  /** Texts of the resource control policies that bind a key. They do not bind keys that AWS manages. */
  resourceControlPolicies(key: SandboxKey): readonly string[] {
    return key.manager === "AWS" ? [] : this.#estate.resourceControlPolicies(key.account);
  }

  /** Texts of the resource control policies that bind the roles of an account. */
  resourceControlOf(account: AccountId): readonly string[] {
    return this.#estate.resourceControlPolicies(account);
  }

  /**
   * The facts that decide access. The key state is left out: KMS decides on access first, and refuses because of the
   * state afterwards, with an error of its own.
   */
  facts(key: SandboxKey): KeyFacts {
    const membership = this.membership(key.account);
    return {
      arn: key.arn,
      ...key.parts,
      organization: membership === undefined ? { kind: "absent" } : present(membership),
      spec: key.spec,
      usage: key.usage,
      origin: key.origin,
      multiRegion: key.multiRegion,
      ...(key.multiRegionKeyType === undefined ? {} : { multiRegionKeyType: key.multiRegionKeyType }),
      tags: Object.fromEntries(key.tags),
      aliases: this.vault(key.account, key.region)
        .aliases.list(key.keyId)
        .map((a) => a.name),
    };
  }
}

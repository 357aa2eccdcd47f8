import type { AccountId } from "../../domain/ids.js";
import type {
  AccountLine,
  GroupLine,
  IdentityLine,
  ManagedPolicyLine,
  RoleLine,
  UserLine,
} from "../../snapshot/lines.js";
import { compare } from "./grants.js";

/** What the snapshot says about the policies of a user or role. */
export interface EntityPolicies {
  /** Texts of inline, attached and (users) group policies. */
  readonly texts: readonly string[];
  /** Text of the permissions boundary. */
  readonly boundary: string | undefined;
}

const OWNER = /^arn:[^:]*:iam::([0-9]{12}):/;

function ownerOf(arn: string): string {
  return OWNER.exec(arn)?.[1] ?? "aws";
}

/** Entities of one kind by ARN and by account. */
class Shelf<T extends { readonly arn: string }> {
  readonly #all = new Map<string, T>();
  readonly #sorted = new Map<string, readonly T[]>();
  #byAccount: Map<string, T[]> | undefined;

  add(entity: T): void {
    this.#all.set(entity.arn, entity);
    this.#forget();
  }

  delete(arn: string): void {
    this.#all.delete(arn);
    this.#forget();
  }

  get(arn: string): T | undefined {
    return this.#all.get(arn);
  }

  has(arn: string): boolean {
    return this.#all.has(arn);
  }

  values(): Iterable<T> {
    return this.#all.values();
  }

  /** Those of an account, in order of ARN. */
  of(account: string): readonly T[] {
    const known = this.#sorted.get(account);
    if (known !== undefined) return known;
    if (this.#byAccount === undefined) {
      this.#byAccount = new Map();
      for (const entity of this.#all.values()) {
        const owner = ownerOf(entity.arn);
        const list = this.#byAccount.get(owner);
        if (list === undefined) this.#byAccount.set(owner, [entity]);
        else list.push(entity);
      }
    }
    const sorted = [...(this.#byAccount.get(account) ?? [])].sort((a, b) => compare(a.arn, b.arn));
    this.#sorted.set(account, sorted);
    return sorted;
  }

  #forget(): void {
    this.#sorted.clear();
    this.#byAccount = undefined;
  }
}

/** The users, roles, groups and policies that the snapshot brought, and the accounts' own lines. */
export class IamBook {
  readonly #users = new Shelf<UserLine>();
  readonly #roles = new Shelf<RoleLine>();
  readonly #groups = new Shelf<GroupLine>();
  readonly #policies = new Shelf<ManagedPolicyLine>();
  readonly #accounts = new Map<string, AccountLine>();
  readonly #deleted = new Map<string, string>();

  /** Adds a line. */
  add(line: IdentityLine | AccountLine): void {
    switch (line.type) {
      case "user":
        this.#users.add(line);
        return;
      case "role":
        this.#roles.add(line);
        return;
      case "group":
        this.#groups.add(line);
        return;
      case "managed-policy":
        this.#policies.add(line);
        return;
      case "account":
        this.#accounts.set(line.id, line);
    }
  }

  /** The account's own line. */
  account(id: string): AccountLine | undefined {
    return this.#accounts.get(id);
  }

  user(arn: string): UserLine | undefined {
    return this.#users.get(arn);
  }

  role(arn: string): RoleLine | undefined {
    return this.#roles.get(arn);
  }

  managedPolicy(arn: string): ManagedPolicyLine | undefined {
    return this.#policies.get(arn);
  }

  users(account: AccountId): readonly UserLine[] {
    return this.#users.of(account);
  }

  roles(account: AccountId): readonly RoleLine[] {
    return this.#roles.of(account);
  }

  groups(account: AccountId): readonly GroupLine[] {
    return this.#groups.of(account);
  }

  /** The account's own managed policies, in order of ARN. */
  localPolicies(account: AccountId): readonly ManagedPolicyLine[] {
    return this.#policies.of(account);
  }

  /** Managed policies of AWS that something in the account has attached, in order of ARN. */
  awsPolicies(account: AccountId): readonly ManagedPolicyLine[] {
    const entities = [...this.users(account), ...this.roles(account), ...this.groups(account)];
    const used = new Set(
      entities.flatMap((e) => [
        ...(e.attachedPolicies ?? []),
        ...("boundary" in e && typeof e.boundary === "string" ? [e.boundary] : []),
      ]),
    );
    return [...used]
      .filter((arn) => !OWNER.test(arn))
      .sort(compare)
      .flatMap((arn) => this.#policies.get(arn) ?? []);
  }

  /** Whether nothing of the account's IAM exists but what has a line. */
  isComplete(account: string): boolean {
    return this.#accounts.get(account)?.iam?.kind === "present";
  }

  /** False: certainly deleted, or not among the account's users and roles, all of which are known. */
  mayExist(arn: string): boolean {
    if (this.#deleted.has(arn)) return false;
    const owner = OWNER.exec(arn)?.[1];
    const known = this.#users.has(arn) || this.#roles.has(arn);
    return known || owner === undefined || !this.isComplete(owner);
  }

  /** The policies of a user or role; undefined where the snapshot has no line for it. */
  policiesOf(arn: string): EntityPolicies | undefined {
    const entity = this.#users.get(arn) ?? this.#roles.get(arn);
    if (entity === undefined) return undefined;
    const groups = entity.type === "user" ? this.#groupsOf(entity) : [];
    const texts = [entity, ...groups].flatMap((e) => [
      ...(e.inlinePolicies ?? []).map((p) => p.text),
      ...(e.attachedPolicies ?? []).flatMap((p) => this.#policies.get(p)?.text ?? []),
    ]);
    // A boundary whose text is not known allows nothing.
    const boundary =
      typeof entity.boundary === "string"
        ? (this.#policies.get(entity.boundary)?.text ?? EMPTY_POLICY)
        : undefined;
    return { texts, boundary };
  }

  /** Every line, in the order of their types. */
  *lines(): Generator<IdentityLine | AccountLine> {
    yield* this.#accounts.values();
    yield* this.#policies.values();
    yield* this.#groups.values();
    yield* this.#users.values();
    yield* this.#roles.values();
  }

  /** Deletes a user or role, whether it has a line or not. `id`: its unique id. */
  delete(arn: string, id: string): void {
    this.#users.delete(arn);
    this.#roles.delete(arn);
    this.#deleted.set(arn, id);
  }

  #groupsOf(user: UserLine): readonly GroupLine[] {
    const names = new Set(user.groups ?? []);
    if (names.size === 0) return [];
    return this.#groups
      .of(ownerOf(user.arn))
      .filter((g) => names.has(g.arn.slice(g.arn.lastIndexOf("/") + 1)));
  }
}

const EMPTY_POLICY = '{"Version":"2012-10-17","Statement":[]}';

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

/** An entity with its unique id. */
export type Known<T> = T & { readonly id: string };

/** What the snapshot says about the policies of a user or role. */
export interface EntityPolicies {
  /** Texts of inline, attached and (users) group policies. */
  readonly texts: readonly string[];
  /** Text of the permissions boundary. */
  readonly boundary: string | undefined;
}

const OWNER = /^arn:[^:]*:iam::([0-9]{12}):/;

/** The users, roles, groups and policies that the snapshot brought, and the accounts' own lines. */
export class IamBook {
  readonly #users = new Map<string, UserLine>();
  readonly #roles = new Map<string, RoleLine>();
  readonly #groups = new Map<string, GroupLine>();
  readonly #policies = new Map<string, ManagedPolicyLine>();
  readonly #accounts = new Map<string, AccountLine>();
  readonly #deleted = new Map<string, string>();

  /** Adds a line. */
  add(line: IdentityLine | AccountLine): void {
    switch (line.type) {
      case "user":
        this.#users.set(line.arn, line);
        return;
      case "role":
        this.#roles.set(line.arn, line);
        return;
      case "group":
        this.#groups.set(line.arn, line);
        return;
      case "managed-policy":
        this.#policies.set(line.arn, line);
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
    return ownedBy(this.#users, account);
  }

  roles(account: AccountId): readonly RoleLine[] {
    return ownedBy(this.#roles, account);
  }

  groups(account: AccountId): readonly GroupLine[] {
    return ownedBy(this.#groups, account);
  }

  /** The account's own managed policies, in order of ARN. */
  localPolicies(account: AccountId): readonly ManagedPolicyLine[] {
    return ownedBy(this.#policies, account);
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
    const account = OWNER.exec(user.arn)?.[1] ?? "";
    const names = new Set(user.groups ?? []);
    return [...this.#groups.values()].filter(
      (g) => OWNER.exec(g.arn)?.[1] === account && names.has(g.arn.slice(g.arn.lastIndexOf("/") + 1)),
    );
  }
}

const EMPTY_POLICY = '{"Version":"2012-10-17","Statement":[]}';

function ownedBy<T extends { readonly arn: string }>(
  map: ReadonlyMap<string, T>,
  account: string,
): readonly T[] {
  return [...map.values()]
    .filter((e) => OWNER.exec(e.arn)?.[1] === account)
    .sort((a, b) => compare(a.arn, b.arn));
}

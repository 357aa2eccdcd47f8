import type { PrincipalEntry } from "../policy/ast.js";
import type { Who } from "./matrix.js";

/**
 * A class of callers: what is fixed about them. Everything that is not fixed is chosen by the search.
 */
export type CallerClass = OrdinaryClass | ServiceClass;

export interface OrdinaryClass {
  readonly kind: "ordinary";
  readonly who: Who;
  readonly trusted: boolean;
  readonly account: AccountChoice;
  readonly organizations: readonly OrganizationChoice[];
  /** Only this principal. */
  readonly principal?: NamedPrincipal;
  /** Only the user or role with this unique id. */
  readonly uniqueId?: string;
  /** Unique ids that belong to somebody else. */
  readonly otherIds: readonly string[];
  /** Trusted principals, which are another class. */
  readonly except: readonly PrincipalEntry[];
}

export type NamedPrincipal = Extract<
  PrincipalEntry,
  { kind: "user" | "role" | "session" | "federated-user" }
>;

/** `literal`: this account. `fresh`: any account but these. */
export type AccountChoice =
  | { readonly kind: "literal"; readonly id: string }
  | { readonly kind: "fresh"; readonly not: readonly string[] };

export type OrganizationChoice =
  | { readonly kind: "none" }
  | { readonly kind: "literal"; readonly id: string; readonly path?: string }
  | { readonly kind: "fresh"; readonly not: readonly string[] };

export interface ServiceClass {
  readonly kind: "service";
  readonly who: Who & { readonly kind: "service" };
  readonly trusted: boolean;
  readonly name: string;
  readonly source: SourceChoice;
}

/** On whose behalf a service calls. `none`: the request carries no source keys, although there is an account behind. */
export type SourceChoice =
  | { readonly kind: "none"; readonly account: AccountChoice }
  | {
      readonly kind: "account";
      readonly account: AccountChoice;
      readonly organizations: readonly OrganizationChoice[];
    };

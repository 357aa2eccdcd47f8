import type { KeyFacts } from "../domain/key.js";
import type { PrincipalElement, PrincipalEntry } from "../policy/ast.js";
import type { ActionFacts } from "../semantics/actions.js";
import type { Caller } from "../semantics/request.js";
import type { Asks } from "./asks.js";
import type { Environment, KeyModel } from "./key-models.js";
import type { Mode, Truth } from "./truth.js";
import type { Segment, View, WordConstraint } from "./views.js";

/**
 * One way in which a caller of a class can make a request: what kind of principal, by which route. A shape says of
 * every condition key what it can hold.
 */
export interface Shape {
  readonly kind: "root" | "user" | "session" | "federated-user" | "service";
  readonly route: Route;
  readonly segments: readonly Segment[];
  /** Always to be met: what makes the class what it is. */
  readonly base: readonly WordConstraint[];
  readonly model: (keyLower: string) => KeyModel;
  /** Whether a principal element covers this caller. */
  readonly principal: (element: PrincipalElement, effect: "Allow" | "Deny") => Truth;
  /** The caller under an assignment of the segments. */
  readonly caller: (values: readonly string[]) => Caller;
  /** Whether the caller may be the one who has a unique id that documents name, without being known by it. */
  readonly mayBearNamedId: boolean;
  /** The keys that a request of this shape carries beside those that a policy asks about. */
  readonly standing: readonly (readonly [string, View, boolean])[];
}

/** `internet`: through a public endpoint. `vpc-endpoint`. `via-service`: a service calls with the caller's rights. */
export type Route =
  | "internet"
  | "vpc-endpoint"
  | "vpc-endpoint-without-organization"
  | "via-service"
  | "service";

/** What the shapes of a class depend on. */
export interface ShapeContext {
  readonly facts: KeyFacts;
  readonly action: ActionFacts;
  readonly environment: Environment;
  readonly mode: Mode;
  /** Keys that occur in the documents, in lower case: kinds and routes that no key can tell apart are one. */
  readonly keys: ReadonlySet<string>;
  readonly asks: Asks;
  /** A statement with NotPrincipal tells the kinds of principals apart, too. */
  readonly notPrincipal: boolean;
  /** Beginnings of resources of source ARNs that documents name, up to a colon. */
  readonly sourcePrefixes: ReadonlySet<string>;
  /** Pairs of the encryption context that it may matter for a service to leave out. */
  readonly omissible: ReadonlySet<string>;
  /** Principals that are named; a caller that is not one of them must not bear their name. */
  readonly named: readonly PrincipalEntry[];
}

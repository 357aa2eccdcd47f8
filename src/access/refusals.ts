import type { Condition, PrincipalElement } from "../policy/ast.js";
import type { ActionGroup } from "./entrances.js";
import type { Mentions } from "./mentions.js";
import type { Refusal } from "./search.js";
import type { Shape } from "./shape.js";
import type { Prepared } from "./statements.js";

/** What stands in the way of a caller of some shape: Deny statements of the key policy and of resource control policies. */
export class Refusals {
  constructor(
    private readonly x: {
      readonly statements: readonly Prepared[];
      readonly rcps: readonly (readonly Prepared[])[];
      readonly mentions: Mentions;
    },
  ) {}

  /** The Deny statements in the way; `doubtful`: one of them may not be. */
  of(shape: Shape, group: ActionGroup): { readonly list: readonly Refusal[]; readonly doubtful: boolean } {
    const list: Refusal[] = [];
    let doubtful = false;
    const bearing = this.x.mentions.uniqueIds.size > 0 && shape.mayBearNamedId;
    const add = (p: Prepared): void => {
      if (p.statement.effect !== "Deny" || p.actions[group.index] !== true || p.resource === "no") return;
      let principal = shape.principal(p.statement.principal, "Deny");
      const ids = bearing ? this.bearer(p.statement.principal, shape) : undefined;
      if (principal === "no" && ids === undefined) return;
      let { conditions } = p;
      // Whether the Deny covers the caller depends on the id that the caller is given.
      if (ids !== undefined && principal === (ids.operator === "StringLike" ? "no" : "yes")) {
        principal = "yes";
        conditions = [ids, ...conditions];
      }
      // What is doubtful about the statement is doubtful about the whole of it.
      if (principal === "yes" && p.doubt !== undefined) principal = { doubtful: p.doubt };
      if (principal === "yes" && typeof p.resource === "object") principal = p.resource;
      if (typeof principal === "object") doubtful = true;
      list.push({ principal, conditions, variables: p.variables });
    };
    for (const p of this.x.statements) add(p);
    const retire = group.actions.some((a) => (a.name as string) === "kms:RetireGrant");
    if (!retire) for (const rcp of this.x.rcps) for (const p of rcp) add(p);
    return { list, doubtful };
  }

  /** That the caller has (NotPrincipal: has not) one of the unique ids that an element names, as a condition. */
  bearer(principal: PrincipalElement, shape: Shape): Condition | undefined {
    if (principal.kind === "missing") return undefined;
    const session = shape.kind === "session";
    const ids = principal.entries.flatMap((e) =>
      e.kind === "unique-id" && e.id.startsWith(session ? "AROA" : "AIDA") ? [e.id] : [],
    );
    if (ids.length === 0) return undefined;
    const known = this.#bearers.get(principal)?.get(shape.kind);
    if (known !== undefined) return known;
    const made: Condition = {
      operator: principal.kind === "principal" ? "StringLike" : "StringNotLike",
      qualifier: undefined,
      ifExists: false,
      key: "aws:userid",
      keyLower: "aws:userid",
      values: ids.map((id) => (session ? `${id}:*` : id)),
      path: [],
    };
    this.#bearers.set(principal, new Map([...(this.#bearers.get(principal) ?? []), [shape.kind, made]]));
    return made;
  }

  readonly #bearers = new Map<PrincipalElement, ReadonlyMap<Shape["kind"], Condition>>();
}

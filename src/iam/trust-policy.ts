import type { IamPrincipal } from "../domain/iam.js";
import type { Policy, Statement } from "../policy/ast.js";
import { denialsOf, policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import { actionCovered } from "../semantics/action-match.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { RequestContext } from "../semantics/derive-context.js";
import { resourceCovered } from "../semantics/resource-match.js";
import { all, any, doubtful, type Tri } from "../semantics/tri.js";

/** A statement that denies, in a trust policy or in a resource control policy above the role's account. */
interface Denial {
  readonly statement: Statement;
  readonly version: Policy["version"];
  /** False: something of it was not understood, so that it may deny less. */
  readonly sure: boolean;
  /** A resource control policy names resources, a trust policy does not. */
  readonly ofRole: boolean;
}

/** Who may assume a role, as far as policies about the role say it. */
export interface Trust {
  readonly version: Policy["version"];
  readonly allows: readonly Statement[];
  readonly denials: readonly Denial[];
  /** Statements of which not everything was understood. */
  readonly notUnderstood: ReadonlySet<number>;
  /** Something was not understood at all. */
  readonly unclear: boolean;
}

/**
 * Reads the trust policy of a role, with the resource control policies that bind the role's account: they apply to
 * sts:AssumeRole and its like. Undefined: it is no policy. Source: AWS Organizations User Guide, "Resource control
 * policies (RCPs)", list of services that support them (AWS STS).
 */
export function readTrust(text: string, resourceControl: readonly string[]): Trust | undefined {
  // Trust policies have principals and no Resource. The parser knows no kind for them; what it says of the Resource and
  // of identity providers is left aside, and what it did not understand is not.
  const parsed = parsePolicy(text, { kind: "key" });
  const { policy } = parsed;
  if (policy === undefined) return undefined;
  const { notUnderstood, wholePolicy, unread } = policyDoubts(parsed);
  const own = policy.statements.filter((s) => s.effect === "Deny" && !notUnderstood.has(s.index));
  const above = resourceControl.flatMap((rcp): readonly Denial[] => {
    const { sure, doubtful: perhaps } = denialsOf(parsePolicy(rcp, { kind: "rcp" }));
    const of = (p: Policy | undefined, isSure: boolean): readonly Denial[] =>
      (p?.statements ?? [])
        .filter((s) => s.effect === "Deny")
        .map((statement) => ({ statement, version: p?.version, sure: isSure, ofRole: true }));
    return [...of(sure, true), ...of(perhaps, false)];
  });
  return {
    version: policy.version,
    allows: policy.statements.filter((s) => s.effect === "Allow"),
    denials: [
      ...own.map((statement) => ({ statement, version: policy.version, sure: true, ofRole: false })),
      ...above,
    ],
    notUnderstood,
    unclear: wholePolicy || unread.size > 0,
  };
}

/** Trust policies that are remembered; most roles of an estate share a few texts. */
const REMEMBERED = 1000;

/**
 * Reads trust policies, the last ones once each. Not all: a read policy takes many times its text, and an estate can have
 * hundreds of thousands of roles.
 */
export class TrustBook {
  private readonly known = new Map<string, Trust | undefined>();
  private readonly numbers = new Map<string, number>();

  /** See {@link readTrust}. */
  read(text: string, resourceControl: readonly string[]): Trust | undefined {
    const above = resourceControl.length === 0 ? "" : JSON.stringify(resourceControl);
    const number = this.numbers.get(above) ?? this.numbers.size;
    this.numbers.set(above, number);
    const id = `${number} ${text}`;
    if (this.known.has(id)) return this.known.get(id);
    const trust = readTrust(text, resourceControl);
    const [oldest] = this.known.size < REMEMBERED ? [] : this.known.keys();
    if (oldest !== undefined) this.known.delete(oldest);
    this.known.set(id, trust);
    return trust;
  }
}

/** Whether one of the denials stops a request to assume the role. `names`: whether a statement means the caller. */
export function denied(
  { denials }: Trust,
  role: Pick<IamPrincipal, "arn">,
  action: string,
  context: RequestContext,
  names: (statement: Statement) => Tri,
): Tri {
  return any(
    denials.map(({ statement, version, sure, ofRole }) => {
      const covered = actionCovered(statement.action, action);
      if (covered.value === "no") return covered;
      const hit = all([
        covered,
        names(statement),
        ...(ofRole ? [resourceCovered(statement.resource, role, version, context, "other")] : []),
        ...statement.conditions.map((c) => conditionHolds(c, version, context)),
      ]);
      return sure || hit.value === "no" ? hit : doubtful("not-understood");
    }),
  );
}

/** All texts that conditions of a trust policy, and of what denies beside it, compare with. */
export function valuesOf(trust: Trust): string {
  return [...trust.allows, ...trust.denials.map((d) => d.statement)]
    .flatMap((s) => s.conditions.flatMap((c) => c.values))
    .join("\n");
}

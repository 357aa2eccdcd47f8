import type { Policy, Statement } from "../policy/ast.js";
import type { AccessRequest } from "../semantics/request.js";
import {
  certainRcps,
  disagreementOf,
  findManager,
  keyDocument as documentOf,
  type Manager,
  type ManagerSearch,
  mayPut,
  type OwnSide,
  ownPrincipals,
  putsLater,
  sameForPut,
} from "./managers.js";
import type { Proof } from "./obligations.js";
import type { Obligation } from "./plan-file.js";

/** What the proof takes. */
export interface ManageableProof
  extends Pick<ManagerSearch, "record" | "organizationOf" | "now">,
    Pick<Proof, "older" | "newer" | "own"> {}

/** What was found, and on what keyward's two engines disagreed meanwhile: nothing of it may be relied on then. */
export interface Manageable {
  readonly obligation: Obligation;
  readonly disagreements: readonly string[];
}

/** Long enough that a condition on the time which holds until then does not end for anybody who reads this. */
const FOR_EVER_SECONDS = 50 * 365 * 86_400;

/**
 * Somebody of the key's own account can still put a key policy, and no worse than before: whoever could without more
 * must not need MFA, a tag or a date from then on. What only a network or a service could do does not count as somebody,
 * nor does a principal that is known not to exist. A resource control policy that was not understood may deny it.
 */
export function proveManageable({
  record,
  organizationOf,
  older,
  newer,
  now,
  own,
}: ManageableProof): Manageable {
  if (older.text === newer.text) {
    const statement = "The key policy is not changed, so whoever can manage the key still can.";
    return {
      obligation: { id: "manageable", result: "proved", statement, details: [] },
      disagreements: [],
    };
  }
  const { account } = record.facts;
  if (certainRcps(record).length < record.resourceControlPolicies.length) {
    const unclear =
      "A resource control policy was not understood; it may keep everybody from managing the key.";
    return { obligation: failed(unclear), disagreements: [] };
  }
  const oldPolicy: Policy = documentOf(record, older.text, []).policy;
  const newPolicy: Policy = documentOf(record, newer.text, []).policy;
  const there = new Set(ownPrincipals(oldPolicy.statements, account));
  const search: ManagerSearch = {
    record,
    organizationOf,
    now,
    own,
    exists: (arn) => there.has(arn) || isInIam(arn, own),
  };
  const before = findManager(older.text, search);
  const after = findManager(newer.text, search);
  return {
    obligation: compare({ record, older, newer, now }, { before, after, oldPolicy, newPolicy }),
    disagreements: [before, after].flatMap((m) => disagreementOf(m) ?? []),
  };
}

function failed(statement: string, details: readonly string[] = []): Obligation {
  return { id: "manageable", result: "failed", statement, details: [...details] };
}

/** Who can put the policy, and the policies that they were found in. */
interface Managers {
  readonly before: Manager;
  readonly after: Manager;
  readonly oldPolicy: Policy;
  readonly newPolicy: Policy;
}

function compare(
  { record, older, newer, now }: Pick<ManageableProof, "record" | "older" | "newer" | "now">,
  { before, after, oldPolicy, newPolicy }: Managers,
): Obligation {
  const id = "manageable";
  const { account } = record.facts;
  const unchanged = sameForPut(oldPolicy, newPolicy);
  switch (after.kind) {
    case "plain": {
      if (!putsLater(newer.text, after.request, record, now + FOR_EVER_SECONDS)) {
        const ends = "A condition on the time ends that.";
        if (
          before.kind === "plain" &&
          putsLater(older.text, before.request, record, now + FOR_EVER_SECONDS)
        ) {
          return failed(`Nobody of account ${account} could change the key policy for ever.`, [ends]);
        }
        return { id, result: "stated", statement: plainWords(after, account), details: [ends] };
      }
      const details = after.whose === "root" ? delegates(newPolicy.statements, account) : after.who;
      return { id, result: "proved", statement: plainWords(after, account), details: details.slice(0, 10) };
    }
    case "conditional": {
      const asked = conditionsOf(after.request);
      if (
        before.kind === "plain" ||
        (before.kind === "conditional" && asksMore(before.request, after.request))
      ) {
        return failed(
          `Whoever may put a key policy now with less could not any more; left is ${after.who}, if the request shows ${asked}.`,
        );
      }
      // What a request has to show of the organization is not known of the account, or it would not have to.
      const madeUp = Object.keys(after.request.context).some((name) => /principalorg/i.test(name));
      if (!mayPut(older.text, after.request, record) || ((madeUp || !after.exists) && !unchanged)) {
        return failed(
          `Nobody of account ${account} who is known to exist could change the key policy any more.`,
        );
      }
      return {
        id,
        result: "stated",
        statement: `${after.who} may put a key policy, if the request shows ${asked}; so it was before.`,
        details: [
          ...(after.exists ? [] : ["Whether there is such a principal is not known: IAM was not read."]),
          "KMS's own lockout check, which keyward never bypasses, asks the same of whoever puts it.",
        ],
      };
    }
    case "elsewhere":
      return failed(
        `Only ${after.who} may put a key policy, and only with ${conditionsOf(after.request)}: whether anybody can call so is not known.`,
      );
    case "perhaps":
      if (before.kind === "perhaps" && unchanged) {
        return {
          id,
          result: "stated",
          statement: `The root user of account ${account} may put a key policy as far as AWS documents it, and nothing that decides it is changed.`,
          details: ["KMS's own lockout check, which keyward never bypasses, decides when the policy is put."],
        };
      }
      return failed(
        "That somebody could change the key policy any more rests on a rule of AWS that is not known for sure.",
      );
    case "undecided":
      return failed("Whether somebody could change the key policy any more was not decided.", [after.reason]);
    case "nobody":
      return failed(
        before.kind === "nobody"
          ? `Nobody of account ${account} who is known to exist can change the key policy, neither now nor then.`
          : `Nobody of account ${account} who is known to exist could change the key policy any more.`,
      );
  }
}

/** Whether a request has to show something that another one has not. */
function asksMore(before: AccessRequest, after: AccessRequest): boolean {
  const shown = new Set(Object.keys(before.context).map((name) => name.toLowerCase()));
  return Object.keys(after.context).some((name) => !shown.has(name.toLowerCase()));
}

function plainWords({ whose, who }: Extract<Manager, { kind: "plain" }>, account: string): string {
  const count = who.length === 1 ? "One principal" : `${who.length} principals`;
  switch (whose) {
    case "root":
      return `The root user of account ${account} may put a key policy.`;
    case "named":
      return `${count} of account ${account} that the old policy names may put a key policy.`;
    case "iam":
      return `${count} of account ${account} may put a key policy by IAM policies that the snapshot has.`;
  }
}

/** What a request has to show, in words. */
function conditionsOf({ context }: AccessRequest): string {
  const words = Object.entries(context)
    .filter(([name]) => !/^aws:principalorgpaths$/i.test(name))
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : value.join(", ")}`);
  return words.length === 0 ? "nothing more" : words.join(" and ");
}

function isInIam(arn: string, own: OwnSide | undefined): boolean {
  const [, kind, name] = /:(user|role)\/(.+)$/.exec(arn) ?? [];
  if (name === undefined) return false;
  return own?.exists(kind === "user" ? "user" : "role", name) === true;
}

function delegates(statements: readonly Statement[], account: string): readonly string[] {
  const named = statements.some(
    (s) =>
      s.effect === "Allow" &&
      s.principal.kind === "principal" &&
      s.principal.entries.some((e) => e.kind === "account" && e.account === account),
  );
  return named ? ["The account may also delegate that to its users and roles with IAM policies."] : [];
}

import type { IamPrincipal, ServiceControl } from "../domain/iam.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { Capability } from "../domain/verdict.js";
import type { KeyUse } from "../iam/use.js";
import type { KeyDocument } from "../semantics/request.js";
import type { EstateReach } from "./estate-reach.js";
import type { IamView } from "./iam-view.js";
import type { RolePath } from "./outsider-assumable-role.js";
import { rolePaths } from "./outsider-assumable-role.js";

/** An identity policy that lets its holder use a key. */
export interface ResponsiblePolicy {
  readonly kind: "inline" | "managed";
  /** ARN of a managed policy, name of an inline one. Foreign text. */
  readonly name: string;
  /** The group that it comes from. */
  readonly group?: string;
}

/** What somebody can do with a key in one way, and through which documents. */
export interface UserUse extends Omit<KeyUse, "documents" | "ifPermitted"> {
  /** Empty: the key policy or a grant suffices, or the root user asks. */
  readonly policies: readonly ResponsiblePolicy[];
}

/** Users and roles who can do the same with a key through the same documents. */
export interface UserGroup {
  /** In order of their ARNs. Not empty. */
  readonly principals: readonly IamPrincipal[];
  /** Of all uses; worst first. */
  readonly capabilities: readonly Capability[];
  /** Worst first. An inline policy has the name that it has with the first of the principals. */
  readonly uses: readonly UserUse[];
}

/** An outsider's way to the key through a role. */
export interface UserPath extends Omit<RolePath, "uses"> {
  readonly uses: readonly UserUse[];
}

/** Who in the key's account can use it. */
export interface KeyUsers {
  readonly account: string;
  /** `complete`: all users and roles were read. */
  readonly iam: "complete" | "unreadable" | "unknown";
  /** `unknown`: the service control policies above the account were not all read, so that nothing is certain. */
  readonly serviceControl: ServiceControl["kind"];
  /** The organization whose policies were not all read, where that is known. */
  readonly unreadOrganization?: string;
  /** Users and roles that were read. */
  readonly principals: number;
  /** The root user of the account. */
  readonly root: readonly UserUse[];
  /** Worst first. */
  readonly groups: readonly UserGroup[];
  /** Outsiders who can assume a role that can use the key. */
  readonly paths: readonly UserPath[];
  /** Of these a policy, a group or a boundary was not read or not understood: they may be able to do more. */
  readonly uncertain: readonly IamPrincipal[];
  /** Roles of which the trust policy was not read or not understood: outsiders may be able to assume them. */
  readonly unclearTrust: readonly IamPrincipal[];
  /** Roles at which the search for roles that can be assumed from them ended because of its bounds. */
  readonly cutChains: readonly IamPrincipal[];
}

const CERTAINTIES = ["certain", "conditional", "possible"] as const;

/**
 * Lists who in an account can use a key, put together by what lets them.
 * @param reach ways of outsiders through roles of other accounts
 */
export function keyUsers(key: KeyDocument, view: IamView, reach?: EstateReach): KeyUsers {
  const { analysis } = view;
  const groups = new Map<
    string,
    { readonly principals: IamPrincipal[]; readonly uses: readonly UserUse[] }
  >();
  for (const { principal, uses } of analysis.usersOf(key)) {
    const shown = uses.map((use) => userUse(use, principal, view)).sort(compareUses);
    const id = JSON.stringify(shown.map(likeness));
    const same = groups.get(id);
    if (same === undefined) groups.set(id, { principals: [principal], uses: shown });
    else same.principals.push(principal);
  }
  return {
    account: view.account,
    iam: view.iam.state.kind,
    serviceControl: analysis.serviceControl.kind,
    ...(analysis.serviceControl.kind === "unknown" && analysis.serviceControl.organization !== undefined
      ? { unreadOrganization: analysis.serviceControl.organization }
      : {}),
    principals: view.iam.principals.length,
    root: analysis.rootUses(key, view.account).map((use) => ({ ...withoutDocuments(use), policies: [] })),
    groups: [...groups.values()]
      .map(({ principals, uses }): UserGroup => {
        const sorted = principals.sort((a, b) => (a.arn < b.arn ? -1 : 1));
        return { principals: sorted, capabilities: capabilitiesOf(uses), uses };
      })
      .sort(compareGroups),
    paths: rolePaths(key, view, reach).map(({ outsider, entry, hops, role, uses }) => ({
      outsider,
      entry,
      hops,
      role,
      uses: uses.map((use) => userUse(use, role, view)).sort(compareUses),
    })),
    uncertain: analysis.uncertain,
    unclearTrust: view.unclearRoles,
    cutChains: view.cutChains,
  };
}

function userUse(use: KeyUse, principal: IamPrincipal, view: IamView): UserUse {
  const policies = view.analysis
    .documentsOf(principal)
    .filter((owned) => use.documents.includes(owned.kms))
    .map(({ document }) => ({
      kind: document.kind,
      name: document.name,
      ...(document.group === undefined ? {} : { group: document.group }),
    }));
  // Where the key policy or a grant lets in by itself, an identity policy that says the same is not responsible.
  return { ...withoutDocuments(use), policies: use.direct ? [] : policies };
}

function withoutDocuments(use: KeyUse): Omit<KeyUse, "documents" | "ifPermitted"> {
  const { actions, capabilities, certainty, doubts, sources, direct, conditions } = use;
  return { actions, capabilities, certainty, doubts, sources, direct, conditions };
}

/** What makes two uses the same. Inline policies of two principals are the same if they give the same: names may differ. */
function likeness(use: UserUse): unknown {
  const policies = use.policies.map((p) => [p.kind, p.kind === "managed" ? p.name : "", p.group]);
  return [
    use.actions,
    use.certainty,
    use.doubts.map((d) => d.id),
    use.sources,
    use.direct,
    use.conditions,
    policies,
  ];
}

function capabilitiesOf(uses: readonly UserUse[]): readonly Capability[] {
  return CAPABILITIES.filter((c) => uses.some((u) => u.capabilities.includes(c)));
}

function compareUses(a: UserUse, b: UserUse): number {
  return worst(a) - worst(b) || sureness(a) - sureness(b);
}

/** By the worst that they can do, then how surely, then how many they are. */
function compareGroups(a: UserGroup, b: UserGroup): number {
  const [first, second] = [a.uses[0], b.uses[0]];
  const by = first === undefined || second === undefined ? 0 : compareUses(first, second);
  const [one, other] = [a.principals[0]?.arn ?? "", b.principals[0]?.arn ?? ""];
  return by || b.principals.length - a.principals.length || (one < other ? -1 : 1);
}

function worst(use: UserUse): number {
  return Math.min(CAPABILITIES.length, ...use.capabilities.map((c) => CAPABILITIES.indexOf(c)));
}

function sureness(use: UserUse): number {
  return CERTAINTIES.indexOf(use.certainty);
}

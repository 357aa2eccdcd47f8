import type { IamPrincipal } from "../domain/iam.js";
import type { OpenCondition } from "../iam/use.js";
import type { Statement } from "../policy/ast.js";
import type { Source } from "../semantics/request.js";
import type { KeyUsers, ResponsiblePolicy, UserGroup, UserPath, UserUse } from "../rules/key-users.js";
import { by, whoOf } from "../rules/outsider-assumable-role.js";
import { actionsText, canDo, enumerate, name, quote, sourceText, whoLabel } from "../rules/words.js";
import { conditionText } from "./condition-text.js";

/** Groups, names in a group, ways of one group and paths that the short form shows. */
const SHORT = { groups: 4, names: 3, uses: 2, paths: 3 } as const;
const ALL = { groups: Infinity, names: Infinity, uses: Infinity, paths: Infinity } as const;

/** One part of an explanation: a heading and lines, each inert, with its indentation. */
export interface Section {
  readonly title: string;
  readonly lines: readonly { readonly text: string; readonly indent: string }[];
}

type Line = Section["lines"][number];

/** Who in the account can use the key, and who can get there from outside, in words. */
export function keyUsersLines(
  users: KeyUsers,
  statements: readonly Statement[],
  all: boolean,
): readonly Section[] {
  const most = all ? ALL : SHORT;
  const out: Line[] = [];
  const add = (text: string): void => {
    out.push({ text, indent: "  " });
  };
  if (users.iam === "unreadable") {
    add("Not known: IAM of the account could not be read. Permit iam:GetAccountAuthorizationDetails.");
  } else {
    const can = users.groups.reduce((n, g) => n + g.principals.length, 0);
    const sure = users.root.some((use) => use.certainty === "certain");
    const root = users.root.length > 0 ? `; so ${sure ? "can" : "may"} the root user` : "";
    add(`${can} of the ${users.principals} users and roles that were read${can > 0 ? root : ""}`);
    if (can === 0 && root !== "") add("the root user");
  }
  out.push(...accountLines(users, statements, { all, groups: most.groups }));
  const sections: Section[] = [{ title: `WHO IN ACCOUNT ${users.account} CAN USE IT`, lines: out }];
  if (users.paths.length > 0) {
    const lines = pathLines(users, statements, { all, paths: most.paths });
    sections.push({ title: "OUTSIDERS WHO CAN ASSUME A ROLE THAT CAN USE IT", lines });
  }
  return sections;
}

/** The users and roles of an account, put together by what they can do and through what, and what is not known. */
export function accountLines(
  users: KeyUsers,
  statements: readonly Statement[],
  { all, groups }: { readonly all: boolean; readonly groups: number },
): readonly Line[] {
  const out: Line[] = [];
  for (const group of users.groups.slice(0, groups)) {
    out.push({ text: `- ${whom(group, (all ? ALL : SHORT).names)}`, indent: "  " });
    out.push(...useLines(group.uses, statements, all));
  }
  const left = users.groups.slice(groups).reduce((n, g) => n + g.principals.length, 0);
  if (left > 0) {
    const more = left === 1 ? "1 more user or role" : `${left} more users and roles`;
    out.push({ text: `… and ${more} (--all)`, indent: "  " });
  }
  for (const text of gaps(users)) out.push({ text, indent: "  " });
  return out;
}

/** The ways of outsiders through roles of an account. */
export function pathLines(
  users: KeyUsers,
  statements: readonly Statement[],
  { all, paths }: { readonly all: boolean; readonly paths: number },
): readonly Line[] {
  const out: Line[] = [];
  for (const path of users.paths.slice(0, paths)) {
    out.push({ text: pathText(path), indent: "  " });
    out.push(...useLines(path.uses, statements, all));
  }
  const left = users.paths.length - paths;
  if (left > 0) out.push({ text: `… and ${left} more (--all)`, indent: "  " });
  return out;
}

function useLines(list: readonly UserUse[], statements: readonly Statement[], all: boolean): readonly Line[] {
  const most = (all ? ALL : SHORT).uses;
  const out = list.slice(0, most).flatMap((use): readonly Line[] => [
    { text: doing(use), indent: "    " },
    { text: `by ${through(use, statements)}${conditions(use)}`, indent: "      " },
  ]);
  return list.length > most
    ? [...out, { text: `… and in ${list.length - most} more ways (--all)`, indent: "    " }]
    : out;
}

/** What is not known, each with what it means. */
function gaps(users: KeyUsers): string[] {
  const out: string[] = [];
  if (users.iam === "unknown") out.push("Not all of the account's IAM was read: there may be more of them.");
  if (users.uncertain.length > 0) {
    const who = list(users.uncertain, 3);
    out.push(`Of ${who} something was not read or not understood: they may be able to do more.`);
  }
  if (users.unclearTrust.length > 0) {
    const who = list(users.unclearTrust, 3);
    out.push(`The trust policy of ${who} was not read or not understood: outsiders may get in through it.`);
  }
  if (users.cutChains.length > 0) {
    const who = list(users.cutChains, 3);
    out.push(`Roles that can be assumed from ${who} were not all looked at: longer chains are not shown.`);
  }
  if (users.serviceControl === "unknown") {
    const { unreadOrganization: id } = users;
    out.push(
      `Service control policies${id === undefined ? "" : ` of organization ${name(id)}`} were not all read: one may take this away (scan --organization reads them).`,
    );
  }
  return out;
}

function whom(group: UserGroup, most: number): string {
  return list(group.principals, most);
}

function list(principals: readonly IamPrincipal[], most: number): string {
  const shown = principals.slice(0, most).map((p) => `${p.kind} ${name(p.name)}`);
  const left = principals.length - shown.length;
  return left === 0 ? enumerate(shown) : `${shown.join(", ")} and ${left} more`;
}

function doing(use: UserUse): string {
  const can = canDo(use.capabilities, use.certainty === "possible" ? "possible" : "certain");
  return `${can} (${actionsText(use.actions, 2)})`;
}

/** The key policy's statement or the grant, and the identity policies where it takes them. */
function through(use: UserUse, statements: readonly Statement[]): string {
  const sources = use.sources.flatMap((s) => sourceName(s, statements));
  return enumerate([...sources, ...use.policies.slice(0, 3).map(policyText)]);
}

function sourceName(source: Source, statements: readonly Statement[]): readonly string[] {
  return source.kind === "statement" || source.kind === "grant" ? [sourceText(source, statements)] : [];
}

function policyText(policy: ResponsiblePolicy): string {
  const of = policy.group === undefined ? "" : ` of group ${name(policy.group)}`;
  if (policy.kind === "inline") return `inline policy ${quote(policy.name)}${of}`;
  const [, owner = "", path = policy.name] = /^arn:[^:]+:iam::([^:]*):policy\/(.+)$/.exec(policy.name) ?? [];
  return `${owner === "aws" ? "AWS's" : "managed"} policy ${name(path)}${of}`;
}

function conditions(use: UserUse): string {
  const of = (effect: OpenCondition["effect"]): string =>
    use.conditions
      .filter((c) => c.effect === effect)
      .slice(0, 2)
      .map((c) => conditionText(c.condition))
      .join("; ");
  const [needs, spared] = [of("Allow"), of("Deny")];
  return `${needs === "" ? "" : `, if ${needs}`}${spared === "" ? "" : `, unless denied by ${spared}`}`;
}

function pathText({ outsider, entry, hops, role }: UserPath): string {
  const sure = outsider.certain ? "" : " (possibly)";
  const id = outsider.externalId ? ", external id asked for" : "";
  const where = `statement ${outsider.statement + 1} of its trust policy${id}`;
  const called = (r: IamPrincipal): string =>
    `role ${name(r.name)}${r.account === role.account ? "" : ` of account ${r.account}`}`;
  const on = hops.map((hop) => ` -> ${called(hop.to)}${hop.certain ? "" : " (possibly)"}${by(hop)}`);
  return `- ${whoLabel(whoOf(outsider))} -> ${called(entry)}${sure}, by ${where}${on.join("")} -> the key`;
}

/** The same for the JSON form: users and roles by their ARNs. */
export function keyUsersJson(users: KeyUsers): object {
  return {
    ...users,
    groups: users.groups.map((g) => ({ ...g, principals: g.principals.map((p) => p.arn) })),
    paths: users.paths.map(({ outsider, entry, hops, role, uses }) => ({
      who: whoOf(outsider),
      certain: outsider.certain,
      externalId: outsider.externalId,
      conditions: outsider.conditions,
      role: role.arn,
      path: [
        { role: entry.arn, certain: outsider.certain, trustStatement: outsider.statement },
        ...hops.map((hop) => ({
          role: hop.to.arn,
          certain: hop.certain,
          trustStatement: hop.statement,
          policies: hop.documents.map((d) => d.name),
          conditions: hop.conditions,
        })),
      ],
      trustStatement: outsider.statement,
      uses,
    })),
    uncertain: users.uncertain.map((p) => p.arn),
    unclearTrust: users.unclearTrust.map((p) => p.arn),
    cutChains: users.cutChains.map((p) => p.arn),
  };
}

import { createHash } from "node:crypto";
import type { ExceptionBook } from "../trust/exceptions.js";
import { makeKeyArn } from "../domain/ids.js";
import { CHAIN_LIMITS } from "../iam/chains.js";
import type { ServiceControl } from "../domain/iam.js";
import { inert } from "../domain/inert.js";
import type { Waiver } from "./finding.js";
import type { IamView } from "./iam-view.js";
import type { AllKeysFinding } from "./identity-all-keys.js";
import { allKeysFindings } from "./identity-all-keys.js";
import { compareSeverity } from "./severity.js";

/** A finding about an account's IAM rather than about one key. */
export interface AccountFinding extends AllKeysFinding {
  /** Stable across runs: made of the account, the rule and the policy. */
  readonly id: string;
  readonly waiver: Waiver | null;
}

/** What is known and found about the IAM of one account that has keys. */
export interface AccountReport {
  readonly accountId: string;
  /** `complete`: all users, roles and their policies were read. */
  readonly iam: "complete" | "unreadable" | "unknown";
  readonly users: number;
  readonly roles: number;
  /** Users and roles of which a policy, a group or a boundary was not read or not understood. */
  readonly uncertain: number;
  /** Roles of which the trust policy was not read or not understood. */
  readonly unclearTrust: number;
  /** Roles that somebody outside the zone of trust can assume, whether or not they can use a key. */
  readonly outsiderAssumable: number;
  /** Roles at which the search for chains of roles, from those on, ended because of its bounds. */
  readonly chainsCut: number;
  /** Why it is not known which service control policies bind its users and roles; null: it is known. */
  readonly serviceControlUnread: {
    /** Whose they are; null: it is not known whether the account is in an organization. */
    readonly organization: string | null;
    /** The code with which AWS refused to say that; null: nobody asked. */
    readonly code: string | null;
  } | null;
  /** Worst first. */
  readonly findings: readonly AccountFinding[];
}

/** Sums up the IAM of an account. `region`: one in which the account has keys. */
export function accountReport(
  view: IamView,
  partition: string,
  region: string,
  exceptions: ExceptionBook,
): AccountReport {
  const { principals, state } = view.iam;
  const findings = allKeysFindings(view, partition, region).map((f): AccountFinding => {
    const arn = makeKeyArn({ partition, region, account: view.account, keyId: "any" });
    const found = exceptions.find({
      arn,
      aliases: [],
      rule: f.rule,
      who: [f.policy.name, ...f.holders, view.account],
    });
    return {
      ...f,
      id: findingId(view.account, f),
      waiver:
        found === undefined ? null : { reason: found.reason, owner: found.owner, expires: found.expires },
    };
  });
  return {
    accountId: view.account,
    iam: state.kind,
    users: principals.filter((p) => p.kind === "user").length,
    roles: principals.filter((p) => p.kind === "role").length,
    uncertain: view.analysis.uncertain.length,
    unclearTrust: view.unclearRoles.length,
    outsiderAssumable: view.openRoles.length,
    chainsCut: view.cutChains.length,
    serviceControlUnread: unreadOf(view.analysis.serviceControl),
    findings: findings.sort((a, b) => compareSeverity(a.severity, b.severity)),
  };
}

function unreadOf(control: ServiceControl): AccountReport["serviceControlUnread"] {
  if (control.kind !== "unknown") return null;
  return { organization: control.organization ?? null, code: control.refused ?? null };
}

function findingId(account: string, f: AllKeysFinding): string {
  const whose = f.policy.kind === "managed" ? "" : (f.groups[0] ?? f.holders[0] ?? "");
  const parts = [account, f.rule, f.policy.kind, f.policy.name, whose];
  return createHash("sha256").update(JSON.stringify(parts), "utf8").digest("hex").slice(0, 20);
}

/** What the reader must know beside the verdicts: what IAM does not tell. */
export function accountNotes(reports: readonly AccountReport[]): readonly string[] {
  const some = (kind: AccountReport["iam"]): string[] =>
    reports.filter((r) => r.iam === kind).map((r) => r.accountId);
  const notes: string[] = [];
  const unread = some("unreadable");
  if (unread.length > 0) {
    notes.push(
      `IAM of ${accounts(unread)} could not be read: who there can use keys through IAM policies, and which outsiders can assume roles that can, is not known.`,
    );
  }
  const unknown = some("unknown");
  if (unknown.length > 0) {
    notes.push(
      `IAM of ${accounts(unknown)} was read in part only: there may be more ways to keys through roles.`,
    );
  }
  notes.push(...unreadNotes(reports));
  for (const r of reports.filter((x) => x.chainsCut > 0)) {
    notes.push(
      `In account ${r.accountId}, the search for outsiders who assume one role from another ended at ${r.chainsCut === 1 ? "1 role" : `${r.chainsCut} roles`}: chains of more than ${CHAIN_LIMITS.roles} roles, or in very large accounts some shorter ones, were not followed.`,
    );
  }
  for (const r of reports.filter((x) => x.iam !== "unreadable" && (x.uncertain > 0 || x.unclearTrust > 0))) {
    notes.push(
      `In account ${r.accountId}, policies of ${r.uncertain} users and roles and trust policies of ${r.unclearTrust} roles were not read or not understood.`,
    );
  }
  return notes;
}

/** That service control policies were not read, by the organization, or by the reason why even that is not known. */
function unreadNotes(reports: readonly AccountReport[]): readonly string[] {
  const groups = new Map<string, { readonly ids: string[]; readonly text: (whom: string) => string }>();
  for (const { accountId, serviceControlUnread: unread } of reports) {
    if (unread === null) continue;
    const { organization, code } = unread;
    const text =
      organization !== null
        ? (whom: string) =>
            `Service control policies of organization ${inert(organization)} above ${whom} were not all read, and nothing that they could take away is called certain: keyward scan --organization reads them.`
        : code !== null
          ? (whom: string) =>
              `Whether ${whom} belongs to an organization is not known (organizations:DescribeOrganization: ${inert(code, { max: 80 })}), and nothing that service control policies could take away is called certain: permit the call, or scan with --organization.`
          : undefined;
    if (text === undefined) continue;
    const group = groups.get(text("")) ?? { ids: [], text };
    groups.set(text(""), group);
    group.ids.push(accountId);
  }
  return [...groups.values()].map(({ ids, text }) => text(accounts(ids)));
}

function accounts(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(", ");
  return ids.length === 1
    ? `account ${shown}`
    : `${ids.length} accounts (${shown}${ids.length > 5 ? ", …" : ""})`;
}

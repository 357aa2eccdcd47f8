import { itemsRead } from "../../domain/fetched.js";
import type { OrganizationId } from "../../domain/ids.js";
import type { KeyRecord } from "../../domain/key.js";
import type { Zone } from "../../domain/zone.js";
import { safeJson } from "../../report/json.js";
import { ReportMemo } from "../../report/report-memo.js";
import type { Judge } from "../../report/report-memo.js";
import type { Outline } from "../../report/summary.js";
import { outlineOf } from "../../report/summary.js";
import type { TrustContext } from "../../iam/outsider.js";
import type { AccountReport } from "../../rules/account-report.js";
import { accountReport } from "../../rules/account-report.js";
import { EstateIam } from "../estate-iam.js";
import { parsePolicy } from "../../policy/parse.js";
import { OpinionCache } from "../../rules/cache.js";
import { mayLetIn } from "../../rules/estate-reach.js";
import type { KeyReport } from "../../rules/finding.js";
import type { JudgeContext, Judgement } from "../../rules/judge.js";
import { judgement } from "../../rules/judge.js";
import { opinionOf } from "../../rules/opinion.js";
import { isGranteeGone } from "../../rules/orphaned-principal.js";
import type { RealOrganizations } from "../../rules/real-organization.js";
import { Estate, isEstateLine, keyRecord } from "../../snapshot/key-record.js";
import type {
  AccountLine,
  IdentityLine,
  KeyLine,
  OrganizationLine,
  ResourceControlPolicyLine,
  ServiceControlPolicyLine,
} from "../../snapshot/lines.js";
import type { Config } from "../../trust/config.js";
import { ExceptionBook } from "../../trust/exceptions.js";
import { assumeOwnOrganization, zoneOf } from "../../trust/zone.js";

/** A line about more than one key. */
export type ContextLine =
  | OrganizationLine
  | ResourceControlPolicyLine
  | ServiceControlPolicyLine
  | AccountLine
  | IdentityLine;

const CONTEXT_TYPES: ReadonlySet<string> = new Set<ContextLine["type"]>([
  "organization",
  "resource-control-policy",
  "service-control-policy",
  "account",
  "user",
  "role",
  "group",
  "managed-policy",
]);

/** Whether a line is about more than one key. */
export function isContextLine<T extends { readonly type: string }>(line: T): line is T & ContextLine {
  return CONTEXT_TYPES.has(line.type);
}

/** A Region that every account of a partition has. */
const HOME: Readonly<Record<string, string>> = {
  "aws-cn": "cn-north-1",
  "aws-us-gov": "us-gov-west-1",
};

/** What is said about one key. */
export interface JudgedKey {
  readonly arn: string;
  /** The report as `safeJson` writes it. */
  readonly text: string;
  readonly outline: Outline;
  /** Made of the text where nothing else is at hand. */
  readonly report: () => KeyReport;
  /** Not empty: keyward's two engines disagree about the key. */
  readonly disagreements: readonly string[];
}

/** What judging keys has met beside the keys, since it was last asked for. */
export interface Met {
  /** Keys whose account was taken to be a member of the organization. */
  readonly assumed: readonly (readonly [OrganizationId, number])[];
  /** Exceptions that some finding needed; see `ExceptionBook.needed`. */
  readonly needed: readonly number[];
  /** Keys that let in accounts of which not all of IAM was read, and those accounts. */
  readonly unread: { readonly keys: number; readonly accounts: readonly string[] };
}

/**
 * Judges the keys of estates, one after another. Every line about more than one key must be added before the keys that
 * it concerns. Used by the audit itself and by its threads, each of which has its own.
 */
export class KeyJudge {
  readonly book: ExceptionBook;
  private readonly noExceptions: ExceptionBook;
  /** For keys that no template is used for. */
  private readonly cache = new OpinionCache(512);
  /** Templates take the place of opinions: keeping both would take the memory twice. */
  private readonly controls = new OpinionCache(0);
  private readonly assumed = new Map<OrganizationId, number>();
  private unreadKeys = 0;
  private readonly unreadAccounts = new Set<string>();
  private view = new EstateView();
  private currentZone: Zone;
  private memo: ReportMemo | undefined;
  /** Keys that were analysed; all others have their report from one like them. */
  analysed = 0;

  /**
   * @param now seconds since the epoch
   * @param share false: each key is judged for itself, which takes longer and gives the same
   */
  constructor(
    private readonly config: Config,
    private readonly now: number,
    private readonly share = true,
  ) {
    this.book = new ExceptionBook(config.exceptions, now);
    this.noExceptions = new ExceptionBook([], now);
    this.currentZone = zoneOf(config, []);
  }

  get zone(): Zone {
    return this.currentZone;
  }

  /** A new snapshot begins: nothing is known about its estate. */
  begin(): void {
    this.view = new EstateView();
    this.currentZone = zoneOf(this.config, []);
    this.memo = undefined;
  }

  /** True: the line is about an account of which keys were judged without it. */
  add(line: ContextLine): boolean {
    const late = this.view.add(line);
    // Which organization an account is in decides what its keys are alike to.
    if (line.type === "account" && line.organization !== undefined) this.memo = undefined;
    if (
      line.type !== "organization" &&
      line.type !== "resource-control-policy" &&
      line.type !== "service-control-policy"
    ) {
      return late;
    }
    this.currentZone = zoneOf(this.config, this.view.estate.organizations);
    this.memo = undefined;
    return late;
  }

  /** What is known and found about IAM in the accounts of the estate. */
  accounts(): readonly AccountReport[] {
    return this.view.iam.all(this.trust()).map((view) => {
      const report = accountReport(view, view.partition, HOME[view.partition] ?? "us-east-1", this.book);
      // Everybody's policies were read for it, which of all accounts together would take too much memory.
      view.release();
      return report;
    });
  }

  /** Of the estate: accounts that roles let in and of which not all of IAM was read, and where searches ended. */
  beyond(): {
    readonly accounts: Iterable<string>;
    readonly roles: number;
    readonly cut: number;
  } {
    const { accounts, roles } = this.view.iam.unread(this.trust());
    return { accounts, roles, cut: this.view.iam.reach(this.trust()).cut.length };
  }

  private trust(): TrustContext {
    const { estate } = this.view;
    return {
      zone: this.currentZone,
      organizationOf: estate.organizationOf,
      resourceControlOf: (account) => estate.resourceControlPolicies(account),
    };
  }

  key(line: KeyLine): JudgedKey {
    const record = this.ownOrganization(keyRecord(line, this.view.estate));
    this.lookForUnread(record);
    this.view.iam.trim(record.facts.account);
    const context: JudgeContext = {
      zone: this.currentZone,
      organizationOf: this.view.estate.organizationOf,
      exceptions: this.book,
      now: this.now,
      real: this.view.real,
      iamOf: (account) => this.view.iam.viewOf(account, this.trust()),
      reach: this.view.iam.reach(this.trust()),
      ...(this.share ? { cache: this.cache } : {}),
    };
    if (!this.share || this.isParticular(record)) return this.alone(record, context);
    this.memo ??= new ReportMemo({ zone: this.currentZone, organizationOf: context.organizationOf });
    const found = this.memo.find(record, this.judge(context));
    if (found.kind === "judgement") return judged(found.judgement);
    const { template, names } = found;
    const key = { arn: record.facts.arn, aliases: record.facts.aliases ?? [] };
    // An exception may speak of it: who exactly is meant is looked at finding by finding.
    if (!this.book.empty && [...template.rules].some((rule) => this.book.concerns(key, rule))) {
      return this.alone(record, context);
    }
    const text = template.render(names, record.facts);
    return {
      arn: key.arn,
      text,
      outline: template.outline,
      report: () => JSON.parse(text) as KeyReport,
      disagreements: [],
    };
  }

  /**
   * A key about which more is said than its own documents and facts give: its report is like no other's. Of IAM a report
   * tells roles that outsiders can assume, and grantees that are gone.
   */
  private isParticular(record: KeyRecord): boolean {
    const reach = this.view.iam.reach(this.trust());
    if (reach.waysInto(record.facts.account).length > 0) return true;
    if (reach.accounts.size > 0 && mayLetIn(record, reach.accounts)) return true;
    const view = this.view.iam.viewOf(record.facts.account, this.trust());
    if (view === undefined) return false;
    return itemsRead(record.grants).some((grant) => isGranteeGone(grant, record.facts.account, view));
  }

  /** What was met since the last call. */
  met(): Met {
    const assumed = [...this.assumed];
    this.assumed.clear();
    const unread = { keys: this.unreadKeys, accounts: [...this.unreadAccounts] };
    this.unreadKeys = 0;
    this.unreadAccounts.clear();
    return { assumed, needed: this.book.needed(), unread };
  }

  /** Notes accounts that the key lets in, and of which nobody knows whom their roles let in. */
  private lookForUnread(record: KeyRecord): void {
    const unread = this.view.iam.unread(this.trust());
    if (record.manager === "AWS" || unread.all.size === 0 || !mayLetIn(record, unread.all)) return;
    if (record.policy.kind !== "present") return;
    const { policy } = parsePolicy(record.policy.value, { kind: "key" });
    if (policy === undefined) return;
    const { facts } = record;
    const grants = itemsRead(record.grants);
    const found = unread.ofKey({ facts, policy, grants, resourceControlPolicies: [] });
    if (found.length > 0) this.unreadKeys += 1;
    for (const account of found) this.unreadAccounts.add(account);
  }

  private alone(record: KeyRecord, context: JudgeContext): JudgedKey {
    this.analysed++;
    return judged(judgement(record, opinionOf(record, context), context));
  }

  private judge(context: JudgeContext): Judge {
    return {
      opinion: (record) => {
        this.analysed++;
        return opinionOf(record, { ...context, cache: this.controls });
      },
      judgement: (record, opinion) => judgement(record, opinion, context),
      plain: (record, opinion) => judgement(record, opinion, { exceptions: this.noExceptions }),
    };
  }

  private ownOrganization(record: KeyRecord): KeyRecord {
    const own = assumeOwnOrganization(record.facts, this.currentZone, this.view.estate.listed);
    if (own.assumed === undefined) return record;
    this.assumed.set(own.assumed, (this.assumed.get(own.assumed) ?? 0) + 1);
    return { ...record, facts: own.facts };
  }
}

/** A key about which the two engines disagree is not assessed, whatever either of them says, unless it is exposed. */
function judged({ report, disagreements }: Judgement): JudgedKey {
  const said: KeyReport =
    disagreements.length === 0 || report.verdict === "exposed"
      ? report
      : { ...report, verdict: "not-assessed", exposure: "unknown" };
  return {
    arn: said.arn,
    text: safeJson(said),
    outline: outlineOf(said),
    report: () => said,
    disagreements,
  };
}

/** What the lines of one snapshot say about more than one key. */
class EstateView {
  readonly estate = new Estate();
  readonly iam = new EstateIam(this.estate);
  readonly real: RealOrganizations = {
    treeOf: (organization) => this.estate.treeOf(organization),
    serviceControlOf: (account) => this.iam.serviceControlOf(account),
  };

  add(line: ContextLine): boolean {
    if (isEstateLine(line)) this.estate.add(line);
    return line.type !== "resource-control-policy" && this.iam.add(line) !== undefined;
  }
}

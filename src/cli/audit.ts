import type { OrganizationId } from "../domain/ids.js";
import { JsonReport, keyMember, safeJson } from "../report/json.js";
import type { ReportTail } from "../report/json.js";
import type { ConfigurationFinding, Incomplete } from "../report/summary.js";
import { Counter } from "../report/summary.js";
import type { Outline } from "../report/summary.js";
import { TableReport } from "../report/table.js";
import type { AccountReport } from "../rules/account-report.js";
import { accountNotes } from "../rules/account-report.js";
import { exceptionNotices } from "../rules/exceptions.js";
import type { KeyReport } from "../rules/finding.js";
import { waiverFor } from "../rules/judge.js";
import { readAgain } from "../rules/not-assessed.js";
import { cutNotes, unreadNotes } from "../rules/unread-accounts.js";
import { isMultiRegion } from "../rules/sibling-open.js";
import { coverageGaps, coverageNotes, disabledRegions } from "../snapshot/coverage.js";
import type { IncompleteLine, KeyLine } from "../snapshot/lines.js";
import type { Config } from "../trust/config.js";
import type { Io } from "./command.js";
import type { JudgedKeys } from "./estate/batch.js";
import { failsOn, failsOnSeverity } from "./estate/fails.js";
import type { JudgedKey, Met } from "./estate/key-judge.js";
import { KeyJudge } from "./estate/key-judge.js";
import type { UnseenSibling } from "./estate/multi-region.js";
import { MultiRegionKeys } from "./estate/multi-region.js";
import type { AuditLine } from "./estate/read-judged.js";
import { EXIT, type ExitCode } from "./exit.js";
import type { CommonOptions } from "./options.js";
import { wantsColor } from "./options.js";
import { openOutput } from "./output.js";
import type { Output } from "./output.js";
import { toolVersion } from "./version.js";

/** How an audit is run and where its result goes. */
export interface AuditOptions {
  readonly io: Io;
  readonly common: CommonOptions;
  /** The zone of trust and the exceptions: see `loadConfigFile` in config-file.ts. */
  readonly config: Config;
  /**
   * Sentences about the input that belong with the result ("grants were not part of the files"). Asked for at the end.
   */
  readonly notes?: () => readonly string[];
  /** The file that a key was read from, where the user knows the file better than the ARN. */
  readonly fileOf?: (line: KeyLine) => string | undefined;
  /** Called for each key when it has been judged, e.g. to move a progress bar. */
  readonly onKey?: (report: KeyReport) => void;
  /** False: every key is analysed for itself. Takes longer and gives the same; tests hold it to that. */
  readonly share?: boolean;
}

/**
 * Judges every key of a stream of snapshot lines and writes the result (table or JSON, to stdout or `--output`).
 *
 * Lines are taken as they come and not kept. `organization` and `resource-control-policy` lines must come before the
 * keys that they concern; one that comes later makes the audit incomplete. Multi-Region keys are kept until the end,
 * because what one of them is worth depends on its siblings. A `snapshot` line starts a new estate.
 *
 * The exit code is returned, `io.exit` is left to the caller. What `lines` throws is thrown on, and no output file is
 * left behind then.
 */
export async function audit(lines: AsyncIterable<AuditLine>, options: AuditOptions): Promise<ExitCode> {
  const output = await openOutput(options.common.output, options.io);
  try {
    const run = new Audit(options, output);
    const code = await run.all(lines);
    await output.finish();
    return code;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** Gaps that are listed one by one; more are counted. */
const LISTED_GAPS = 10_000;

class Audit {
  private readonly now: number;
  private readonly judge: KeyJudge;
  private readonly counter = new Counter();
  private readonly json: JsonReport | undefined;
  private readonly table: TableReport | undefined;
  private readonly incomplete: Incomplete[] = [];
  /** Regions that accounts have not enabled: told beside the gaps, and no reason to end as incomplete. */
  private readonly disabled: Incomplete[] = [];
  private gaps = 0;
  /** What scans say about what they did not read. */
  private readonly coverage: string[] = [];
  private readonly multiRegion = new MultiRegionKeys();
  /** Keys whose account was taken to be a member of the organization. */
  private readonly assumed = new Map<OrganizationId, number>();
  private readonly accounts: AccountReport[] = [];
  /** Keys and roles that let in accounts of which not all of IAM was read. */
  private readonly unread = { keys: 0, roles: 0, accounts: new Set<string>() };
  /** Roles at which the search for ways through several accounts ended. */
  private cut = 0;
  private disagreements = 0;
  private failed = false;
  private unknown = false;
  private hasKeys = false;

  constructor(
    private readonly options: AuditOptions,
    private readonly output: Output,
  ) {
    this.now = Math.floor(options.io.now() / 1000);
    this.judge = new KeyJudge(options.config, this.now, options.share);
    if (options.common.format === "json") this.json = new JsonReport();
    else this.table = new TableReport();
  }

  async all(lines: AsyncIterable<AuditLine>): Promise<ExitCode> {
    const generatedAt = new Date(this.now * 1000).toISOString().replace(".000Z", "Z");
    if (this.json !== undefined) {
      await this.output.write(this.json.head({ version: toolVersion(), generatedAt }));
    }
    for await (const line of lines) await this.line(line);
    await this.siblings();
    for (const sibling of this.multiRegion.unseen()) this.gap(unseenSibling(sibling));
    this.leaveEstate();
    this.meet(this.judge.met());
    await this.tail();
    return this.exitCode();
  }

  private async line(line: AuditLine): Promise<void> {
    switch (line.type) {
      case "snapshot":
        this.hasKeys = false;
        this.leaveEstate();
        this.judge.begin();
        return;
      case "organization":
      case "resource-control-policy":
        if (this.hasKeys) this.gap(lateLine(line.type === "organization" ? line.id : line.target));
        this.judge.add(line);
        return;
      case "incomplete":
        this.gap(line);
        return;
      case "service-control-policy":
      case "account":
      case "user":
      case "role":
      case "group":
      case "managed-policy":
        if (this.judge.add(line)) this.gap(lateLine(line.type === "account" ? line.id : "IAM"));
        return;
      // Of use to a scan that is resumed; whether everything was read stands elsewhere.
      case "region":
        return;
      case "coverage":
        this.coverage.push(...coverageNotes(line));
        for (const gap of coverageGaps(line)) this.gap(gap);
        this.disabled.push(...disabledRegions(line).slice(0, LISTED_GAPS).map(listedGap));
        return;
      case "key":
        this.hasKeys = true;
        await this.key(line);
        return;
      case "judged":
        this.hasKeys = true;
        await this.judged(line.keys);
    }
  }

  /** Sums up the accounts of the estate that ends here. */
  private leaveEstate(): void {
    const beyond = this.judge.beyond();
    for (const account of beyond.accounts) this.unread.accounts.add(account);
    this.unread.roles += beyond.roles;
    this.cut += beyond.cut;
    for (const report of this.judge.accounts()) {
      this.accounts.push(report);
      const open = report.findings.filter((f) => f.waiver === null);
      if (open.some((f) => failsOnSeverity(f.severity, this.options.common.failOn))) this.failed = true;
    }
  }

  private async key(line: KeyLine): Promise<void> {
    const key = this.judge.key(line);
    if (key.disagreements.length > 0) this.disagree(key.arn, key.disagreements);
    const file = this.options.fileOf?.(line);
    if (isMultiRegion(key.arn)) {
      this.multiRegion.add({ ...key, file, related: line.relatedKeys ?? [] });
    } else await this.deliver(key, file);
  }

  /** Keys that were judged by others: only what concerns more than one of them is left to do. */
  private async judged(keys: JudgedKeys): Promise<void> {
    for (const { arn, texts } of keys.disagreements) this.disagree(arn, texts);
    for (const key of keys.multiRegion) this.multiRegion.add(key);
    this.counter.addCounts(keys.counts);
    this.failed ||= keys.failed;
    this.unknown ||= keys.unknown;
    this.meet(keys.met);
    if (this.json !== undefined) await this.output.write(this.json.keys(keys.members));
  }

  private meet({ assumed, needed, unread }: Met): void {
    this.unread.keys += unread.keys;
    for (const account of unread.accounts) this.unread.accounts.add(account);
    for (const [organization, keys] of assumed) {
      this.assumed.set(organization, (this.assumed.get(organization) ?? 0) + keys);
    }
    this.judge.book.markNeeded(needed);
  }

  private disagree(arn: string, texts: readonly string[]): void {
    this.disagreements++;
    const { stderr } = this.options.io;
    stderr.write(`keyward: its two engines disagree about ${arn}; please report it:\n`);
    for (const text of texts) stderr.write(`  ${text}\n`);
  }

  private async siblings(): Promise<void> {
    const { book } = this.judge;
    for (const key of this.multiRegion.finished((report, draft) => waiverFor(draft, report, book))) {
      await this.deliver({ ...key, report: () => JSON.parse(key.text) as KeyReport }, key.file);
    }
  }

  private async deliver(
    key: Pick<JudgedKey, "text" | "report"> & { readonly outline: Outline },
    file: string | undefined,
  ): Promise<void> {
    const { outline } = key;
    this.counter.addOutline(outline);
    if (failsOn(outline, this.options.common.failOn)) this.failed = true;
    if (outline.openVerdict === "not-assessed") this.unknown = true;
    // A table shows no clear keys, and most are.
    if (this.table !== undefined && outline.verdict !== "clear") {
      this.table.add({ report: key.report(), file });
    }
    if (this.json !== undefined) {
      const text = file === undefined ? key.text : `${key.text.slice(0, -1)},"file":${safeJson(file)}}`;
      await this.output.write(this.json.keys(keyMember(text)));
    }
    this.options.onKey?.(key.report());
  }

  private gap(line: IncompleteLine): void {
    this.gaps++;
    if (this.incomplete.length >= LISTED_GAPS) return;
    this.incomplete.push(listedGap(line));
  }

  private async tail(): Promise<void> {
    const { io, common } = this.options;
    const tail: ReportTail = {
      summary: this.counter.summary(this.gaps),
      incomplete: this.incomplete,
      disabled: this.disabled,
      configurationFindings: exceptionNotices(this.judge.book).map(configurationFinding),
      notes: this.notes(),
      accounts: this.accounts,
      zone: this.judge.zone,
    };
    if (tail.configurationFindings.some((f) => failsOnSeverity(f.severity, common.failOn)))
      this.failed = true;
    if (this.json !== undefined) await this.output.write(this.json.tail(tail));
    if (this.table !== undefined) {
      const width = Math.min(Math.max(io.stdout.columns ?? 80, 40), 120);
      const text = this.table.render(tail, {
        width: common.output === undefined ? width : 80,
        color: wantsColor(common, io),
      });
      await this.output.write(text);
    }
  }

  private notes(): string[] {
    const notes = [...(this.options.notes?.() ?? []), ...this.coverage, ...accountNotes(this.accounts)];
    const { accounts, keys: unreadKeys, roles } = this.unread;
    notes.push(...unreadNotes(accounts, unreadKeys, roles), ...cutNotes(this.cut));
    for (const [organization, keys] of this.assumed) {
      notes.push(
        `The account of ${keys === 1 ? "1 key" : `${keys} keys`} was taken to be a member of ${organization}, the only organization of the zone of trust: nothing else is known about it.`,
      );
    }
    if (this.options.config.where === undefined) {
      notes.push("There is no keyward.yaml: nobody is trusted but each key's own account.");
    }
    if (this.gaps > this.incomplete.length) {
      notes.push(`${this.gaps - this.incomplete.length} further gaps are counted, but not listed.`);
    }
    return notes;
  }

  private exitCode(): ExitCode {
    if (this.disagreements > 0) return EXIT.disagreement;
    if (this.failed) return EXIT.exposed;
    return this.unknown || this.gaps > 0 ? EXIT.incomplete : EXIT.clear;
  }
}

function listedGap({ where, call, code, help, message }: IncompleteLine): Incomplete {
  return { where, call, code, help: help ?? message ?? readAgain(code, call) };
}

/** A member of a multi-Region family that is not in what was read: its Region was left out, or could not be listed. */
function unseenSibling({ arn, of }: UnseenSibling): IncompleteLine {
  const region = arn.split(":")[3] ?? "";
  return {
    type: "incomplete",
    where: arn,
    call: "kms:ListKeys",
    code: "SiblingNotSeen",
    help: `This key has the same key material as ${of}, so whoever may use it reads the same data, and it was not read: scan ${region} as well (--region ${region}), with kms:ListKeys permitted there.`,
  };
}

function lateLine(what: string): IncompleteLine {
  return {
    type: "incomplete",
    where: what,
    call: "read",
    code: "LateLine",
    help: "Put the lines about organizations, accounts and IAM before the keys: keys before this line were judged without it.",
  };
}

function configurationFinding(notice: ReturnType<typeof exceptionNotices>[number]): ConfigurationFinding {
  const { rule, severity, exception: e, reason, remedy } = notice;
  return {
    rule,
    severity,
    where: e.where,
    exception: { key: e.key, rule: e.rule, who: e.who ?? null, owner: e.owner, expires: e.expires },
    reason,
    remedy,
  };
}

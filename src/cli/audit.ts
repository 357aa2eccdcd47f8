import type { OrganizationId } from "../domain/ids.js";
import { parseOrganizationId } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import { SEVERITIES, VERDICTS } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import { JsonReport } from "../report/json.js";
import type { ReportTail } from "../report/json.js";
import type { ConfigurationFinding, Incomplete } from "../report/summary.js";
import { Counter, openSeverity, openVerdict } from "../report/summary.js";
import { TableReport } from "../report/table.js";
import { OpinionCache } from "../rules/cache.js";
import { exceptionNotices } from "../rules/exceptions.js";
import type { Finding, KeyReport } from "../rules/finding.js";
import { judgeKey, waiverFor } from "../rules/judge.js";
import type { Judgement } from "../rules/judge.js";
import { readAgain } from "../rules/not-assessed.js";
import { isMultiRegion, withSiblings } from "../rules/sibling-open.js";
import { coverageNotes } from "../snapshot/coverage.js";
import { Estate, keyRecord } from "../snapshot/key-record.js";
import type { IncompleteLine, KeyLine, OrganizationLine, SnapshotLine } from "../snapshot/lines.js";
import type { Config } from "../trust/config.js";
import { ExceptionBook } from "../trust/exceptions.js";
import { assumeOwnOrganization, zoneOf } from "../trust/zone.js";
import type { Io } from "./command.js";
import { EXIT, type ExitCode } from "./exit.js";
import type { CommonOptions, FailOn } from "./options.js";
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
export async function audit(lines: AsyncIterable<SnapshotLine>, options: AuditOptions): Promise<ExitCode> {
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
  private readonly book: ExceptionBook;
  private readonly counter = new Counter();
  private readonly json: JsonReport | undefined;
  private readonly table: TableReport | undefined;
  private readonly cache = new OpinionCache();
  private readonly incomplete: Incomplete[] = [];
  private gaps = 0;
  /** What scans say about what they did not read. */
  private readonly coverage: string[] = [];
  private readonly multiRegion: { readonly report: KeyReport; readonly file: string | undefined }[] = [];
  /** Keys whose account was taken to be a member of the organization. */
  private readonly assumed = new Map<OrganizationId, number>();
  private disagreements = 0;
  private failed = false;
  private unknown = false;
  private estate = new EstateView();
  private zone: Zone;

  constructor(
    private readonly options: AuditOptions,
    private readonly output: Output,
  ) {
    this.now = Math.floor(options.io.now() / 1000);
    this.book = new ExceptionBook(options.config.exceptions, this.now);
    this.zone = zoneOf(options.config, []);
    if (options.common.format === "json") this.json = new JsonReport();
    else this.table = new TableReport();
  }

  async all(lines: AsyncIterable<SnapshotLine>): Promise<ExitCode> {
    const generatedAt = new Date(this.now * 1000).toISOString().replace(".000Z", "Z");
    if (this.json !== undefined) {
      await this.output.write(this.json.head({ version: toolVersion(), generatedAt }));
    }
    for await (const line of lines) await this.line(line);
    await this.siblings();
    await this.tail();
    return this.exitCode();
  }

  private async line(line: SnapshotLine): Promise<void> {
    switch (line.type) {
      case "snapshot":
        this.estate = new EstateView();
        this.zone = zoneOf(this.options.config, []);
        return;
      case "organization":
      case "resource-control-policy":
        if (this.estate.hasKeys) this.gap(lateLine(line.type === "organization" ? line.id : line.target));
        this.estate.add(line);
        this.zone = zoneOf(this.options.config, this.estate.organizations);
        return;
      case "incomplete":
        this.gap(line);
        return;
      // They say what principals of accounts may do; the access matrix of a key does not rest on them.
      case "service-control-policy":
      case "account":
      case "user":
      case "role":
      case "group":
      case "managed-policy":
        return;
      // Of use to a scan that is resumed; whether everything was read stands elsewhere.
      case "region":
        return;
      case "coverage":
        this.coverage.push(...coverageNotes(line));
        return;
      case "key":
        this.estate.hasKeys = true;
        await this.key(line);
    }
  }

  private async key(line: KeyLine): Promise<void> {
    const record = this.ownOrganization(keyRecord(line, this.estate.estate));
    const judgement = judgeKey(record, {
      zone: this.zone,
      organizationOf: this.estate.estate.organizationOf,
      exceptions: this.book,
      now: this.now,
      cache: this.cache,
    });
    const report = this.checked(judgement);
    const file = this.options.fileOf?.(line);
    if (isMultiRegion(report.arn)) this.multiRegion.push({ report, file });
    else await this.deliver(report, file);
  }

  private ownOrganization(record: KeyRecord): KeyRecord {
    const own = assumeOwnOrganization(record.facts, this.zone, this.estate.listed);
    if (own.assumed === undefined) return record;
    this.assumed.set(own.assumed, (this.assumed.get(own.assumed) ?? 0) + 1);
    return { ...record, facts: own.facts };
  }

  /** A key about which the two engines disagree is not assessed, whatever either of them says, unless it is exposed. */
  private checked({ report, disagreements }: Judgement): KeyReport {
    if (disagreements.length === 0) return report;
    this.disagreements++;
    const { stderr } = this.options.io;
    stderr.write(`keyward: its two engines disagree about ${report.arn}; please report it:\n`);
    for (const text of disagreements) stderr.write(`  ${text}\n`);
    return report.verdict === "exposed"
      ? report
      : { ...report, verdict: "not-assessed", exposure: "unknown" };
  }

  private async siblings(): Promise<void> {
    const reports = withSiblings(
      this.multiRegion.map((m) => m.report),
      (report, draft) => waiverFor(draft, report, this.book),
    );
    for (const [i, report] of reports.entries()) await this.deliver(report, this.multiRegion[i]?.file);
  }

  private async deliver(report: KeyReport, file: string | undefined): Promise<void> {
    this.counter.add(report);
    if (fails(report, this.options.common.failOn)) this.failed = true;
    if (openVerdict(report) === "not-assessed") this.unknown = true;
    this.table?.add({ report, file });
    if (this.json !== undefined) {
      await this.output.write(this.json.key(file === undefined ? report : { ...report, file }));
    }
    this.options.onKey?.(report);
  }

  private gap(line: IncompleteLine): void {
    this.gaps++;
    if (this.incomplete.length >= LISTED_GAPS) return;
    this.incomplete.push({
      where: line.where,
      call: line.call,
      code: line.code,
      help: line.help ?? (line.message === undefined ? readAgain(line.code, line.call) : line.message),
    });
  }

  private async tail(): Promise<void> {
    const { io, common } = this.options;
    const tail: ReportTail = {
      summary: this.counter.summary(this.gaps),
      incomplete: this.incomplete,
      configurationFindings: exceptionNotices(this.book).map(configurationFinding),
      notes: this.notes(),
      zone: this.zone,
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
    const notes = [...(this.options.notes?.() ?? []), ...this.coverage];
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

/** What the lines of one snapshot say about more than one key. */
class EstateView {
  readonly estate = new Estate();
  readonly organizations: OrganizationId[] = [];
  /** Organizations whose accounts are listed. */
  readonly listed = new Set<OrganizationId>();
  hasKeys = false;

  add(line: Extract<SnapshotLine, { type: "organization" | "resource-control-policy" }>): void {
    this.estate.add(line);
    if (line.type === "organization") this.organization(line);
  }

  private organization(line: OrganizationLine): void {
    const id = parseOrganizationId(line.id);
    if (id === undefined) return;
    this.organizations.push(id);
    if (line.accounts !== undefined) this.listed.add(id);
  }
}

function lateLine(what: string): IncompleteLine {
  return {
    type: "incomplete",
    where: what,
    call: "read",
    code: "LateLine",
    help: "Put organization and resource-control-policy lines before the keys: keys before this line were judged without it.",
  };
}

/** Whether a key fails a run: waived findings set aside. */
function fails(report: KeyReport, failOn: FailOn): boolean {
  switch (failOn) {
    case "never":
      return false;
    case "exposed":
    case "weak":
    case "not-assessed":
      return VERDICTS.indexOf(openVerdict(report)) <= VERDICTS.indexOf(failOn);
    default: {
      const severity = openSeverity(report);
      return severity !== undefined && failsOnSeverity(severity, failOn);
    }
  }
}

function failsOnSeverity(severity: Finding["severity"], failOn: FailOn): boolean {
  const limit = SEVERITIES.findIndex((s) => s === failOn);
  return limit >= 0 && SEVERITIES.indexOf(severity) <= limit;
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

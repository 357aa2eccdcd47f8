import type { RuleId } from "../domain/rule-id.js";
import type { Severity, Verdict } from "../domain/verdict.js";
import { SEVERITIES, VERDICTS, VERDICT_OF_EXPOSURE } from "../domain/verdict.js";
import type { KeyReport } from "../rules/finding.js";
import { weakens } from "../rules/severity.js";

/** The counts of an audit. `keys` is the sum of exposed, weak, clear and notAssessed. */
export interface Summary {
  readonly keys: number;
  readonly exposed: number;
  readonly weak: number;
  readonly clear: number;
  readonly notAssessed: number;
  /** Findings that an exception covers. Their keys are counted by their verdict all the same. */
  readonly waived: number;
  /** Keys of which nothing is left when waived findings are set aside. */
  readonly waivedKeys: number;
  /** Things that could not be read; the list `incomplete` names them, and after them Regions that are not enabled. */
  readonly gaps: number;
  /** Findings that no exception covers. */
  readonly findings: Readonly<Record<Severity, number>>;
}

/** Something that was asked for and could not be had. */
export interface Incomplete {
  readonly where: string;
  readonly call: string;
  readonly code: string;
  /** What to do about it. */
  readonly help: string;
}

/** A finding about an exception of keyward.yaml rather than about a key. */
export interface ConfigurationFinding {
  readonly rule: Extract<RuleId, "expired-exception" | "unused-exception">;
  readonly severity: Severity;
  /** File, line and column. */
  readonly where: string;
  readonly exception: {
    readonly key: string;
    readonly rule: RuleId;
    readonly who: string | null;
    readonly owner: string;
    readonly expires: string;
  };
  readonly reason: string;
  readonly remedy: string;
}

/** What counts of a report, once for all keys with the same. */
export interface Outline {
  readonly verdict: Verdict;
  readonly exposure: KeyReport["exposure"];
  /** See {@link openVerdict}. */
  readonly openVerdict: Verdict;
  /** See {@link openSeverity}. */
  readonly openSeverity: Severity | undefined;
  readonly waivedKey: boolean;
  /** Findings that an exception covers. */
  readonly waived: number;
  /** Severities of the findings that no exception covers. */
  readonly open: readonly Severity[];
}

export function outlineOf(report: KeyReport): Outline {
  const open = report.findings.filter((f) => f.waiver === null).map((f) => f.severity);
  return {
    verdict: report.verdict,
    exposure: report.exposure,
    openVerdict: openVerdict(report),
    openSeverity: openSeverity(report),
    waivedKey: report.waived,
    waived: report.findings.length - open.length,
    open,
  };
}

/** What a {@link Counter} has counted, to be handed over between threads. */
export interface Counts {
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly severities: Readonly<Record<Severity, number>>;
  readonly waived: number;
  readonly waivedKeys: number;
}

/** Counts keys as they come. */
export class Counter {
  private readonly verdicts: Record<Verdict, number> = { exposed: 0, weak: 0, "not-assessed": 0, clear: 0 };
  private readonly severities: Record<Severity, number> = {
    critical: 0,
    high: 0,
    medium: 0,
    low: 0,
    info: 0,
  };
  private waived = 0;
  private waivedKeys = 0;

  add(report: KeyReport): void {
    this.addOutline(outlineOf(report));
  }

  addOutline(outline: Outline): void {
    this.verdicts[outline.verdict]++;
    if (outline.waivedKey) this.waivedKeys++;
    this.waived += outline.waived;
    for (const severity of outline.open) this.severities[severity]++;
  }

  counts(): Counts {
    const { verdicts, severities, waived, waivedKeys } = this;
    return { verdicts: { ...verdicts }, severities: { ...severities }, waived, waivedKeys };
  }

  addCounts(counts: Counts): void {
    for (const v of VERDICTS) this.verdicts[v] += counts.verdicts[v];
    for (const s of SEVERITIES) this.severities[s] += counts.severities[s];
    this.waived += counts.waived;
    this.waivedKeys += counts.waivedKeys;
  }

  /** @param gaps things that could not be read */
  summary(gaps: number): Summary {
    const v = this.verdicts;
    return {
      keys: v.exposed + v.weak + v.clear + v["not-assessed"],
      exposed: v.exposed,
      weak: v.weak,
      clear: v.clear,
      notAssessed: v["not-assessed"],
      waived: this.waived,
      waivedKeys: this.waivedKeys,
      gaps,
      findings: { ...this.severities },
    };
  }
}

/**
 * The verdict on a key with waived findings set aside: what a run fails on. Nothing is left of a key whose findings
 * are all waived.
 */
export function openVerdict(report: KeyReport): Verdict {
  const open = report.findings.filter((f) => f.waiver === null);
  switch (report.verdict) {
    case "clear":
      return "clear";
    case "exposed":
    case "not-assessed": {
      const same = (f: { readonly exposure: KeyReport["exposure"] }): boolean =>
        VERDICT_OF_EXPOSURE[f.exposure] === report.verdict;
      // A verdict that no finding explains cannot be waived.
      if (open.some(same) || !report.findings.some(same)) return report.verdict;
      break;
    }
    case "weak":
      break;
  }
  if (open.some((f) => VERDICT_OF_EXPOSURE[f.exposure] === "exposed")) return "exposed";
  if (open.some((f) => f.exposure === "unknown")) return "not-assessed";
  return open.some((f) => weakens(f.severity)) ? "weak" : "clear";
}

/** The worst severity of the findings that no exception covers. */
export function openSeverity(report: KeyReport): Severity | undefined {
  return SEVERITIES.find((s) => report.findings.some((f) => f.waiver === null && f.severity === s));
}

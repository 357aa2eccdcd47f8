import type { Severity } from "../../domain/verdict.js";
import { SEVERITIES, VERDICTS } from "../../domain/verdict.js";
import type { Outline } from "../../report/summary.js";
import type { FailOn } from "../options.js";

/** Whether a key fails a run: waived findings set aside. */
export function failsOn(outline: Outline, failOn: FailOn): boolean {
  switch (failOn) {
    case "never":
      return false;
    case "exposed":
    case "weak":
    case "not-assessed":
      return VERDICTS.indexOf(outline.openVerdict) <= VERDICTS.indexOf(failOn);
    default:
      return outline.openSeverity !== undefined && failsOnSeverity(outline.openSeverity, failOn);
  }
}

/** Whether a finding of this severity fails a run. */
export function failsOnSeverity(severity: Severity, failOn: FailOn): boolean {
  const limit = SEVERITIES.findIndex((s) => s === failOn);
  return limit >= 0 && SEVERITIES.indexOf(severity) <= limit;
}

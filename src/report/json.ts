import type { Zone } from "../domain/zone.js";
import type { AccountReport } from "../rules/account-report.js";
import type { KeyReport } from "../rules/finding.js";
import { CONTROL, REPORT_SCHEMA } from "./control.js";
import type { ConfigurationFinding, Incomplete, Summary } from "./summary.js";

/** What is known before the first key. */
export interface ReportHead {
  readonly version: string;
  /** RFC 3339, UTC. */
  readonly generatedAt: string;
}

/** What is known after the last key. */
export interface ReportTail {
  readonly summary: Summary;
  readonly incomplete: readonly Incomplete[];
  /** Regions that accounts have not enabled: listed beside the gaps, and none themselves. */
  readonly disabled?: readonly Incomplete[];
  readonly configurationFindings: readonly ConfigurationFinding[];
  readonly notes: readonly string[];
  /** IAM of the accounts that have keys, where the data has it. */
  readonly accounts?: readonly AccountReport[];
  /** The zone of trust that was judged by. */
  readonly zone: Zone;
}

/**
 * The JSON report in pieces: `head`, one `key` after another, `tail`. No more than one key is in memory. One key
 * stands on one line, so that line-oriented tools can work with the report.
 */
export class JsonReport {
  private first = true;

  head(head: ReportHead): string {
    const members = [
      `"schema": ${safeJson(REPORT_SCHEMA)}`,
      `"tool": ${safeJson({ name: "keyward", version: head.version })}`,
      `"generatedAt": ${safeJson(head.generatedAt)}`,
      `"control": ${safeJson(CONTROL)}`,
    ];
    return `{\n${members.map((m) => `  ${m},\n`).join("")}  "keys": [`;
  }

  key(report: KeyReport): string {
    return this.keys<string>(keyMember(safeJson(report)));
  }

  /** Several keys, each as {@link keyMember} gives it; bytes are its UTF-8. */
  keys<T extends string | Uint8Array>(members: T): T {
    if (members.length === 0 || !this.first) return members;
    this.first = false;
    // Without the comma. The cast: slicing gives the same type.
    return (typeof members === "string" ? members.slice(1) : members.subarray(1)) as T;
  }

  tail(tail: ReportTail): string {
    const members = [
      `"accounts": ${list(tail.accounts ?? [])}`,
      `"configurationFindings": ${list(tail.configurationFindings)}`,
      `"notes": ${list(tail.notes)}`,
      `"zone": ${safeJson(tail.zone)}`,
      `"summary": ${safeJson(tail.summary)}`,
      `"incomplete": ${list([...tail.incomplete, ...(tail.disabled ?? [])])}`,
    ];
    return `${this.first ? "" : "\n  "}],\n${members.map((m) => `  ${m}`).join(",\n")}\n}\n`;
  }
}

/** One key of the list `keys`, of the text that {@link safeJson} gives of its report. */
export function keyMember(text: string): string {
  return `,\n    ${text}`;
}

function list(items: readonly unknown[]): string {
  if (items.length === 0) return "[]";
  return `[\n${items.map((item) => `    ${safeJson(item)}`).join(",\n")}\n  ]`;
}

/** What a terminal acts on, or a reader does not see: escaped, so that the JSON is the same and `cat` is safe. */
const UNSAFE = /[\u007f-\u009f\u00ad\p{Zl}\p{Zp}\p{Cf}\p{Co}\p{Cn}]/gu;

/** What nearly all text is made of, told quickly. */
const PLAIN = /^[\x20-\x7e]*$/;

/** JSON text of a value, with nothing in it but printable characters. */
export function safeJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (PLAIN.test(text)) return text;
  return text.replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      const unit = character.charCodeAt(i).toString(16).padStart(4, "0");
      return `\\u${unit}`;
    }).join(""),
  );
}

import { inert, printable } from "../domain/inert.js";
import { countedFromOne } from "../rules/words.js";
import { policyAnswerText, type PolicyAnswer, policyName } from "./policy-answers.js";
import type { Simulation } from "./simulate.js";
import { wrap } from "./wrap.js";

/** One answer in words. */
export function simulationText(s: Simulation, width: number): string {
  const out: string[] = [];
  /** What does not fit goes on two columns further in. */
  const add = (text: string, indent = "", hang = indent === "" ? "" : `${indent}  `): void => {
    for (const [i, line] of wrap(text, Math.max(30, width - hang.length)).entries()) {
      out.push((i === 0 ? indent : hang) + line);
    }
  };
  add(`${s.decision.toUpperCase()}  ${s.reason}`);
  add(inert(s.key));
  out.push("", "TRACE");
  const told = new Set<string>(s.policies.map((p) => p.kind));
  const controls = s.policies.filter((p) => p.kind === "resource-control-policy");
  for (const t of s.trace) {
    const { source } = t;
    if (t.rule === "decision" || t.rule === "kms") for (const l of policyLines(s.policies)) add(l, "  ");
    // What the caller's policies deny is told by name.
    if (t.rule !== "resource-control-policy" && told.has(t.rule)) continue;
    const of = source?.kind === "resource-control-policy" ? controls[source.policy] : undefined;
    const where = of === undefined ? "" : `${policyName(of)}: `;
    const conditions =
      source?.kind === "statement" && t.rule === "key-policy" && !/it does not name/.test(t.text)
        ? (s.statements.find((a) => a.index === source.index)?.conditions ?? [])
        : [];
    const text = conditions.length > 0 ? t.text.replace(CONDITION, "$1") : t.text;
    add(`${t.outcome}: ${where}${inert(countedFromOne(text))}`, "  ");
    for (const c of conditions) add(`${MARK[c.holds]}: ${inert(c.text)}`, "      ");
  }
  if (s.change.length > 0) {
    out.push("", "WHAT TO CHANGE FOR THE OPPOSITE RESULT");
    for (const c of s.change) add(`- ${printable(c)}`, "  ");
  }
  if (s.doubts.length > 0) {
    out.push("", "NOT CERTAIN");
    for (const d of s.doubts) add(`${d.id}: ${d.text}`, "  ");
  }
  for (const n of s.notes) {
    out.push("");
    add(`Note: ${printable(n)}`);
  }
  return `${out.join("\n")}\n`;
}

/** The condition at the end of a step: each stands in a line of its own below it. */
const CONDITION = /(: a condition (?:does not|may or may not) hold): .*$/s;

const MARK = { yes: "holds", no: "does not hold", doubtful: "not certain" } as const;

/** The policies of the caller's side that say something, and those that limit by their silence. */
function policyLines(all: readonly PolicyAnswer[]): string[] {
  const policies = all.filter((p) => p.kind !== "resource-control-policy");
  const silent = policies.filter((p) => p.says === "nothing");
  const telling = policies.filter((p) => p.says !== "nothing" || LIMITS.has(p.kind));
  const quiet = silent.filter((p) => p.kind === "identity").length;
  return [
    ...telling.map((p) =>
      p.says === "nothing"
        ? `says nothing: ${policyName(p)}`
        : `${p.says === "doubtful" ? "not certain" : p.says}: ${policyAnswerText(p)}`,
    ),
    ...(quiet > 0
      ? [`say nothing: ${quiet} ${quiet === 1 ? "identity policy" : "identity policies"} of the caller`]
      : []),
  ];
}

/** What these do not allow they take away. */
const LIMITS: ReadonlySet<PolicyAnswer["kind"]> = new Set(["boundary", "session-policy"]);

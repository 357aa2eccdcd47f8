import { actionsFor, permissionOf } from "../../aws/least-privilege.js";
import { inert } from "../../domain/inert.js";
import { wrap } from "../../report/wrap.js";
import type { Probe } from "./probe.js";
import { isSpare } from "./probe.js";

const LABEL = { can: "ok", cannot: "no", "not-tried": "--" } as const;
/** Places that are listed one by one. */
const LISTED = 5;

/**
 * For each action and outcome a line, and for what is missing its cost and the next step.
 *
 * @param untried actions that verdicts need and nobody knows of
 * @param width columns of the terminal; undefined: there is none, and lines stay whole, so that they can be searched
 */
export function summary(
  probes: readonly Probe[],
  untried: readonly string[],
  width: number | undefined,
): readonly string[] {
  const rows = lines(probes);
  if (untried.length > 0) {
    rows.push(`Not known: ${untried.join(" and ")} could be tried nowhere, and verdicts need them.`);
    rows.push("    next: look at a Region that has a key (--region), or at an account that has one");
  }
  return rows.flatMap((row) => [...broken(row, width), "\n"]);
}

/** A line in lines of the terminal's width; what goes on stands below the text. */
function broken(row: string, width: number | undefined): readonly string[] {
  if (width === undefined) return [row];
  const label = /^(?:ok {2}|no {2}|-- {2}| {4})?/.exec(row)?.[0] ?? "";
  const pieces = wrap(row.slice(label.length), Math.max(20, width - 4));
  return [label + pieces.join("\n    ")];
}

function lines(probes: readonly Probe[]): string[] {
  const groups = new Map<string, Probe[]>();
  for (const p of probes) {
    const id = JSON.stringify([p.action, p.outcome, p.detail ?? "", p.next ?? ""]);
    groups.set(id, [...(groups.get(id) ?? []), p]);
  }
  const all = [...groups.values()];
  const order = [...new Set(probes.map((p) => p.action))];
  all.sort((a, b) => order.indexOf(a[0]?.action ?? "") - order.indexOf(b[0]?.action ?? ""));
  return all.flatMap((group) => line(group, probes));
}

function line(group: readonly Probe[], all: readonly Probe[]): readonly string[] {
  const [first] = group;
  if (first === undefined) return [];
  const { action, outcome, detail } = first;
  const places = [...new Set(group.map((p) => p.where))].sort();
  const shown = places.slice(0, outcome === "can" ? 1 : LISTED).map((p) => inert(p, { max: 100 }));
  const left = places.length - shown.length;
  const where = `${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
  const why = detail === undefined ? "" : `: ${inert(detail, { max: 200 })}`;
  return [
    `${LABEL[outcome]}  ${action}  ${where}${why}`,
    ...(outcome === "cannot" ? cost(first, group, all) : []),
  ];
}

function cost(first: Probe, group: readonly Probe[], all: readonly Probe[]): readonly string[] {
  const permission = permissionOf(first.action);
  if (permission === undefined) return [];
  if (group.every((p) => isSpare(p, all))) return ["    the other call that lists Regions does"];
  const purpose = actionsFor("scan").includes(first.action) ? "scan" : "organization";
  const verdict = permission.need === "verdict" ? "; keys are not assessed" : "";
  const next = first.next ?? `keyward doctor --for ${purpose} prints the policy to attach`;
  return [
    `    not known without it: ${permission.gives}${verdict}`,
    `    next: ${inert(next, { max: 400 })}`,
  ];
}

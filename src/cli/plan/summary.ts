import { createPatch } from "diff";
import pc from "picocolors";
import { spread } from "../spread.js";
import { inert } from "../../domain/inert.js";
import type { KeyChange, PlanFile, PlannedChange, PlannedUse, RefusedKey } from "../../repair/plan-file.js";
import { wrap } from "../../report/wrap.js";

export interface SummaryOptions {
  readonly width: number;
  readonly color: boolean;
  /** Where the plan was written. */
  readonly output: string | undefined;
}

/** A plan on a terminal. Whatever comes from policies, grants, tags and CloudTrail is made inert. */
export function planSummary(plan: PlanFile, o: SummaryOptions): string {
  const page = new Page(o);
  for (const change of plan.changes) changePart(change, page);
  for (const refused of plan.refused) refusedPart(refused, page);
  if (plan.unchanged.length > 0) {
    page.bold("No change");
    for (const u of plan.unchanged.slice(0, 50)) page.add(`${inert(u.key.arn)}: ${inert(u.reason)}`, "  ");
    if (plan.unchanged.length > 50) page.add(`and ${plan.unchanged.length - 50} more`, "  ");
    page.blank();
  }
  for (const note of plan.notes) page.add(`Note: ${inert(note)}`, "");
  if (plan.notes.length > 0) page.blank();
  const { changes, refused, unchanged } = plan.summary;
  page.add(`Keys: ${changes} to change, ${refused} refused, ${unchanged} without change.`, "");
  if (changes > 0) {
    page.add(
      o.output === undefined
        ? "Nothing was written; --output plan.yaml keeps the plan."
        : `Plan: ${inert(o.output)}. Review it, then: keyward apply ${inert(o.output)}`,
      "",
    );
  }
  return page.text();
}

class Page {
  readonly #lines: string[] = [];
  readonly #colors: ReturnType<typeof pc.createColors>;

  constructor(readonly o: SummaryOptions) {
    this.#colors = pc.createColors(o.color);
  }

  add(text: string, indent: string): void {
    for (const line of wrap(text, Math.max(20, this.o.width - indent.length)))
      this.#lines.push(indent + line);
  }

  bold(text: string): void {
    for (const line of wrap(text, this.o.width)) this.#lines.push(this.#colors.bold(line));
  }

  /** A line of a diff, its white space kept; what does not fit goes on in the next line. */
  diff(line: string): void {
    const color = line.startsWith("+")
      ? this.#colors.green
      : line.startsWith("-")
        ? this.#colors.red
        : (text: string): string => text;
    const [, lead = "", rest = ""] = /^([ +-]? *)(.*)$/s.exec(line) ?? [];
    const pieces = wrap(inert(rest), Math.max(20, this.o.width - 4 - lead.length));
    pieces.forEach((piece, i) => {
      this.#lines.push(`    ${color((i === 0 ? lead : " ".repeat(lead.length)) + piece)}`);
    });
  }

  blank(): void {
    this.#lines.push("");
  }

  text(): string {
    return `${this.#lines.map((l) => l.trimEnd()).join("\n")}\n`;
  }
}

function changePart(c: KeyChange, page: Page): void {
  page.bold(inert([c.key.arn, ...c.key.aliases].join(" ")));
  page.add(
    `${c.exposure.before} -> ${c.exposure.after}; ${c.policy === null ? "revoke" : c.strategy}: ${inert(c.reason)}`,
    "  ",
  );
  for (const s of c.statements.filter((st) => st.change !== "keep")) {
    const name = `statement ${s.index === null ? "(new)" : s.index + 1}${s.sid === null ? "" : ` "${inert(s.sid, { max: 64 })}"`}`;
    page.add(`${name}: ${s.change}; ${inert(s.reason)}`, "  ");
    for (const w of s.warnings) page.add(`warning: ${inert(w)}`, "    ");
  }
  for (const g of c.revokeGrants) {
    page.add(
      `grant ${inert(g.grantId, { max: 80 })} of ${inert(g.grantee, { max: 200 })}: revoke (${inert(g.operations.join(", "))})`,
      "  ",
    );
    page.add(`cannot be restored: ${inert(g.notRestorable.join("; "))}`, "    ");
  }
  if (c.policy !== null) diffPart(c.policy.diff, page);
  part("Loses access", c.loses, page);
  part("Gains access", c.gains, page);
  page.add("Shown:", "  ");
  for (const ob of c.obligations) {
    page.add(`${ob.result === "proved" ? "proved" : "stated"} ${ob.id}: ${inert(ob.statement)}`, "    ");
    if (ob.result !== "proved") for (const d of ob.details.slice(0, 5)) page.add(inert(d), "      ");
  }
  uses(
    "Will break (observed use of the zone)",
    c.willBreak.filter((u) => u.trusted),
    page,
  );
  uses(
    "Shut out on purpose (observed use from outside)",
    c.willBreak.filter((u) => !u.trusted),
    page,
  );
  if (c.managedBy !== null) {
    page.add(
      `Owned by ${c.managedBy.kind} (${inert(c.managedBy.name)}), as ${inert(c.managedBy.evidence)} says.`,
      "  ",
    );
    page.add(inert(c.managedBy.advice), "  ");
    if (c.managedBy.snippet !== "") for (const line of c.managedBy.snippet.split("\n")) page.diff(line);
  }
  for (const note of c.notes) page.add(`note: ${inert(note)}`, "  ");
  page.blank();
}

/** The text diff; a policy on one line is shown line by line, since the diff of one line tells nothing. */
function diffPart(diff: string, page: Page): void {
  const lines = diff.split("\n").slice(4);
  const removed = lines.filter((l) => l.startsWith("-"));
  const added = lines.filter((l) => l.startsWith("+"));
  const [only] = removed;
  const [other] = added;
  if (removed.length === 1 && added.length === 1 && only !== undefined && other !== undefined) {
    const older = spread(only.slice(1));
    const newer = spread(other.slice(1));
    if (older !== undefined && newer !== undefined) {
      page.add("Policy (on one line in fact, and stays so):", "  ");
      for (const l of createPatch("p", older, newer, "", "", { context: 3 }).split("\n").slice(4)) {
        if (l !== "" && !l.startsWith("\\")) page.diff(l);
      }
      return;
    }
  }
  page.add("Policy:", "  ");
  for (const l of lines) if (l !== "" && !l.startsWith("\\")) page.diff(l);
}

const MOST = 8;

function part(title: string, changes: readonly PlannedChange[], page: Page): void {
  if (changes.length === 0) return;
  page.add(`${title}:`, "  ");
  for (const c of changes.slice(0, MOST)) {
    const more = c.actions.length > 4 ? ` and ${c.actions.length - 4} more` : "";
    const sure = c.certainty === "certain" ? "" : ", possibly";
    page.add(
      `${inert(c.who)} (${c.trusted ? "trusted" : "outside"}${sure}): ${c.actions.slice(0, 4).join(", ")}${more}`,
      "    ",
    );
    page.add(`proof: ${inert(c.witness.principal, { max: 200 })} ${c.witness.action}`, "      ");
  }
  if (changes.length > MOST) page.add(`and ${changes.length - MOST} more`, "    ");
}

function uses(title: string, list: readonly PlannedUse[], page: Page): void {
  if (list.length === 0) return;
  page.add(`${title}:`, "  ");
  for (const u of list.slice(0, MOST)) {
    const via = u.via === null ? "" : ` through ${inert(u.via)}`;
    page.add(
      `${inert(u.principal, { max: 200 })}: ${u.action}${via}, ${u.count} times, last ${u.lastSeen}; ${inert(u.why)}`,
      "    ",
    );
  }
  if (list.length > MOST) page.add(`and ${list.length - MOST} more`, "    ");
}

function refusedPart(r: RefusedKey, page: Page): void {
  page.bold(inert([r.key.arn, ...r.key.aliases].join(" ")));
  const why = r.kind === "safety" ? "refused for safety" : "not planned";
  page.add(`${r.exposure}; ${why}: ${inert(r.reason)}`, "  ");
  page.add(`next: ${inert(r.next)}`, "  ");
  page.blank();
}

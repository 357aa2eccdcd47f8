import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { RULE_IDS } from "../domain/rule-id.js";
import { CAPABILITIES, type Capability, EXPOSURES, type Exposure } from "../domain/verdict.js";
import { CONTROL } from "../report/control.js";
import { severityOf } from "./severity.js";

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
/** The cells of the rows that begin with code. */
const rows = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => /^\| \[?`/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const code = (cell = ""): string => /`([^`]+)`/.exec(cell)?.[1] ?? "";

describe("docs/rules/README.md", () => {
  const exposures: readonly string[] = EXPOSURES;
  const all = rows(read("rules/README.md"));

  test("has a row for every rule, in the order of RULE_IDS, and no other", () => {
    expect(all.map(([id]) => code(id)).filter((id) => !exposures.includes(id))).toEqual(RULE_IDS);
  });

  test("links to pages that exist", () => {
    const pages = [...read("rules/README.md").matchAll(/\]\(([^)]+\.md)\)/g)].map((m) => m[1] ?? "");
    expect(pages.length).toBeGreaterThan(3);
    for (const page of pages) expect(read(`rules/${page}`), page).not.toBe("");
  });

  test("says of every exposure and capability how severe it is", () => {
    const head = /^\| exposure \|.*$/m.exec(read("rules/README.md"))?.[0] ?? "";
    const columns = head.split("|").slice(2, -1);
    const said = new Map<string, string>();
    for (const [exposure, ...cells] of all.filter(([id]) => exposures.includes(code(id)))) {
      columns.forEach((names, i) => {
        for (const c of names.split(",")) said.set(`${code(exposure)} ${c.trim()}`, cells[i] ?? "");
      });
    }
    const wanted = EXPOSURES.flatMap((e: Exposure) =>
      CAPABILITIES.map((c: Capability) => [`${e} ${c}`, severityOf(e, [c])] as const),
    );
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(wanted));
  });
});

test("docs/control.md names every clause of the control's mappings", () => {
  const text = read("control.md");
  for (const [framework, clauses] of Object.entries(CONTROL.mappings)) {
    const row = text.split("\n").find((line) => line.startsWith(`| ${framework}`));
    expect(row?.split("|")[2]?.trim(), framework).toBe(clauses.join(", "));
  }
});

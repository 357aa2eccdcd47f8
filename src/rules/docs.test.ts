import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Json, judge, policyText, ROOT } from "../../test/judging.js";
import type { Grant } from "../domain/grant.js";
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

describe("the pages of docs/rules", () => {
  const names = readdirSync(new URL("../../docs/rules", import.meta.url)).filter((n) => n !== "README.md");
  const pages = names.map((name) => {
    const text = read(`rules/${name}`);
    return { name, text, ids: (/^# ([^:]+):/.exec(text)?.[1] ?? "").split(", ") };
  });

  test("are there for every rule, and for no other", () => {
    expect(pages.flatMap((p) => p.ids).sort()).toEqual([...RULE_IDS].sort());
  });

  test("are where the table links to", () => {
    const links = new Map(
      [...read("rules/README.md").matchAll(/^\| \[`([^`]+)`\]\(([^)]+)\)/gm)].map(
        (m) => [m[1], m[2]] as const,
      ),
    );
    expect(links).toEqual(new Map(RULE_IDS.map((id) => [id, pages.find((p) => p.ids.includes(id))?.name])));
  });

  test.each(pages)("$name says why, how AWS decides and where that stands, what to do", ({ text }) => {
    const parts = [...text.matchAll(/^\*\*([^*]+)\.\*\*/gm)].map((m) => m[1]);
    expect(parts).toEqual(["Why", "How AWS decides", "Example", "Repair", "Accept"]);
    expect(/\*\*How AWS decides\.\*\*[^]*?\n\n/.exec(text)?.[0]).toMatch(/Source: /);
  });

  /** What takes more than one key's policy and grants to find: its tests are elsewhere. */
  const APART = [
    "closed-by-rcp.md",
    "exceptions.md",
    "identity-all-keys.md",
    "outsider-assumable-role.md",
    "sibling-open.md",
  ];
  test.each(pages.filter((p) => !APART.includes(p.name)))("$name has an example that is found", (page) => {
    const example = JSON.parse(/```json\n([^]*?)```/.exec(page.text)?.[1] ?? "") as Json;
    const report =
      "GrantId" in example
        ? judge(policyText(), { grants: [example as unknown as Grant] })
        : judge(policyText(example));
    const found: readonly string[] = report.findings.map((f) => f.rule);
    expect(found).toEqual(expect.arrayContaining(page.ids));
    // Without the example there is nothing to find.
    expect(judge(JSON.stringify({ Version: "2012-10-17", Statement: [ROOT] })).findings).toEqual([]);
  });
});

test("docs/control.md names every clause of the control's mappings", () => {
  const text = read("control.md");
  for (const [framework, clauses] of Object.entries(CONTROL.mappings)) {
    const row = text.split("\n").find((line) => line.startsWith(`| ${framework}`));
    expect(row?.split("|")[2]?.trim(), framework).toBe(clauses.join(", "));
  }
});

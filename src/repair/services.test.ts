import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { KMS_KEY_ACTIONS } from "../semantics/actions.js";
import { SERVICES } from "./services.js";

const PAGE = fileURLToPath(new URL("../../docs/evidence.md", import.meta.url));
const [BEGIN, END] = ["<!-- services: begin -->", "<!-- services: end -->"];
const ACTORS = {
  caller: "the principal that used the service",
  grant: "the principal for CreateGrant and what it asks for itself; the service for what the grant permits",
  service: "the service",
} as const;

const code = (names: readonly string[]): string =>
  names.map((n) => `\`${n.replace(/^kms:/, "")}\``).join(", ");

function together(row: (typeof SERVICES)[number]): string {
  if (row.together === "standard") return "the standard groups";
  const rules = Object.entries(row.together);
  if (rules.length === 0) return "nothing";
  const [first] = rules;
  if (rules.length > 2 && first !== undefined) return `all of ${code(first[1])}`;
  return rules
    .map(([seen, more]) => `with ${code([seen])}: ${code(more.filter((a) => a !== seen))}`)
    .join("; ");
}

/** The table as it stands in the documentation. */
function table(): string {
  const rows = SERVICES.map(
    (s) =>
      `| ${s.name} (${code(s.labels)}) | ${ACTORS[s.actor]} | ${code(s.shows)} | ${code(s.context)} | ${together(s)} | ${s.unseen} | [AWS](${s.source}) |`,
  );
  return [
    "| service (`invokedBy`) | caller in CloudTrail | operations | names in the encryption context | narrowing adds | not seen | source |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

describe("the services in docs/evidence.md", () => {
  it("are those of the table that narrowing uses (KEYWARD_WRITE_EVIDENCE=1 writes it anew)", () => {
    const page = readFileSync(PAGE, "utf8");
    const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
    expect(from).toBeGreaterThan(0);
    expect(to).toBeGreaterThan(from);
    const wanted = `${page.slice(0, from)}${BEGIN}\n${table()}\n${page.slice(to)}`;
    if (process.env["KEYWARD_WRITE_EVIDENCE"] === "1") writeFileSync(PAGE, wanted);
    else expect(page).toBe(wanted);
  });

  it("name each service once, by operations that KMS has and pages of AWS", () => {
    const known = new Set<string>(KMS_KEY_ACTIONS.map((a) => a.name));
    const labels = SERVICES.flatMap((s) => s.labels);
    expect(new Set(labels).size).toBe(labels.length);
    const names = SERVICES.map((s) => s.name.toLowerCase());
    expect(names).toEqual([...names].sort());
    for (const row of SERVICES) {
      const named = [
        ...row.shows,
        ...(row.together === "standard" ? [] : Object.entries(row.together).flatMap(([a, b]) => [a, ...b])),
      ];
      expect(named.filter((a) => !known.has(a))).toEqual([]);
      expect(row.source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/[\w/.-]+\.html$/);
    }
  });
});

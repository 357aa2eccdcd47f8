import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keyward } from "./io.js";

/** Commands in a page of documentation with the output that it promises. */
function transcripts(page: string): [string, string][] {
  const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```\n\$ keyward ([^\n]+)\n([^`]+)^```$/gm)].map((m) => [m[1] ?? "", m[2] ?? ""]);
}

test.each(["diff.md", "plan.md", "simulate.md"])(
  "the commands of %s say what the page says",
  async (page) => {
    const found = transcripts(page);
    expect(found.length).toBeGreaterThan(0);
    for (const [command, output] of found) {
      const outcome = await keyward(command.split(" "), { columns: 80 });
      expect(outcome.stderr).toBe("");
      expect(outcome.stdout).toBe(output);
    }
  },
);

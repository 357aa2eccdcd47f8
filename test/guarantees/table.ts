import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GUARANTEES } from "./registry.js";

/** A test that carries the id of a guarantee. */
export interface Tagged {
  readonly id: string;
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** `guarantee("id", "name"` or `holds(["id", "id"], "name"`. */
const TAG = /\b(?:guarantee\(|holds\(\s*\[)\s*("[^"]*"(?:,\s*"[^"]*")*),?\s*\]?,\s*"([^"]*)"/g;

/** Every tagged test of the repository, in the order of the files. */
export function taggedTests(): Tagged[] {
  const files = ["test", "src"].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: "utf8" })
      .filter((f) => f.endsWith(".test.ts"))
      .map((f) => `${folder}/${f.replaceAll("\\", "/")}`),
  );
  return files.sort().flatMap((file) => {
    const text = readFileSync(`${ROOT}${file}`, "utf8");
    return [...text.matchAll(TAG)].flatMap(([, ids = "", name = ""]) =>
      [...ids.matchAll(/"([^"]*)"/g)].map(([, id = ""]) => ({ id, name, file })),
    );
  });
}

/** The page docs/guarantees.md. */
export function guaranteesPage(): string {
  const tests = taggedTests();
  const rows = Object.entries(GUARANTEES).map(([id, sentence]) => {
    const held = tests.filter((t) => t.id === id).map((t) => `\`${t.file}\`: ${t.name}`);
    return `| <a id="${id}"></a>\`${id}\` | ${sentence} | ${held.join("<br>")} |`;
  });
  return `# What keyward guarantees

Each line is a promise and the tests that hold it, most of them over random policies, grants and requests with fixed
seeds. The page is written by \`npm run guarantees\`; a test fails where it is out of date, where a promise has no test and
where a test names no promise. "The reference" is the plain evaluation of one request in \`src/semantics\`.

| id | promise | held by |
|---|---|---|
${rows.join("\n")}
`;
}

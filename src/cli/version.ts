import { readFileSync } from "node:fs";

let known: string | undefined;

/** The version in package.json, which stands two folders above both `src/cli` and `dist/cli`. */
export function toolVersion(): string {
  if (known !== undefined) return known;
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const pkg: unknown = JSON.parse(text);
  if (typeof pkg !== "object" || pkg === null || !("version" in pkg) || typeof pkg.version !== "string") {
    throw new Error("package.json has no version");
  }
  known = pkg.version;
  return known;
}

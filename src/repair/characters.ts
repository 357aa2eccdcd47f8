/**
 * What KMS takes in the text of a key policy. Source: KMS API reference, PutKeyPolicy, `Policy`: the pattern
 * `[\u0009\u000A\u000D\u0020-\u00FF]+`, and in words "printable characters" up to U+00FF with tab, line feed and carriage
 * return. The two differ about U+007F to U+009F, which are no printable characters.
 */
const UNTAKEN = /[^\u0009\u000A\u000D\u0020-\u00FF]/g;
const UNPRINTABLE = /[\u007F-\u009F]/g;
/** As the JSON of an escape has four digits, halves of a pair are escaped one by one. */
const BEYOND = /[^\0-\u00FF]/g;

/** The characters that KMS surely refuses, as `U+20AC`, each once. */
export function untaken(text: string): readonly string[] {
  return named(text, UNTAKEN);
}

/** The characters of which AWS's documentation does not say for sure whether KMS takes them. */
export function perhapsUntaken(text: string): readonly string[] {
  return named(text, UNPRINTABLE);
}

/**
 * A JSON text with the characters beyond U+00FF written as escapes. It means the same: outside of strings JSON has none
 * of them.
 */
export function escaped(json: string): string {
  return json.replace(BEYOND, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function named(text: string, pattern: RegExp): readonly string[] {
  const found = new Set([...text.matchAll(pattern)].map(([c]) => c.charCodeAt(0)));
  return [...found].sort((a, b) => a - b).map((c) => `U+${c.toString(16).toUpperCase().padStart(4, "0")}`);
}

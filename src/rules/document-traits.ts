/** Stands for the account id. JSON texts have no such character, and a text that has it is not renamed. */
export const HOLE = "\u0000";

/** A text that may ask for tags or aliases of the key, or hide that it does. */
export const ASKS_FOR_NAMES = /resource(tag|aliases)|\\u/i;
/** One that may ask for paths in the organization, or hide that it does. */
export const ASKS_FOR_PATHS = /orgpaths|\\/i;
/** Conditions on names of users and roles, and principals that are matched by more than their whole ARN. */
export const TELLS_NAMES = /principalarn|aws:userid|aws:username|notprincipal|:sts:|\$\{|\\/i;

/** Condition keys whose values hold the key's Region, or may hold it in words of the caller's. */
const ABOUT_REGIONS = /region|viaservice|calledvia|vpc|sourceinstance|sourcefunction|\$\{|\\/i;
/** A string of JSON with wildcards in it. */
const PATTERN = /"[^"]*[*?][^"]*"/g;
/** A pattern on actions, or one on ARNs in which the wildcard that takes a Region takes nothing but whole ones. */
const TAKES_ALL_REGIONS = /^"(?:\*|[a-z0-9-]+:[A-Za-z]*\*|arn:[^:*?]*:[^:*?]*:(?:\*|[^:*?]*):[^"]*)"$/;

/**
 * Whether documents could tell one Region from another that they do not name. The Region of a key stands in requests
 * only between the third and the fourth colon of a source ARN; elsewhere only where a key of {@link ABOUT_REGIONS} asks.
 */
export function tellsRegions(documents: string): boolean {
  if (ABOUT_REGIONS.test(documents) || documents.includes(STAND_IN_REGION)) return true;
  for (const [text] of documents.matchAll(PATTERN)) {
    if (!TAKES_ALL_REGIONS.test(text)) return true;
  }
  return false;
}

/** A Region that there is not: it takes the place of a key's own while a template is made. */
export const STAND_IN_REGION = "kw-standin-9";

/** What documents say that decides which names stand for themselves. */
export interface DocumentTraits {
  /** They may ask for tags or aliases of the key. */
  readonly asksForNames: boolean;
  readonly asksForPaths: boolean;
  /** They may tell names of users and roles apart by more than equality. */
  readonly tellsNames: boolean;
  /** They may tell Regions apart that they do not name. */
  readonly tellsRegions: boolean;
  /** Ids of accounts, those in holes left out. */
  readonly accounts: readonly string[];
  /** Why the id of the account cannot be renamed: see {@link refusal}. */
  readonly refusal: string | undefined;
  /** See {@link neighbours}. */
  readonly neighbours: readonly string[];
}

/** Looks documents through, once for all keys that have them. */
export function traitsOf(documents: string): DocumentTraits {
  const refused = refusal(documents);
  return {
    asksForNames: ASKS_FOR_NAMES.test(documents),
    asksForPaths: ASKS_FOR_PATHS.test(documents),
    tellsNames: TELLS_NAMES.test(documents),
    tellsRegions: tellsRegions(documents),
    accounts: [...new Set(Array.from(documents.matchAll(ACCOUNT), ([id]) => id))],
    refusal: refused,
    // A finding about the account itself is told by its id alone, as a string of JSON.
    neighbours: refused === undefined ? neighbours(`"${HOLE}"\n${documents}`) : [],
  };
}

const ACCOUNT = /(?<![0-9])[0-9]{12}(?![0-9])/g;

/**
 * Why another account id in its place could change the answer, by the text with holes where the id stands; undefined
 * if it cannot (then {@link order} must be equal).
 */
export function refusal(text: string): string | undefined {
  // Between holes: nothing that a glob, a number or a longer word could be made of.
  if (/[\w*?-]\0|\0[\w*?-]/.test(text)) return "the id is a part of a longer word or pattern";
  if (/[*?][0-9]|[0-9][*?]/.test(text)) return "a pattern looks into numbers";
  if (text.includes("${")) return "a value is made of variables";
  if (/\\/.test(text)) return "characters are written as escapes";
  if (/[":](numeric|date|binary)/i.test(text) || /epochtime|currenttime|issuetime|authage/i.test(text)) {
    return "values are compared as numbers";
  }
  return undefined;
}

/** The numbers that the id could be sorted among, as far as it decides: twelve characters of each. */
function neighbours(text: string): readonly string[] {
  const before = new Set<string>();
  for (const m of text.matchAll(/([^])\0/g)) before.add(m[1] ?? "");
  const rest = text.replace(/"Version"\s*:\s*"20[0-9]{2}-[0-9]{2}-[0-9]{2}"/g, "");
  const found = new Set<string>();
  for (const m of rest.matchAll(/([^0-9])([0-9][^]{0,11})/g)) {
    if (before.has(m[1] ?? "")) found.add(m[2] ?? "");
  }
  return [...found];
}

/** How the id is sorted among its neighbours. */
export function order(account: string, among: readonly string[]): string {
  let text = "";
  for (const n of among) text += account < n ? "<" : ">";
  return text;
}
/** The text with a hole wherever the account id stands. */
export function withHoles(text: string, account: string): string {
  return text.replaceAll(account, HOLE);
}

/** The text with an account id in all holes. */
export function withId(text: string, account: string): string {
  return text.replaceAll(HOLE, account);
}

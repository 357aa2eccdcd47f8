import { builtInRegions, PARTITIONS } from "../collect/regions.js";

/**
 * Parses the name of a Region. Regions that this version does not know are taken where their name is made as AWS makes
 * names (area, direction, number), because AWS opens new ones; `us-esat-1` and `xx-nowhere-9` are not, and a scan of
 * them would only end in a host name that nobody has.
 */
export function parseRegion(text: string): string | undefined {
  return known().has(text) || FORM.test(text) ? text : undefined;
}

/** What an error about a Region says was expected: with the known Region that is written most like it, if one is. */
export function expectedRegion(text: string): string {
  const near = nearest(text.toLowerCase());
  return near === undefined
    ? "a Region such as eu-west-1"
    : `a Region such as eu-west-1; did you mean ${near}?`;
}

const FORM =
  /^(?:[a-z]{2}(?:-[a-z]{2,5})?|[a-z]{4})-(?:central|(?:north|south)?(?:east|west)|north|south)-[1-9][0-9]?$/;

const known = (): ReadonlySet<string> => new Set(PARTITIONS.flatMap((p) => builtInRegions(p)));

/** Letters that may differ: two, which is what swapping two neighbours comes to. */
const FAR = 2;

function nearest(text: string): string | undefined {
  const near = [...known()].map((name) => ({ name, far: distance(text, name) })).filter((n) => n.far <= FAR);
  return near.sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))[0]?.name;
}

/** Letters that have to be put in, taken out or replaced to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

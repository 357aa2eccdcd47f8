/** A made-up estate as snapshot lines; see estate-lines.mjs. */
export function estateLines(options: {
  readonly keys: number;
  readonly seed?: number;
  readonly distinct?: number;
}): Generator<string, void, undefined>;

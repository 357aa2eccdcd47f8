/** Exit codes of every command. */
export const EXIT = {
  clear: 0,
  /** Exposed, or what `--fail-on` names. */
  exposed: 1,
  /** Wrong usage, or a failure of the tool. */
  failure: 2,
  /** Something could not be assessed, and nothing is known to be exposed. */
  incomplete: 3,
  /** Refused by a safety check. */
  refused: 4,
  /** The two engines disagreed: a bug in keyward. Nothing it says of that key may be relied on. */
  disagreement: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

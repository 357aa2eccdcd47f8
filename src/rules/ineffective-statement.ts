import { lintDrafts } from "./lints.js";
import type { Rule } from "./rule.js";
import { unknownActionDrafts } from "./unknown-action.js";

/** A statement, or a part of it, that has no effect or another one than it seems to. */
export const ineffectiveStatement: Rule = {
  id: "ineffective-statement",
  title: "A statement does not do what it seems to",
  find: (input) => [
    ...lintDrafts(
      input,
      "ineffective-statement",
      "Rewrite what has no effect so that it has one, or remove it.",
    ),
    ...unknownActionDrafts(input),
  ],
};

import { lintDrafts } from "./lints.js";
import type { Rule } from "./rule.js";

/** A condition that does not do what it seems to. */
export const ineffectiveCondition: Rule = {
  id: "ineffective-condition",
  title: "A condition does not do what it seems to",
  find: (input) =>
    lintDrafts(
      input,
      "ineffective-condition",
      "Rewrite the condition so that it tests what was meant, or remove it.",
    ),
};

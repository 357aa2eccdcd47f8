import { Document, parseDocument, visit } from "yaml";
import { inert } from "../domain/inert.js";
import type { Problem, Result } from "../domain/result.js";
import { err, ok } from "../domain/result.js";
import { textDigest } from "./digest.js";
import { PLAN_SCHEMA, type PlanFile, planSchema } from "./plan-file.js";

export type PlanFormat = "yaml" | "json";

const HEAD = `# A plan of keyward. It changes nothing by itself: review it, then run keyward apply.
# Policies are kept byte for byte; a plan in which one was edited by hand is refused.
`;

/**
 * A plan as a file. Both forms read back as the very same plan; where YAML's block text cannot hold a policy exactly
 * (line ends of other systems, odd white space) the yaml library quotes it, and that it does is checked here. Nothing
 * in it works on a terminal or hides from who reviews it: policies, tags and aliases are what others wrote.
 */
export function planText(plan: PlanFile, format: PlanFormat): string {
  const json = escapeHidden(`${JSON.stringify(plan, null, 2)}\n`);
  if (format === "json") return json;
  const document = new Document(plan, { aliasDuplicateObjects: false });
  visit(document, {
    // Only double quotes have escapes.
    Scalar: (_, node) => {
      if (typeof node.value === "string" && HIDDEN.test(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  const yaml = HEAD + escapeHidden(document.toString({ lineWidth: 0 }));
  // JSON is YAML: a plan that the short form would not bring back unharmed is written in the long one.
  return sameValue(yaml, plan) ? yaml : json;
}

/** Controls but those of ordinary text, format characters and all else that takes no space or turns the writing. */
const HIDDEN = /(?![\t\n\r])[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
const ALL_HIDDEN = new RegExp(HIDDEN.source, "gu");

/** Writes them as escapes that JSON and YAML have in common; in both they stand in nothing but double quotes here. */
function escapeHidden(text: string): string {
  const unit = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(ALL_HIDDEN, (character) => character.split("").map(unit).join(""));
}

function sameValue(yaml: string, plan: PlanFile): boolean {
  const document = parseDocument(yaml);
  return document.errors.length === 0 && JSON.stringify(document.toJS()) === JSON.stringify(plan);
}

/**
 * Reads a plan, YAML or JSON. Strict; a policy whose digest is not the one that the plan names was edited by hand, and
 * what was proved no longer holds for it.
 *
 * @param where how messages name the file
 */
export function readPlan(text: string, where: string): Result<PlanFile, Problem> {
  let raw: unknown;
  try {
    const document = parseDocument(text, { prettyErrors: true });
    const [error] = document.errors;
    if (error !== undefined) return err(problem(where, "the plan is neither YAML nor JSON", error.message));
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // The only failure that toJS has of its own: aliases that multiply without end.
    if (!(error instanceof ReferenceError)) throw error;
    return err(problem(where, "the plan has too many YAML aliases", error.message));
  }
  const parsed = planSchema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = (issue?.path ?? []).map(String).join(".");
    const unknown =
      issue?.code === "unrecognized_keys" ? `unknown field ${issue.keys.join(", ")}` : undefined;
    const why = unknown ?? issue?.message ?? "another form";
    return err({
      ...problem(where, "this is no plan that this keyward can read", path === "" ? why : `${path}: ${why}`),
      expected: `schema ${PLAN_SCHEMA}, as schemas/plan.schema.json describes it`,
    });
  }
  const plan = parsed.data;
  const arns = new Set<string>();
  for (const change of plan.changes) {
    const { policy } = change;
    if (arns.has(change.key.arn)) {
      return err(problem(where, "the plan changes one key twice", change.key.arn));
    }
    arns.add(change.key.arn);
    if (policy !== null && textDigest(policy.text) !== policy.sha256) {
      return err({
        ...problem(where, "the new policy of a key is not the one that was proved", change.key.arn),
        expected: `a text with the SHA-256 digest ${policy.sha256}`,
        next: "do not edit plans by hand: change keyward.yaml or the strategy, and run keyward plan again",
      });
    }
    if (policy === null && change.revokeGrants.length === 0) {
      return err(problem(where, "the plan lists a key without any change", change.key.arn));
    }
    const failed = change.obligations.find((o) => o.result === "failed");
    if (failed !== undefined) {
      return err(
        problem(where, `the plan changes a key although it failed to show "${failed.id}"`, change.key.arn),
      );
    }
  }
  return ok(plan);
}

function problem(where: string, what: string, got: string): Problem {
  return { what, where, got: inert(got, { max: 300 }), next: "write it again with keyward plan" };
}

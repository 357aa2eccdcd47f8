import type { ActionName } from "../../domain/ids.js";
import { KeywardError } from "../../domain/result.js";
import { nearest } from "../../policy/operators.js";
import { ACCOUNT_LEVEL_ACTIONS, actionFacts, KMS_KEY_ACTIONS } from "../../semantics/actions.js";

const NAMES: readonly string[] = [...KMS_KEY_ACTIONS.map((a) => a.name), ...ACCOUNT_LEVEL_ACTIONS];

/**
 * The action of a request. An action of KMS that no key policy decides is let through: the reference answers that it
 * is none on a key. Throws a {@link KeywardError} with the nearest action for what KMS does not have: to call that
 * denied would hide a slip of the pen.
 */
export function parseAction(text: string, where: string): ActionName {
  const known = actionFacts(text)?.name;
  if (known !== undefined) return known;
  const account = ACCOUNT_LEVEL_ACTIONS.find((a) => a.toLowerCase() === text.toLowerCase());
  // The same brand: a name of an action, of which the reference says that it is none on a key.
  if (account !== undefined) return account as ActionName;
  throw new KeywardError({
    what: "KMS has no such action",
    where,
    expected: "one action on a key, such as kms:Decrypt",
    got: text,
    next: hint(text),
  });
}

function hint(text: string): string {
  if (/[*?]/.test(text)) return "name one action: a request has no wildcards";
  if (text.toLowerCase() === "kms:reencrypt") {
    return "ask for kms:ReEncryptFrom on the key that the data leaves, and kms:ReEncryptTo on the other";
  }
  const [prefix = ""] = text.includes(":") ? text.split(":") : [];
  if (prefix !== "" && prefix.toLowerCase() !== "kms" && nearest(`${prefix}:`, ["kms:"]) === undefined) {
    return "name an action of KMS: they begin with kms:";
  }
  const near = nearest(`kms:${text.slice(text.indexOf(":") + 1)}`, NAMES);
  return near === undefined
    ? "look the action up in the Service Authorization Reference of AWS KMS"
    : `did you mean ${near}?`;
}

import type { KeyFacts } from "../domain/key.js";
import type { DoubtId } from "./doubts.js";
import { isKnownValue, knownValues } from "./known-values.js";
import type { AccessRequest } from "./request.js";

/** Why a stated key may not be what AWS would see; `present`: only its value may be another. */
export interface Question {
  readonly doubt: DoubtId;
  readonly present: boolean;
}

const NONE: ReadonlyMap<string, Question> = new Map();

/**
 * The keys (in lower case) that a request states although it is not sure that a request can hold them: values that AWS
 * does not document, what sessions say of multi-factor authentication, keys that belong to requests of AWS STS.
 */
export function questionableKeys(request: AccessRequest, facts: KeyFacts): ReadonlyMap<string, Question> {
  let found: Map<string, Question> | undefined;
  for (const name in request.context) {
    // Most requests state who calls alone.
    if (name.startsWith("aws:Principal")) continue;
    const value = request.context[name] ?? [];
    const values = typeof value === "string" ? [value] : value;
    const question = questionOf(name.toLowerCase(), values, request, facts);
    if (question === undefined) continue;
    found ??= new Map();
    found.set(name.toLowerCase(), question);
    // The one follows from the other.
    if (question.doubt === "mfa-of-session") for (const key of MFA_KEYS) found.set(key, question);
  }
  return found ?? NONE;
}

const MFA_KEYS = ["aws:multifactorauthpresent", "aws:multifactorauthage"];

function questionOf(
  lower: string,
  values: readonly string[],
  { caller }: AccessRequest,
  facts: KeyFacts,
): Question | undefined {
  if (lower.startsWith("sts:")) return { doubt: "sts-key", present: false };
  const session = caller.kind === "session" || caller.kind === "federated-user";
  if (session && MFA_KEYS.includes(lower)) return { doubt: "mfa-of-session", present: false };
  const known = knownValues(lower, facts);
  if (known === undefined || values.every((value) => isKnownValue(known, value))) return undefined;
  return { doubt: "undocumented-value", present: true };
}

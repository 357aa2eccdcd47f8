import { parseAccountId } from "../domain/ids.js";
import type { JsonPath, PrincipalElement, PrincipalEntry } from "./ast.js";
import type { DiagnosticCode } from "./codes.js";
import { isList, isObject, quote, report, typeName } from "./context.js";
import type { ParseContext } from "./context.js";

type ElementName = "Principal" | "NotPrincipal";
type Refused = Extract<PrincipalEntry, { kind: "refused" }>;

/** IAM names: "Names and paths" in the IAM User Guide, "IAM and AWS STS quotas". Service sessions also have colons. */
const NAME = /^[\w+=,.@-]+$/;
const PATH_AND_NAME = /^(?:[\x21-\x7e]+\/)?[\w+=,.@-]+$/;
const SESSION_PART = /^[\w+=,.@:-]+$/;
/** Unique ids of users and roles. Source: IAM User Guide, "IAM identifiers", unique ID prefixes. */
const UNIQUE_ID = /^A(?:IDA|ROA)[A-Z0-9]{12,124}$/;
/** Labels with dots; AWS's own services end as in `USUAL_SERVICE`. */
const SERVICE = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$/;
const USUAL_SERVICE =
  /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|amazon\.com|aws\.internal|c2s\.ic\.gov|sc2s\.sgov\.gov)$/;
const WILDCARD = /[*?]/;
const PARTITION = /^aws(?:-[a-z]+)*$/;

const NO_ENTRIES: readonly PrincipalEntry[] = [];
const EVERYONE: readonly PrincipalEntry[] = [{ kind: "everyone", text: "*" }];

/**
 * Reads `Principal` or `NotPrincipal`. Forms that KMS refuses become entries of kind `refused` with a diagnostic.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal".
 */
export function parsePrincipal(
  context: ParseContext,
  element: ElementName,
  value: unknown,
  statementPath: JsonPath,
  statement: number,
): PrincipalElement {
  const kind = element === "Principal" ? "principal" : "not-principal";
  if (value === "*") return { kind, entries: EVERYONE };
  if (!isObject(value)) {
    report(
      context,
      "wrong-type",
      `${element} is ${typeName(value)}; expected "*" or an object such as {"AWS": "arn:aws:iam::111122223333:root"}.`,
      [...statementPath, element],
      statement,
    );
    return { kind, entries: strayTexts(value) };
  }
  const names = Object.keys(value);
  context.members += names.length;
  const entries: PrincipalEntry[] = [];
  for (const name of names) {
    const member = value[name];
    // Paths are built only for what is reported: nearly no principal is.
    const pathOf = (item: number | undefined): JsonPath =>
      item === undefined ? [...statementPath, element, name] : [...statementPath, element, name, item];
    if (isList(member)) {
      for (let i = 0; i < member.length; i++) {
        entries.push(parseEntry(context, name, member[i], i, pathOf, statement));
      }
    } else {
      entries.push(parseEntry(context, name, member, undefined, pathOf, statement));
    }
  }
  if (entries.length === 0) {
    report(
      context,
      kind === "principal" ? "no-principal" : "empty-not-list",
      `${element} is empty; expected at least one principal.`,
      [...statementPath, element],
      statement,
    );
    return { kind, entries: NO_ENTRIES };
  }
  return { kind, entries };
}

/** What stands where a principal should: whom it would name is not known. */
function strayEntry(value: unknown): Refused {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : typeName(value);
  return { kind: "refused", text, why: "not a principal", reach: "unknown" };
}

function strayTexts(value: unknown): readonly PrincipalEntry[] {
  return isList(value) ? value.map(strayEntry) : [strayEntry(value)];
}

function parseEntry(
  context: ParseContext,
  type: string,
  text: unknown,
  item: number | undefined,
  pathOf: (item: number | undefined) => JsonPath,
  statement: number,
): PrincipalEntry {
  if (typeof text !== "string") {
    const message = `A principal is ${typeName(text)}; expected a string (account numbers need quotation marks).`;
    report(context, "wrong-type", message, pathOf(item), statement);
    return strayEntry(text);
  }
  if (type === "AWS" && text === "*") return { kind: "everyone", text };
  const outcome =
    type === "AWS"
      ? parseAws(context, text)
      : type === "Service"
        ? parseService(text)
        : parseOther(type, text);
  if (!("code" in outcome)) {
    if (outcome.kind === "unique-id") {
      report(
        context,
        "unique-id",
        `The principal ${quote(text)} is what AWS shows after a user or role was deleted; it never matches one that is made again. Remove it, or name its successor.`,
        pathOf(item),
        statement,
      );
    } else if (outcome.kind === "service" && !USUAL_SERVICE.test(text)) {
      report(
        context,
        "service-name",
        `The service principal ${quote(text)} does not end as service principals do (.amazonaws.com).`,
        pathOf(item),
        statement,
      );
    }
    return outcome;
  }
  report(context, outcome.code, `The principal ${quote(text)} ${outcome.why}.`, pathOf(item), statement);
  return { kind: "refused", text, why: outcome.why, reach: outcome.reach };
}

/** A principal that KMS would not store, before it was reported. */
interface Refusal {
  readonly code: DiagnosticCode;
  readonly why: string;
  readonly reach: Refused["reach"];
}

function parseService(text: string): PrincipalEntry | Refusal {
  if (SERVICE.test(text)) return { kind: "service", text, name: text };
  if (WILDCARD.test(text)) {
    return {
      code: "principal-wildcard",
      why: "has a wildcard, but services must be named one by one (such as logs.us-east-1.amazonaws.com)",
      reach: "unknown",
    };
  }
  return {
    code: "principal-form",
    why: "is not the name of a service (such as logs.us-east-1.amazonaws.com)",
    reach: "unknown",
  };
}

function parseOther(type: string, text: string): PrincipalEntry | Refusal {
  switch (type) {
    case "Federated":
      return {
        code: "principal-kind",
        why: "is an identity provider (Federated), which only trust policies of roles can name",
        reach: text === "*" ? "unknown" : "nobody",
      };
    case "CanonicalUser":
      return {
        code: "principal-kind",
        why: "is a canonical user, which only S3 knows; name the account instead",
        reach: "unknown",
      };
    default:
      return {
        code: "principal-kind",
        why: `stands under ${quote(type)}; expected "AWS" or "Service"`,
        reach: "unknown",
      };
  }
}

function parseAws(context: ParseContext, text: string): PrincipalEntry | Refusal {
  if (text.startsWith("arn:")) return parseArn(context, text);
  const account = parseAccountId(text);
  if (account !== undefined) return { kind: "account", text, account, partition: undefined };
  if (UNIQUE_ID.test(text)) return { kind: "unique-id", text, id: text };
  if (WILDCARD.test(text)) return WILDCARD_INSIDE;
  if (SERVICE.test(text)) {
    return {
      code: "principal-form",
      why: 'looks like a service, but stands under "AWS"; services stand under "Service"',
      reach: "unknown",
    };
  }
  return NOT_AWS;
}

const WILDCARD_INSIDE: Refusal = {
  code: "principal-wildcard",
  why: "has a wildcard inside; AWS accepts only a * alone. To match several principals use * with a condition on aws:PrincipalArn",
  reach: "unknown",
};

const NOT_AWS: Refusal = {
  code: "principal-form",
  why: 'is neither "*", an account number, an ARN of an account, user, role or session, nor a unique id',
  reach: "unknown",
};

function parseArn(context: ParseContext, text: string): PrincipalEntry | Refusal {
  if (WILDCARD.test(text)) return WILDCARD_INSIDE;
  const partitionEnd = text.indexOf(":", 4);
  const serviceEnd = text.indexOf(":", partitionEnd + 1);
  if (partitionEnd < 0 || serviceEnd < 0 || text.charCodeAt(serviceEnd + 1) !== COLON) return NOT_AWS;
  const accountEnd = text.indexOf(":", serviceEnd + 2);
  if (accountEnd < 0) return NOT_AWS;
  const partition = text.slice(4, partitionEnd);
  const service = text.slice(partitionEnd + 1, serviceEnd);
  const account = parseAccountId(text.slice(serviceEnd + 2, accountEnd));
  if (account === undefined || !PARTITION.test(partition)) return NOT_AWS;
  if (context.partition !== undefined && partition !== context.partition) {
    return {
      code: "principal-partition",
      why: `belongs to the partition ${partition}, but the key to ${context.partition}; accounts do not span partitions`,
      reach: "nobody",
    };
  }
  const rest = text.slice(accountEnd + 1);
  if (service === "iam") {
    if (rest === "root") return { kind: "account", text, account, partition };
    const slash = rest.indexOf("/");
    const name = rest.slice(slash + 1);
    switch (slash < 0 ? "" : rest.slice(0, slash)) {
      case "user":
        return PATH_AND_NAME.test(name) ? { kind: "user", text, account, partition, name } : NOT_AWS;
      case "role":
        return PATH_AND_NAME.test(name) ? { kind: "role", text, account, partition, name } : NOT_AWS;
      case "group":
        return {
          code: "principal-group",
          why: "is a group, which is no principal in any policy; name its users or a role",
          reach: "nobody",
        };
      case "saml-provider":
      case "oidc-provider":
        return {
          code: "principal-kind",
          why: "is an identity provider, which only trust policies of roles can name",
          reach: "nobody",
        };
      case "policy":
      case "instance-profile":
      case "mfa":
      case "server-certificate":
        return { code: "principal-kind", why: "names something that never calls AWS", reach: "nobody" };
      default:
        return NOT_AWS;
    }
  }
  if (service === "sts") {
    const parts = rest.split("/");
    const [type, first = "", second = ""] = parts;
    if (
      type === "assumed-role" &&
      parts.length === 3 &&
      SESSION_PART.test(first) &&
      SESSION_PART.test(second)
    ) {
      return { kind: "session", text, account, partition, role: first, session: second };
    }
    if (type === "federated-user" && parts.length === 2 && NAME.test(first)) {
      return { kind: "federated-user", text, account, partition, name: first };
    }
  }
  return NOT_AWS;
}

const COLON = 58;

import type { ServiceSource, Who } from "../access/matrix.js";
import { inert } from "../domain/inert.js";
import { knownAccountName } from "../domain/known-accounts.js";
import type { Capability, Certainty } from "../domain/verdict.js";
import type { Statement } from "../policy/ast.js";
import type { DraftSource } from "./rule.js";

/**
 * The words that findings are made of. Whatever comes from a policy, a grant or a name goes through `inert` here, so
 * the sentences of findings can be printed as they are.
 */

/** A class of callers at the start of a sentence. */
export function whoText(who: Who): string {
  switch (who.kind) {
    case "anyone":
      return "Anyone with an AWS account";
    case "pattern":
      return `Anyone who matches the pattern ${quote(who.pattern)}`;
    case "organization":
      return `Any account of organization ${name(who.id)}`;
    case "account":
      return `Account ${name(who.id)}${knownAs(who.id)}`;
    case "principal":
      return `${name(who.arn)}${knownAs(who.account)}`;
    case "service":
      return `${who.name === undefined ? "Any AWS service" : `The service ${name(who.name)}`}${onBehalf(who.source)}`;
    case "unresolved":
      return `The principal with the id ${name(who.id)}`;
  }
}

function onBehalf(source: ServiceSource): string {
  switch (source.kind) {
    case "any":
      return ", on behalf of anybody,";
    case "none":
      return ", without saying on whose behalf,";
    case "account":
      return `, on behalf of account ${name(source.id)}${knownAs(source.id)},`;
    case "organization":
      return `, on behalf of organization ${name(source.id)},`;
    case "pattern":
      return `, on behalf of whoever matches ${quote(source.pattern)},`;
  }
}

/** A class of callers in a few characters, for tables. Inert. */
export function whoLabel(who: Who | null): string {
  if (who === null) return "";
  switch (who.kind) {
    case "anyone":
      return "anyone";
    case "pattern":
      return `pattern ${name(who.pattern)}`;
    case "organization":
      return `organization ${name(who.id)}`;
    case "account":
      return `account ${name(who.id)}${knownAs(who.id)}`;
    case "principal":
      return `${name(who.arn)}${knownAs(who.account)}`;
    case "service": {
      const service = who.name === undefined ? "any AWS service" : name(who.name);
      const { source } = who;
      switch (source.kind) {
        case "any":
          return `${service} for anybody`;
        case "none":
          return `${service} for nobody in particular`;
        case "pattern":
          return `${service} for ${name(source.pattern)}`;
        case "account":
          return `${service} for account ${name(source.id)}${knownAs(source.id)}`;
        case "organization":
          return `${service} for organization ${name(source.id)}`;
      }
    }
    case "unresolved":
      return `id ${name(who.id)}`;
  }
}

/** Who a public list says the account belongs to. A hint for the reader: nothing is decided by it. */
export function knownAs(account: string): string {
  const known = knownAccountName(account);
  return known === undefined ? "" : ` (listed as ${known})`;
}

/** What a capability lets its holder do, after "can". */
const CAPABILITY_TEXT: Readonly<Record<Capability, string>> = {
  decrypt: "read data encrypted under the key",
  sign: "sign or authenticate with the key",
  share: "pass on access to the key",
  manage: "change the key's policy or settings",
  destroy: "take the key or its grants away from its users",
  encrypt: "encrypt data under the key",
  inspect: "read facts about the key",
};

/** "can read data encrypted under the key and pass on access to the key". Not more than three, worst first. */
export function canDo(capabilities: readonly Capability[], certainty: Certainty): string {
  const said = capabilities.slice(0, 3).map((c) => CAPABILITY_TEXT[c]);
  if (capabilities.length > 3) said.push("more");
  return `${certainty === "certain" ? "can" : "may be able to"} ${enumerate(said)}`;
}

/** "kms:Decrypt, kms:Encrypt and 5 more". */
export function actionsText(actions: readonly string[], most = 3): string {
  if (actions.length <= most + 1) return enumerate(actions);
  return `${actions.slice(0, most).join(", ")} and ${actions.length - most} more`;
}

/** "a, b and c". */
export function enumerate(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? "";
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1) ?? ""}`;
}

/** How a sentence calls the part of the key's documents that something comes from. */
export function sourceText(source: DraftSource, statements: readonly Statement[]): string {
  switch (source.kind) {
    case "statement": {
      const sid = statements.find((s) => s.index === source.index)?.sid;
      const number = `statement ${source.index + 1}`;
      return sid === undefined || sid === "" ? number : `${number} (${quote(sid)})`;
    }
    case "grant":
      return `grant ${name(source.grantId)}`;
    case "policy":
      return "the key policy";
    case "grants":
      return "the grants";
    case "key":
      return `key ${source.arn}`;
    case "identity":
      return source.policy === null
        ? `the trust policy of ${name(source.arn)}`
        : `policy ${quote(source.policy)} of ${name(source.arn)}`;
  }
}

/** Foreign text inside a sentence, between quotation marks. */
export function quote(text: string): string {
  return `"${inert(text, { max: 64 })}"`;
}

/** Foreign text that is a name and needs no marks. */
export function name(text: string): string {
  return inert(text, { max: 160 });
}

/** A step of a trace as people count: the reference counts statements from 0, as a document does. */
export function countedFromOne(text: string): string {
  return text.replace(/\bstatement (\d+)/g, (_, n: string) => `statement ${Number(n) + 1}`);
}

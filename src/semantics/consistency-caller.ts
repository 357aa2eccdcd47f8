import { parseAccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import { callerKeys, lowerCased, type ContextEntry } from "./derive-context.js";
import { quoted, type ExplicitKey, type ExplicitKeys } from "./explicit-context.js";
import { globMatches, parseGlob } from "./glob.js";
import { parseBool } from "./operators/bool.js";
import type { AccessRequest, Caller } from "./request.js";

/** Names as IAM and STS allow them. Source: IAM User Guide, "IAM and AWS STS quotas"; STS API reference, AssumeRole. */
const NAME_WITH_PATH = /^([!-~]+\/)?[\w+=,.@-]{1,64}$/;
const SESSION_NAME = /^[\w+=,.@:-]{2,64}$/;
const FEDERATED_NAME = /^[\w+=,.@-]{2,32}$/;
const UNIQUE_ID = { AIDA: /^AIDA[A-Z0-9]{12,124}$/, AROA: /^AROA[A-Z0-9]{12,124}$/ };

type Person = Exclude<Caller, { readonly kind: "service" }>;

/** What cannot be true of a caller, by itself and beside the keys that the request states. */
export function callerInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
  found: string[],
): void {
  const { caller } = request;
  if (caller.kind === "service") {
    if (!SERVICE_NAME.test(caller.name)) found.push(`${quoted(caller.name)} is no service principal`);
    serviceKeys(caller, keys, found);
    return;
  }
  personForm(caller, facts, found);
  personKeys(caller, keys, found);
  credentialKeys(caller, keys, found);
}

/** All names of services that AWS documents are in lower case. Source: IAM User Guide, "AWS services that work with IAM". */
const SERVICE_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;

/** IAM keys do not come with service principals; what the account keys would hold is not documented, so they may. */
function serviceKeys(caller: Caller, keys: ExplicitKeys, found: string[]): void {
  let derived: ReadonlyMap<string, ContextEntry> | undefined;
  for (const k of keys.values()) {
    const origin = k.facts?.origin;
    if ((origin !== "caller" && origin !== "caller-account") || k.values.length === 0) continue;
    derived ??= lowerCased(callerKeys(caller));
    const entry = derived.get(k.lower);
    if (entry === undefined) {
      if (k.lower === "kms:calleraccount" || k.lower === "aws:principalaccount") continue;
      found.push(`${k.name} is never there when a service principal calls`);
    } else if (entry.kind === "values" && !entry.values.slice(0, 1).every((v) => k.values.includes(v))) {
      found.push(`${k.name} contradicts the caller`);
    }
  }
}

function personForm(caller: Person, facts: KeyFacts, found: string[]): void {
  if (parseAccountId(caller.account) === undefined) found.push(`${quoted(caller.account)} is no account id`);
  if (caller.partition !== facts.partition) {
    found.push("the caller is of another partition than the key, and cannot reach it");
  }
  const check = (form: RegExp, name: string, what: string): void => {
    if (!form.test(name)) found.push(`${quoted(name)} is no name of a ${what}`);
  };
  const id = (prefix: keyof typeof UNIQUE_ID, value: string | undefined): void => {
    if (value !== undefined && !UNIQUE_ID[prefix].test(value)) {
      found.push(`${quoted(value)} is no unique id that begins with ${prefix}`);
    }
  };
  switch (caller.kind) {
    case "root":
      return;
    case "user":
      check(NAME_WITH_PATH, caller.name, "user");
      id("AIDA", caller.uniqueId);
      return;
    case "session":
      check(NAME_WITH_PATH, caller.role, "role");
      check(SESSION_NAME, caller.session, "session");
      id("AROA", caller.uniqueId);
      if (caller.rolePathUnknown === true && caller.role.includes("/")) {
        found.push("the path of the role is given and said to be unknown");
      }
      return;
    case "federated-user":
      check(FEDERATED_NAME, caller.name, "federated user");
      if (caller.user !== undefined) check(NAME_WITH_PATH, caller.user, "user");
  }
}

/** Every caller key that the request states must be the caller's own; those of services are never there. */
function personKeys(caller: Person, keys: ExplicitKeys, found: string[]): void {
  let derived: ReadonlyMap<string, ContextEntry> | undefined;
  for (const k of keys.values()) {
    if (k.facts?.origin !== "caller") continue;
    if (k.lower === "aws:principalorgid" || k.lower === "aws:principalorgpaths") continue;
    derived ??= lowerCased(callerKeys(caller));
    const problem = personKey(k, derived.get(k.lower) ?? { kind: "absent" }, caller);
    if (problem !== undefined) found.push(problem);
  }
}

function personKey(k: ExplicitKey, entry: ContextEntry, caller: Person): string | undefined {
  const [value] = k.values;
  if (value === undefined) {
    return entry.kind === "absent" ? undefined : `${k.name} is always there for this caller`;
  }
  if (entry.kind === "absent") return `${k.name} is never there for this caller`;
  if (entry.kind === "unknown") {
    return userIdFits(value, caller) ? undefined : `${k.name} contradicts the caller`;
  }
  if (entry.values.includes(value)) return undefined;
  const like = entry.orLike !== undefined && globMatches(parseGlob(entry.orLike.pattern), value);
  return like ? undefined : `${k.name} contradicts the caller`;
}

/** aws:userid of a caller whose unique id is not given: it must still have the form for that kind of caller. */
function userIdFits(value: string, caller: Person): boolean {
  if (caller.kind !== "session") return UNIQUE_ID.AIDA.test(value);
  const [id = "", session] = value.split(/:(.*)/s);
  return UNIQUE_ID.AROA.test(id) && session === caller.session;
}

/**
 * What credentials show, beside who has them. Source: IAM User Guide, "AWS global condition context keys", "IAM and AWS
 * STS condition context keys" (texts of 2026): sessions of roles show how the role was assumed, root users have no tags.
 */
function credentialKeys(caller: Person, keys: ExplicitKeys, found: string[]): void {
  let asked = false;
  for (const k of keys.values()) {
    if (k.facts?.origin !== "caller-account") continue;
    asked = true;
    if (k.values.length === 0) continue;
    if (caller.kind !== "session" && isOfRoleSession(k)) {
      found.push(`${k.name} is only there for sessions of roles`);
    } else if (DELIVERED.has(k.lower) && k.values[0]?.split(":")[4] !== caller.account) {
      found.push(`${k.name} is not in the caller's account`);
    }
    if (caller.kind === "root" && k.lower.startsWith("aws:principaltag/")) {
      found.push(`${k.name} is never there for a root user`);
    }
    if (caller.kind !== "root" && k.lower === "aws:assumedroot") {
      found.push(`${k.name} is only there for sessions of AssumeRoot`);
    }
  }
  if (asked) temporaryCredentials(caller, keys, found);
}

/** ARNs of the resource that a role's credentials were delivered to: in the role's own account. */
const DELIVERED = new Set(["ec2:sourceinstancearn", "lambda:sourcefunctionarn", "ssm:sourceinstancearn"]);

/** Keys of the credentials of roles, how they were assumed and what they were delivered to. */
function isOfRoleSession({ lower }: ExplicitKey): boolean {
  return OF_ROLE_SESSION.has(lower) || FEDERATION.some((family) => lower.startsWith(family));
}

const OF_ROLE_SESSION = new Set([
  ...DELIVERED,
  "aws:sourceidentity",
  "aws:federatedprovider",
  "aws:chatbotsourcearn",
  "aws:ec2instancesourcevpc",
  "aws:ec2instancesourceprivateipv4",
  "ec2:roledelivery",
  "identitystore:userid",
  "identitystore:identitystorearn",
  "glue:credentialissuingservice",
  "glue:roleassumedby",
  "codebuild:buildarn",
  "codebuild:projectarn",
]);

const FEDERATION = [
  "saml:",
  "cognito-identity.amazonaws.com:",
  "accounts.google.com:",
  "graph.facebook.com:",
  "www.amazon.com:",
];

/** aws:TokenIssueTime and the keys of multi-factor authentication come with temporary credentials alone. */
function temporaryCredentials(caller: Person, keys: ExplicitKeys, found: string[]): void {
  const issued = keys.get("aws:tokenissuetime");
  const present = keys.get("aws:multifactorauthpresent");
  const age = keys.get("aws:multifactorauthage");
  if (issued === undefined && present === undefined && age === undefined) return;
  const session = caller.kind === "session" || caller.kind === "federated-user";
  if (session && issued?.values.length === 0) {
    found.push("aws:TokenIssueTime is always there for temporary credentials");
  }
  const used = present?.values[0] === undefined ? undefined : parseBool(present.values[0]);
  const aged = age !== undefined && age.values.length > 0;
  if (aged && present !== undefined && used !== true) {
    found.push("aws:MultiFactorAuthAge is only there where aws:MultiFactorAuthPresent is true");
  }
  if (used === true && age?.values.length === 0) {
    found.push("aws:MultiFactorAuthAge is always there where aws:MultiFactorAuthPresent is true");
  }
  if (session) return;
  const temporary = (issued?.values.length ?? 0) > 0 || used !== undefined || aged;
  if (temporary && issued?.values.length === 0) {
    found.push("aws:MultiFactorAuthPresent is only there for temporary credentials, with aws:TokenIssueTime");
  }
  if (temporary && present?.values.length === 0) {
    found.push("aws:MultiFactorAuthPresent is always there for temporary credentials of users");
  }
}

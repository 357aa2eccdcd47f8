import { parseAccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import { callerKeys, lowerCased, type ContextEntry } from "./derive-context.js";
import { quoted, soleValue, type ExplicitKey, type ExplicitKeys } from "./explicit-context.js";
import { globMatches, parseGlob } from "./glob.js";
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

const SERVICE_NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/;

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

/** ARNs of the resource that a role's credentials were delivered to: in the role's own account, and only for sessions. */
function credentialKeys(caller: Person, keys: ExplicitKeys, found: string[]): void {
  for (const { name, lower } of CREDENTIAL_KEYS) {
    const value = soleValue(keys, lower);
    if (value === undefined) continue;
    if (caller.kind !== "session") found.push(`${name} is only there for sessions of roles`);
    else if (value.split(":")[4] !== caller.account) found.push(`${name} is not in the caller's account`);
  }
}

const CREDENTIAL_KEYS = ["ec2:SourceInstanceArn", "lambda:SourceFunctionArn", "ssm:SourceInstanceArn"].map(
  (name) => ({ name, lower: name.toLowerCase() }),
);

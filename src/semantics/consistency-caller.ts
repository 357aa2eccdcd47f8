import { parseAccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import { callerKeys } from "./derive-context.js";
import { quoted, soleValue, type ExplicitKeys } from "./explicit-context.js";
import { globMatches, parseGlob } from "./glob.js";
import type { AccessRequest, Caller } from "./request.js";

/** Names as IAM and STS allow them. Source: IAM User Guide, "IAM and AWS STS quotas"; STS API reference, AssumeRole. */
const NAME_WITH_PATH = /^([!-~]+\/)?[\w+=,.@:-]{1,64}$/;
const SESSION_NAME = /^[\w+=,.@:-]{2,64}$/;
const FEDERATED_NAME = /^[\w+=,.@-]{2,32}$/;
const UNIQUE_ID = { AIDA: /^AIDA[A-Z0-9]{12,124}$/, AROA: /^AROA[A-Z0-9]{12,124}$/ };

type Person = Exclude<Caller, { readonly kind: "service" }>;

/** What cannot be true of a caller, by itself and beside the keys that the request states. */
export function callerInconsistencies(request: AccessRequest, facts: KeyFacts, keys: ExplicitKeys): string[] {
  const { caller } = request;
  if (caller.kind === "service") return [...serviceForm(caller.name), ...serviceKeys(caller, keys)];
  return [...personForm(caller, facts), ...personKeys(caller, keys), ...credentialKeys(caller, keys)];
}

function serviceForm(name: string): string[] {
  return /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/.test(name) ? [] : [`${quoted(name)} is no service principal`];
}

/** IAM keys do not come with service principals; what the account keys would hold is not documented, so they may. */
function serviceKeys(caller: Caller, keys: ExplicitKeys): string[] {
  const derived = callerKeys(caller);
  const ofServices = new Set(
    [...Object.keys(derived), "kms:CallerAccount", "aws:PrincipalAccount"].map((name) => name.toLowerCase()),
  );
  return [...keys.values()].flatMap((k) => {
    const origin = k.facts?.origin;
    if ((origin !== "caller" && origin !== "caller-account") || k.values.length === 0) return [];
    if (!ofServices.has(k.lower)) return [`${k.name} is never there when a service principal calls`];
    const [expected] = Object.entries(derived)
      .filter(([name]) => name.toLowerCase() === k.lower)
      .flatMap(([, entry]) => (entry.kind === "values" ? entry.values : []));
    return expected === undefined || k.values.includes(expected) ? [] : [`${k.name} contradicts the caller`];
  });
}

function personForm(caller: Person, facts: KeyFacts): string[] {
  const account =
    parseAccountId(caller.account) === undefined ? [`${quoted(caller.account)} is no account id`] : [];
  const partition =
    caller.partition === facts.partition
      ? []
      : ["the caller is of another partition than the key, and cannot reach it"];
  return [...account, ...partition, ...nameForm(caller)];
}

function nameForm(caller: Person): string[] {
  const check = (form: RegExp, name: string, what: string): string[] =>
    form.test(name) ? [] : [`${quoted(name)} is no name of a ${what}`];
  const id = (prefix: keyof typeof UNIQUE_ID, value: string | undefined): string[] =>
    value === undefined || UNIQUE_ID[prefix].test(value)
      ? []
      : [`${quoted(value)} is no unique id that begins with ${prefix}`];
  switch (caller.kind) {
    case "root":
      return [];
    case "user":
      return [...check(NAME_WITH_PATH, caller.name, "user"), ...id("AIDA", caller.uniqueId)];
    case "session": {
      const path = caller.rolePathUnknown === true && caller.role.includes("/");
      return [
        ...check(NAME_WITH_PATH, caller.role, "role"),
        ...check(SESSION_NAME, caller.session, "session"),
        ...id("AROA", caller.uniqueId),
        ...(path ? ["the path of the role is given and said to be unknown"] : []),
      ];
    }
    case "federated-user":
      return [
        ...check(FEDERATED_NAME, caller.name, "federated user"),
        ...(caller.user === undefined ? [] : check(NAME_WITH_PATH, caller.user, "user")),
      ];
  }
}

/** Every caller key that the request states must be the caller's own; those of services are never there. */
function personKeys(caller: Person, keys: ExplicitKeys): string[] {
  const stated = [...keys.values()].filter(
    (k) => k.facts?.origin === "caller" && !/^aws:principalorg(id|paths)$/.test(k.lower),
  );
  if (stated.length === 0) return [];
  const derived = new Map(
    Object.entries(callerKeys(caller)).map(([name, entry]) => [name.toLowerCase(), entry]),
  );
  return stated.flatMap((k) => {
    const entry = derived.get(k.lower) ?? { kind: "absent" };
    const [value] = k.values;
    if (value === undefined)
      return entry.kind === "absent" ? [] : [`${k.name} is always there for this caller`];
    if (entry.kind === "absent") return [`${k.name} is never there for this caller`];
    if (entry.kind === "unknown") return userIdForm(k.name, value, caller);
    const like = entry.orLike !== undefined && globMatches(parseGlob(entry.orLike.pattern), value);
    return like || entry.values.includes(value) ? [] : [`${k.name} contradicts the caller`];
  });
}

/** aws:userid of a caller whose unique id is not given: it must still have the form for that kind of caller. */
function userIdForm(name: string, value: string, caller: Person): string[] {
  const [id = "", session] = value.split(/:(.*)/s);
  const fits =
    caller.kind === "session"
      ? UNIQUE_ID.AROA.test(id) && session === caller.session
      : UNIQUE_ID.AIDA.test(value);
  return fits ? [] : [`${name} contradicts the caller`];
}

/** ARNs of the resource that a role's credentials were delivered to: in the role's own account, and only for sessions. */
function credentialKeys(caller: Person, keys: ExplicitKeys): string[] {
  return ["ec2:SourceInstanceArn", "lambda:SourceFunctionArn", "ssm:SourceInstanceArn"].flatMap((name) => {
    const value = soleValue(keys, name);
    if (value === undefined) return [];
    if (caller.kind !== "session") return [`${name} is only there for sessions of roles`];
    return value.split(":")[4] === caller.account ? [] : [`${name} is not in the caller's account`];
  });
}

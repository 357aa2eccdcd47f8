import type { AccountId } from "../../src/domain/ids.js";
import type { PrincipalEntry } from "../../src/policy/ast.js";
import { parsePrincipal } from "../../src/semantics/arn.js";
import type { Caller } from "../../src/semantics/request.js";
import { instantiate, nearMiss } from "./near.js";
import type { Random } from "./random.js";
import type { Topics } from "./topics.js";
import {
  FEDERATED,
  NAMED_ACCOUNTS,
  ROLE_ID,
  ROLES,
  SERVICE_ROLE,
  SERVICES,
  SESSIONS,
  STRANGER,
  USER_ID,
  USERS,
} from "./vocabulary.js";

export type Person = Exclude<Caller, { readonly kind: "service" }>;

const ROLE_ID_FORM = /^AROA[A-Z0-9]{12,124}$/;
const USER_ID_FORM = /^AIDA[A-Z0-9]{12,124}$/;

/** Somebody who calls: whom the documents name, whom they nearly name, or anybody. */
export function caller(r: Random, topics: Topics): Caller {
  for (let tries = 0; ; tries += 1) {
    const drawn = anyCaller(r, topics);
    const inside = drawn.kind !== "service" && topics.insiders.has(drawn.account);
    if (!inside || tries === 4 || r.chance(8)) return drawn;
  }
}

function anyCaller(r: Random, topics: Topics): Caller {
  return r.weighted<Caller>(
    [45, () => (topics.principals.length === 0 ? person(r, topics) : near(r, topics))],
    [12, () => byArn(r, topics)],
    [28, () => person(r, topics)],
    [15, () => service(r, topics)],
  );
}

function near(r: Random, topics: Topics): Caller {
  const entry = r.pick(topics.principals);
  return r.chance(75) ? ofEntry(r, entry, topics) : ofEntry(r, changed(r, entry), topics);
}

/** Somebody whose ARN fits a pattern of the documents. */
function byArn(r: Random, topics: Topics): Caller {
  if (topics.principalPatterns.length === 0) return person(r, topics);
  const pattern = r
    .pick(topics.principalPatterns)
    .replace(/^\*+:?/, `arn:${topics.place.partition}:iam::${account(r, topics)}:role/`);
  const text = instantiate(r, pattern.replace("::*:", `::${account(r, topics)}:`));
  const entry = parsePrincipal(text);
  return entry === undefined ? person(r, topics) : ofEntry(r, entry, topics);
}

/** The entry with another account, name or path. */
function changed(r: Random, entry: PrincipalEntry): PrincipalEntry {
  switch (entry.kind) {
    case "user":
    case "role":
    case "federated-user":
      return r.chance(50)
        ? { ...entry, name: r.chance(50) ? nearMiss(r, entry.name) : `team/${entry.name}` }
        : { ...entry, account: r.pick([...NAMED_ACCOUNTS, STRANGER]) as AccountId };
    case "session":
      return r.chance(50)
        ? { ...entry, session: nearMiss(r, entry.session) }
        : { ...entry, role: nearMiss(r, entry.role) };
    case "service":
      return { ...entry, name: nearMiss(r, entry.name) };
    case "everyone":
    case "account":
    case "unique-id":
    case "refused":
      return entry;
  }
}

function ofEntry(r: Random, entry: PrincipalEntry, topics: Topics): Caller {
  const { partition } = topics.place;
  switch (entry.kind) {
    case "account":
      return person(r, topics, entry.account);
    case "user":
      return r.chance(20)
        ? {
            kind: "federated-user",
            account: entry.account,
            partition,
            name: r.pick(FEDERATED),
            user: entry.name,
          }
        : { kind: "user", account: entry.account, partition, name: entry.name, uniqueId: userId(r, topics) };
    case "role":
      return session(r, topics, entry.account, entry.name);
    case "session": {
      const role = r.chance(70) ? entry.role : `team/${entry.role}`;
      return { ...session(r, topics, entry.account, role), session: entry.session };
    }
    case "federated-user":
      return {
        kind: "federated-user",
        account: entry.account,
        partition,
        name: entry.name,
        user: r.pick(USERS),
      };
    case "service":
      return { kind: "service", name: entry.name };
    case "everyone":
    case "unique-id":
    case "refused":
      return person(r, topics);
  }
}

/** An account that the documents name, or nobody's. */
export function account(r: Random, topics: Topics): AccountId {
  for (let tries = 0; ; tries += 1) {
    const drawn = anyAccount(r, topics);
    if (!topics.insiders.has(drawn) || tries === 2 || r.chance(10)) return drawn;
  }
}

function anyAccount(r: Random, topics: Topics): AccountId {
  return r.weighted<string>(
    [3, () => (topics.accounts.length === 0 ? STRANGER : instantiate(r, r.pick(topics.accounts)))],
    [3, () => r.pick(NAMED_ACCOUNTS)],
    [4, () => STRANGER],
    [2, () => r.text("0123456789", 12)],
  ) as AccountId;
}

function person(r: Random, topics: Topics, of = account(r, topics)): Person {
  const base = { account: of, partition: topics.place.partition };
  return r.weighted<Person>(
    [5, () => session(r, topics, of, r.chance(4) ? SERVICE_ROLE : r.pick(ROLES))],
    [3, () => ({ kind: "user", ...base, name: r.pick(USERS), uniqueId: userId(r, topics) })],
    [2, () => ({ kind: "root", ...base })],
    [2, () => ({ kind: "federated-user", ...base, name: r.pick(FEDERATED), user: r.pick(USERS) })],
  );
}

function session(
  r: Random,
  topics: Topics,
  of: AccountId,
  role: string,
): Extract<Person, { readonly kind: "session" }> {
  const wanted = topics.userids.length === 0 ? undefined : instantiate(r, r.pick(topics.userids));
  const [id = "", name = ""] = (wanted ?? "").split(/:(.*)/s);
  return {
    kind: "session",
    account: of,
    partition: topics.place.partition,
    role,
    session: name.length > 1 ? name : r.pick(SESSIONS),
    uniqueId: ROLE_ID_FORM.test(id) ? id : r.chance(30) ? ROLE_ID : `AROA${r.text("ABCDEFGH234567", 17)}`,
  };
}

function userId(r: Random, topics: Topics): string {
  const wanted = topics.userids.length === 0 ? "" : instantiate(r, r.pick(topics.userids));
  if (USER_ID_FORM.test(wanted)) return wanted;
  return r.chance(30) ? USER_ID : `AIDA${r.text("ABCDEFGH234567", 17)}`;
}

function service(r: Random, topics: Topics): Caller {
  const named = topics.services.length > 0 && r.chance(60);
  return { kind: "service", name: named ? instantiate(r, r.pick(topics.services)) : r.pick(SERVICES) };
}

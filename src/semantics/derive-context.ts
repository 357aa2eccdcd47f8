import type { KeyFacts } from "../domain/key.js";
import { actionFacts } from "./actions.js";
import { principalArn } from "./arn.js";
import { conditionKeyFacts, type KeyOrigin } from "./condition-keys.js";
import { ABSENT, type ContextEntry, many, one, type Rows, unknownEntry } from "./context-entry.js";
import { credentialKeys } from "./credential-keys.js";
import type { DoubtId } from "./doubts.js";
import type { AccessRequest, Caller, Context, KeyDocument } from "./request.js";

export type { ContextEntry, Rows } from "./context-entry.js";

/** The condition keys of one request; names are lower case. */
export interface RequestContext {
  /** What the request states itself. */
  readonly stated: ReadonlyMap<string, ContextEntry>;
  /** A key that follows from the caller, the key and so on; asked for by name and origin. */
  readonly derived: (lower: string, origin: KeyOrigin | undefined) => ContextEntry | undefined;
  /** All keys, those that follow from the caller and the key included. */
  readonly entries: () => ReadonlyMap<string, ContextEntry>;
  /** False: the tags of the key were not read, so any tag may be there. */
  readonly tagsKnown: boolean;
}

/** A fact about the key that is always a value, if only it was read. */
function fact(value: string | undefined): ContextEntry {
  return value === undefined ? unknownEntry("key-fact-unknown", true) : one(value);
}

/**
 * The condition keys of a request: those that follow from the caller, the key and the encryption context, overridden
 * by the explicit ones. Key names are compared without case.
 * Source: IAM User Guide, "AWS global condition context keys"; KMS Developer Guide, "AWS KMS condition keys"
 * (texts of 2026).
 */
export function deriveContext(request: AccessRequest, key: KeyDocument): RequestContext {
  const stated = new Map<string, ContextEntry>();
  for (const [name, value] of encryptionContextKeys(request)) stated.set(name, value);
  for (const [name, value] of Object.entries(request.context)) {
    stated.set(name.toLowerCase(), typeof value === "string" ? one(value) : many(value));
  }
  const rows = new Map<KeyOrigin, ReadonlyMap<string, ContextEntry>>();
  return {
    stated,
    derived: (lower, origin) => {
      if (origin === undefined) return undefined;
      if (lower.startsWith("sts:") && request.caller.kind !== "service")
        return unknownEntry("sts-key", false);
      let row = rows.get(origin);
      if (row === undefined) {
        row = lowerCased(...derivedRows(origin, request, key));
        rows.set(origin, row);
      }
      return row.get(lower);
    },
    entries: () => new Map([...derivedEntries(request, key), ...stated]),
    tagsKnown: key.facts.tags !== undefined,
  };
}

/** The keys that follow from the caller, the path, the clock and the key. */
function derivedEntries(request: AccessRequest, key: KeyDocument): (readonly [string, ContextEntry])[] {
  return DERIVED.flatMap((origin) => [...lowerCased(...derivedRows(origin, request, key))]);
}

/** The same by names in lower case; later rows win. */
export function lowerCased(...all: readonly Rows[]): ReadonlyMap<string, ContextEntry> {
  const lower = new Map<string, ContextEntry>();
  for (const rows of all) {
    for (const [name, entry] of Object.entries(rows)) lower.set(name.toLowerCase(), entry);
  }
  return lower;
}

const DERIVED = ["caller", "caller-account", "path", "transport", "time", "key", "request"] as const;

const NO_ROWS: readonly Rows[] = [];

/** The derived keys of one origin: see `condition-keys.ts`. */
function derivedRows(origin: KeyOrigin, request: AccessRequest, key: KeyDocument): readonly Rows[] {
  const { caller } = request;
  switch (origin) {
    case "caller":
      return [callerKeys(caller), callerOrganization(caller, key.facts)];
    case "path":
      return [pathKeys(request.context)];
    case "transport":
      return [{ "aws:SecureTransport": one("true") }];
    case "time":
      return [timeKeys(request.time)];
    case "key":
      return [keyKeys(key.facts), keyOrganization(key.facts)];
    case "request":
      return [requestKeys(request, key.facts)];
    case "caller-account":
      return [credentialKeys(request)];
    case "service-source":
    case "network":
    case "free":
    case "never":
      return NO_ROWS;
  }
}

/**
 * The context with some keys left open (names in lower case): the request may carry any value under them, or none. What
 * depends on one is doubtful (`request-open`), so that an answer which is not doubtful holds for every such request.
 */
export function withOpenKeys(context: RequestContext, open: ReadonlySet<string>): RequestContext {
  if (open.size === 0) return context;
  const entry = unknownEntry("request-open", false);
  return withEntries(context, new Map([...open].map((name) => [name, entry])));
}

/** The context with keys that are not known, each for its own reason (names in lower case). */
export function withUnknownKeys(
  context: RequestContext,
  unknown: ReadonlyMap<string, { readonly doubt: DoubtId; readonly present: boolean }>,
): RequestContext {
  if (unknown.size === 0) return context;
  const entries = [...unknown].map(
    ([name, { doubt, present }]) => [name, unknownEntry(doubt, present)] as const,
  );
  return withEntries(context, new Map(entries));
}

function withEntries(context: RequestContext, more: ReadonlyMap<string, ContextEntry>): RequestContext {
  const opened = (known: ReadonlyMap<string, ContextEntry>): Map<string, ContextEntry> =>
    new Map([...known, ...more]);
  return { ...context, stated: opened(context.stated), entries: () => opened(context.entries()) };
}

/**
 * The context as policies of the key's side see it. kms:ResourceAliases is a key for IAM policies (KMS Developer Guide,
 * kms:ResourceAliases, "Policy type: IAM policies only"): in a key policy it may hold what it does there, or nothing.
 */
export function onKeySide(context: RequestContext, facts: Pick<KeyFacts, "aliases">): RequestContext {
  // A key without aliases has none to show anywhere.
  if ((facts.aliases?.length ?? 0) === 0 && !context.stated.has(ALIASES)) return context;
  const perhaps = (entry: ContextEntry | undefined): ContextEntry | undefined =>
    entry?.kind === "values" ? { ...entry, orAbsent: "aliases-in-key-policy" } : entry;
  const stated = perhaps(context.stated.get(ALIASES));
  return {
    tagsKnown: context.tagsKnown,
    entries: context.entries,
    stated: stated === undefined ? context.stated : new Map([...context.stated, [ALIASES, stated]]),
    derived: (lower, origin) => {
      const entry = context.derived(lower, origin);
      return origin === "key" && lower === ALIASES ? perhaps(entry) : entry;
    },
  };
}

const ALIASES = "kms:resourcealiases";

/** What the request holds under a key, whatever the case of its name. */
export function contextEntry(context: RequestContext, name: string): ContextEntry {
  const lower = name.toLowerCase();
  const stated = context.stated.get(lower);
  if (stated !== undefined) return stated;
  const facts = conditionKeyFacts(lower);
  const entry = context.derived(lower, facts?.origin);
  if (entry !== undefined) return entry;
  if (lower.startsWith("aws:resourcetag/") && !context.tagsKnown)
    return unknownEntry("key-fact-unknown", false);
  return facts === undefined ? unknownEntry("unknown-condition-key", false) : ABSENT;
}

/** The known keys and values of a context, for people to read. */
export function knownContext(context: Pick<RequestContext, "entries">): Context {
  const known = [...context.entries()].flatMap(([lower, entry]) => {
    if (entry.kind !== "values") return [];
    const facts = conditionKeyFacts(lower);
    const family = facts !== undefined && /[:/]$/.test(facts.name);
    const name =
      facts === undefined ? lower : family ? facts.name + lower.slice(facts.name.length) : facts.name;
    const [first] = entry.values;
    return first === undefined ? [] : [[name, entry.values.length === 1 ? first : entry.values] as const];
  });
  return Object.fromEntries(known);
}

/**
 * The encryption context of a request: as it was given, and as the explicit condition keys say.
 */
export function encryptionContextOf(request: AccessRequest): Readonly<Record<string, string>> {
  const given = request.encryptionContext ?? NO_PAIRS;
  let explicit: [string, string][] | undefined;
  for (const [name, value] of Object.entries(request.context)) {
    if (name.length <= PAIR.length || typeof value !== "string") continue;
    if (name.slice(0, PAIR.length).toLowerCase() !== PAIR) continue;
    explicit ??= [];
    explicit.push([name.slice(PAIR.length), value]);
  }
  if (explicit === undefined) return given;
  const lower = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  return { ...Object.fromEntries(explicit.filter(([name]) => !lower.has(name.toLowerCase()))), ...given };
}

const PAIR = "kms:encryptioncontext:";
const NO_PAIRS: Readonly<Record<string, string>> = {};

/**
 * Keys that follow from who calls. What AWS puts into the account keys and aws:PrincipalArn when a service principal
 * calls is not documented; they are taken to be absent, so a positive test fails and a negated one holds.
 */
export function callerKeys(caller: Caller): Rows {
  if (caller.kind === "service") {
    return {
      "aws:PrincipalIsAWSService": one("true"),
      "aws:PrincipalServiceName": one(caller.name),
      "aws:PrincipalServiceNamesList": one(caller.name),
    };
  }
  return {
    "kms:CallerAccount": one(caller.account),
    "aws:PrincipalAccount": one(caller.account),
    "aws:PrincipalArn": principalArnEntry(caller),
    "aws:PrincipalType": one(PRINCIPAL_TYPES[caller.kind]),
    "aws:userid": userid(caller),
    "aws:username":
      caller.kind === "user" ? one(caller.name.slice(caller.name.lastIndexOf("/") + 1)) : ABSENT,
    "aws:PrincipalIsAWSService": one("false"),
  };
}

type Person = Exclude<Caller, { readonly kind: "service" }>;

/** Source: IAM User Guide, "IAM policy elements: Variables and tags", table of principal key values. */
const PRINCIPAL_TYPES: Readonly<Record<Person["kind"], string>> = {
  root: "Account",
  user: "User",
  session: "AssumedRole",
  "federated-user": "FederatedUser",
};

/** aws:PrincipalArn; where the path of the role is not known, the value may have any path. */
function principalArnEntry(caller: Person): ContextEntry {
  const arn = principalArn(caller) ?? "";
  if (caller.kind !== "session" || caller.rolePathUnknown !== true) return one(arn);
  const pattern = `arn:${caller.partition}:iam::${caller.account}:role/*/${caller.role}`;
  return { kind: "values", values: [arn], orLike: { pattern, doubt: "caller-fact-unknown" } };
}

/** aws:userid, always present. Source: as {@link PRINCIPAL_TYPES}. */
function userid(caller: Person): ContextEntry {
  switch (caller.kind) {
    case "root":
      return one(caller.account);
    case "federated-user":
      return one(`${caller.account}:${caller.name}`);
    case "user":
      return caller.uniqueId === undefined ? unknownEntry("caller-fact-unknown", true) : one(caller.uniqueId);
    case "session": {
      const { uniqueId, session, sessionChosen } = caller;
      if (uniqueId === undefined) return unknownEntry("caller-fact-unknown", true);
      const any = { pattern: `${uniqueId}:*`, doubt: "request-open" } as const;
      return {
        kind: "values",
        values: [`${uniqueId}:${session}`],
        ...(sessionChosen === true ? { orLike: any } : {}),
      };
    }
  }
}

/** The organization of the key's account, and of a caller of that same account. */
export function organizationKeys(caller: Caller, facts: KeyFacts): Rows {
  return { ...keyOrganization(facts), ...callerOrganization(caller, facts) };
}

function keyOrganization(facts: KeyFacts): Rows {
  const { id, paths } = organizationEntries(facts);
  return { "aws:ResourceOrgID": id, "aws:ResourceOrgPaths": paths };
}

function callerOrganization(caller: Caller, facts: KeyFacts): Rows {
  if (caller.kind === "service" || caller.account !== facts.account) return {};
  const { id, paths } = organizationEntries(facts);
  return { "aws:PrincipalOrgID": id, "aws:PrincipalOrgPaths": paths };
}

function organizationEntries(facts: KeyFacts): { readonly id: ContextEntry; readonly paths: ContextEntry } {
  switch (facts.organization.kind) {
    case "absent":
      return { id: ABSENT, paths: ABSENT };
    case "unknown":
    case "unreadable": {
      const entry = unknownEntry("organization-unknown", false);
      return { id: entry, paths: entry };
    }
    case "present": {
      const { id, path } = facts.organization.value;
      return {
        id: one(id),
        paths: path === undefined ? unknownEntry("organization-unknown", true) : one(path),
      };
    }
  }
}

/**
 * A request that a service makes with the caller's credentials says so in several keys. The list of services in
 * aws:CalledVia has its ends in two more.
 */
function pathKeys(explicit: Context): Rows {
  const via = Object.entries(explicit).some(
    ([name, value]) => /^(kms:viaservice|aws:calledvia(first|last)?)$/i.test(name) && value.length > 0,
  );
  const listed = Object.entries(explicit).find(([name]) => name.toLowerCase() === "aws:calledvia")?.[1] ?? [];
  const chain = typeof listed === "string" ? [listed] : listed;
  const [first] = chain;
  const last = chain.at(-1);
  return {
    "aws:ViaAWSService": one(String(via)),
    ...(first === undefined ? {} : { "aws:CalledViaFirst": one(first) }),
    ...(last === undefined ? {} : { "aws:CalledViaLast": one(last) }),
  };
}

/** The clock, as a date and as seconds. */
function timeKeys(time: number): Rows {
  return {
    "aws:CurrentTime": one(new Date(time * 1000).toISOString()),
    "aws:EpochTime": one(String(Math.floor(time))),
  };
}

/** Facts about the key: constants of its policy. */
export function keyKeys(facts: KeyFacts): Rows {
  return {
    "aws:ResourceAccount": one(facts.account),
    "aws:RequestedRegion": one(facts.region),
    "kms:KeySpec": fact(facts.spec),
    "kms:CustomerMasterKeySpec": fact(facts.spec),
    "kms:KeyUsage": fact(facts.usage),
    "kms:CustomerMasterKeyUsage": fact(facts.usage),
    "kms:KeyOrigin": fact(facts.origin),
    "kms:MultiRegion": fact(facts.multiRegion === undefined ? undefined : String(facts.multiRegion)),
    "kms:MultiRegionKeyType": multiRegionKeyType(facts),
    ...keyNameKeys(facts),
  };
}

/** Those of {@link keyKeys} that the owner of a key names it by. */
export function keyNameKeys(facts: Pick<KeyFacts, "aliases" | "tags">): Rows {
  const tags = Object.entries(facts.tags ?? {}).map(([name, value]) => [
    `aws:ResourceTag/${name}`,
    one(value),
  ]);
  return {
    "kms:ResourceAliases":
      facts.aliases === undefined ? unknownEntry("key-fact-unknown", false) : many(facts.aliases),
    ...(Object.fromEntries(tags) as Rows),
  };
}

/** Absent on single-Region keys. */
function multiRegionKeyType(facts: KeyFacts): ContextEntry {
  if (facts.multiRegionKeyType !== undefined) return one(facts.multiRegionKeyType);
  return facts.multiRegion === false ? ABSENT : unknownEntry("key-fact-unknown", facts.multiRegion === true);
}

/**
 * A symmetric key has one algorithm, and KMS fills it in where the parameter is left out. With other keys it is a
 * parameter that the request must state.
 */
function requestKeys(request: AccessRequest, facts: KeyFacts): Rows {
  if (actionFacts(request.action)?.keyGroups.includes("encryption-algorithm") !== true) return {};
  if (facts.spec === undefined) return { "kms:EncryptionAlgorithm": unknownEntry("key-fact-unknown", true) };
  return facts.spec === "SYMMETRIC_DEFAULT" ? { "kms:EncryptionAlgorithm": one("SYMMETRIC_DEFAULT") } : {};
}

/**
 * The encryption context of the request. Names of condition keys are compared without case, so pairs whose keys differ
 * only in case come together under one key.
 */
function encryptionContextKeys(request: AccessRequest): ReadonlyMap<string, ContextEntry> {
  const carried = actionFacts(request.action)?.keyGroups.includes("encryption-context") === true;
  const pairs = carried ? Object.entries(encryptionContextOf(request)) : [];
  if (pairs.length === 0) return NO_ENTRIES;
  const entries = new Map<string, ContextEntry>();
  for (const [name, value] of pairs) {
    const lower = `kms:encryptioncontext:${name.toLowerCase()}`;
    const before = entries.get(lower);
    entries.set(lower, many([...(before?.kind === "values" ? before.values : []), value]));
  }
  entries.set("kms:encryptioncontextkeys", many(pairs.map(([name]) => name)));
  return entries;
}

const NO_ENTRIES: ReadonlyMap<string, ContextEntry> = new Map();

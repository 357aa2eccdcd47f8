import type { AccountId, ActionName } from "../domain/ids.js";
import { parseAccountId, parseKeyArn, parseKmsAction, partitionOfRegion } from "../domain/ids.js";
import type { Json } from "./json.js";
import { child, list, object, text } from "./json.js";
import { sourceNetwork } from "./network.js";
import { deniedRequest, outcome } from "./outcome.js";
import { caller } from "./principal.js";
import type { UsageEntry } from "./types.js";

/** A call of one action on one key. */
export interface Call {
  /** A key ARN; an alias ARN that has yet to be resolved; or "" where the record does not tell. */
  readonly target: string;
  /** Everything that {@link UsageEntry} tells apart. */
  readonly entry: Omit<UsageEntry, "count" | "firstSeen" | "lastSeen">;
}

/** What a call is told apart by, before it is put in order. */
export type CallParts = Pick<
  Call["entry"],
  "principal" | "action" | "contextKeys" | "sourceNetwork" | "outcome"
> & {
  readonly [K in "account" | "via" | "delegate" | "requestAlias" | "contextTruncated"]:
    | Call["entry"][K]
    | undefined;
};

/** A call with its fields always in the same order, so that its JSON is its identity. */
export function makeCall(target: string, parts: CallParts): Call {
  return {
    target,
    entry: {
      principal: parts.principal,
      ...(parts.account === undefined ? {} : { account: parts.account }),
      ...(parts.via === undefined ? {} : { via: parts.via }),
      ...(parts.delegate === undefined ? {} : { delegate: parts.delegate }),
      action: parts.action,
      ...(parts.requestAlias === undefined ? {} : { requestAlias: parts.requestAlias }),
      contextKeys: parts.contextKeys,
      ...(parts.contextTruncated === undefined ? {} : { contextTruncated: parts.contextTruncated }),
      sourceNetwork: parts.sourceNetwork,
      outcome: parts.outcome,
    },
  };
}

/** What one record of CloudTrail says. */
export type Reading =
  /** Not about KMS, or not a call that uses a key (ListKeys, GenerateRandom, KMS's own rotation). */
  | { readonly kind: "other"; readonly trail: TrailMark | undefined; readonly excludesKms: boolean }
  | {
      readonly kind: "calls";
      readonly trail: TrailMark | undefined;
      /** What copies of the same event in other trails share. */
      readonly id: string;
      readonly shared: boolean;
      /** Seconds since 1970. */
      readonly time: number;
      readonly calls: readonly Call[];
    }
  /** It says that it is from KMS, and lacks what every record has. */
  | { readonly kind: "malformed"; readonly detail: string };

/** Whose trail a record is from, and when it happened. */
export interface TrailMark {
  readonly account: AccountId;
  readonly region: string;
  readonly time: number;
}

const KMS = "kms.amazonaws.com";
const REGION = /^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$/;
/** Names in an encryption context that are kept of one call, and characters of each. */
const MAX_CONTEXT_KEYS = 32;
const MAX_CONTEXT_KEY = 256;

/** Calls that are not on a key, so no key policy decides them. Source: Service Authorization Reference, AWS KMS. */
const WITHOUT_KEY = new Set([
  "ListKeys",
  "ListAliases",
  "CreateKey",
  "GenerateRandom",
  "CreateCustomKeyStore",
  "ConnectCustomKeyStore",
  "DescribeCustomKeyStores",
  "DisconnectCustomKeyStore",
  "UpdateCustomKeyStore",
  "DeleteCustomKeyStore",
  "ListRetirableGrants",
]);

/** Reads a record that JSON.parse has made. */
export function readRecord(value: unknown): Reading {
  const record = object(value);
  const trail = trailMark(record);
  if (text(record, "eventSource") !== KMS) {
    return { kind: "other", trail, excludesKms: excludesKms(record) };
  }
  const name = text(record, "eventName");
  const time = seconds(text(record, "eventTime"));
  const region = text(record, "awsRegion");
  const id = eventId(record);
  if (name === undefined || time === undefined || region === undefined || id === undefined) {
    return {
      kind: "malformed",
      detail: "a record of KMS without eventName, eventTime, awsRegion or eventID",
    };
  }
  // What KMS does by itself (rotation, deletion at the end of the waiting period) is nobody's request.
  const own = text(record, "eventType") === "AwsServiceEvent";
  // The same call is there as a management event as well, unless the endpoint's policy stopped it.
  const copy =
    (text(record, "eventCategory") === "NetworkActivity" || text(record, "eventType") === "AwsVpceEvents") &&
    text(record, "errorCode") !== "VpceAccessDenied";
  if (own || copy || WITHOUT_KEY.has(name)) return { kind: "other", trail, excludesKms: false };
  return {
    kind: "calls",
    trail,
    id,
    shared: text(record, "sharedEventID") !== undefined,
    time,
    calls: callsOf(record, name, region),
  };
}

/** Account, Region and time of a record, where all of them are in order. */
function trailMark(record: Json): TrailMark | undefined {
  const account = parseAccountId(text(record, "recipientAccountId") ?? "");
  const region = text(record, "awsRegion");
  const time = seconds(text(record, "eventTime"));
  if (account === undefined || region === undefined || time === undefined || !REGION.test(region))
    return undefined;
  return { account, region, time };
}

/**
 * `sharedEventID` is the same in the trails of caller and owner. An addendum that corrects an event names the event that
 * it corrects. Source: CloudTrail User Guide, "CloudTrail record contents", sharedEventID and addendum.
 */
function eventId(record: Json): string | undefined {
  return (
    text(record, "sharedEventID") ??
    text(child(record, "addendum"), "originalEventID") ??
    text(record, "eventID")
  );
}

function callsOf(record: Json, name: string, region: string): readonly Call[] {
  const who = caller(record);
  const parameters = child(record, "requestParameters");
  const ended = outcome(record);
  const at: Place = {
    record,
    region,
    account: who.account ?? parseAccountId(text(record, "recipientAccountId") ?? ""),
  };
  const make = (action: ActionName, key: Named, context: unknown): Call =>
    makeCall(key.target, {
      ...who,
      action,
      requestAlias: key.alias,
      contextTruncated: undefined,
      ...contextKeys(context),
      sourceNetwork: sourceNetwork(record),
      outcome: ended,
    });
  const keys = keyResources(record);
  if (name === "ReEncrypt") return reEncrypt(make, at, parameters, keys, ended.kind === "denied");
  const action = parseKmsAction(`kms:${name}`);
  if (action === undefined) return [];
  const context = parameters["encryptionContext"];
  const requested = named(text(parameters, "keyId") ?? text(parameters, "targetKeyId"), at);
  // UpdateAlias needs the permission on both keys, the old one and the new one.
  if (name === "UpdateAlias" && keys.length > 1) {
    return keys.map((target) => make(action, { target, alias: undefined }, context));
  }
  const denied = ended.kind === "denied" ? deniedRequest(record) : undefined;
  const target =
    keys[0] ??
    (requested.target !== "" && parseKeyArn(requested.target) !== undefined ? requested.target : undefined) ??
    responseKey(record) ??
    (denied?.resource !== undefined && parseKeyArn(denied.resource) !== undefined
      ? denied.resource
      : undefined) ??
    requested.target;
  return [make(action, { target, alias: requested.alias }, context)];
}

/**
 * Two actions on two keys. The resources name the source key and the destination key, in that order. Source: KMS
 * Developer Guide, "ReEncrypt" under "Examples of AWS KMS log entries".
 */
function reEncrypt(
  make: (action: ActionName, key: Named, context: unknown) => Call,
  at: Place,
  parameters: Json,
  keys: readonly string[],
  wasDenied: boolean,
): readonly Call[] {
  const from = named(text(parameters, "sourceKeyId"), at);
  const to = named(text(parameters, "destinationKeyId"), at);
  const known = (n: Named): string | undefined =>
    parseKeyArn(n.target) === undefined ? undefined : n.target;
  const only = keys.length === 1 ? keys[0] : undefined;
  const destination = keys[1] ?? known(to) ?? only ?? to.target;
  // A single resource is the source unless it is the destination, which the request always names.
  const source =
    (keys.length > 1 ? keys[0] : undefined) ??
    known(from) ??
    (only !== destination ? only : undefined) ??
    from.target;
  const reading = make(FROM, { target: source, alias: from.alias }, parameters["sourceEncryptionContext"]);
  const writing = make(
    TO,
    { target: destination, alias: to.alias },
    parameters["destinationEncryptionContext"],
  );
  if (!wasDenied) return [reading, writing];
  // Only one of the two was refused; of the other nothing is known.
  const refused = deniedRequest(at.record);
  const on =
    refused.resource !== undefined && parseKeyArn(refused.resource) !== undefined
      ? refused.resource
      : undefined;
  if (refused.action === TO) return [on === undefined ? writing : { ...writing, target: on }];
  if (refused.action === FROM) return [on === undefined ? reading : { ...reading, target: on }];
  return [{ ...reading, target: "" }];
}

const FROM = action("kms:ReEncryptFrom");
const TO = action("kms:ReEncryptTo");

function action(name: string): ActionName {
  const parsed = parseKmsAction(name);
  if (parsed === undefined) throw new Error(`not an action: ${name}`);
  return parsed;
}

interface Place {
  readonly record: Json;
  readonly region: string;
  /** Whose keys and aliases a bare id or name means: the caller's. */
  readonly account: AccountId | undefined;
}

interface Named {
  readonly target: string;
  readonly alias: string | undefined;
}

/** What a request's key id means: a key ARN, a key id, an alias ARN or an alias name. */
function named(keyId: string | undefined, at: Place): Named {
  const nothing: Named = { target: "", alias: undefined };
  if (keyId === undefined || keyId.length > 2048) return nothing;
  if (parseKeyArn(keyId) !== undefined) return { target: keyId, alias: undefined };
  const alias = /^(?:(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}):)?(alias\/[A-Za-z0-9/_-]{1,250})$/.exec(keyId);
  const here =
    at.account === undefined || !REGION.test(at.region)
      ? undefined
      : `arn:${partitionOfRegion(at.region)}:kms:${at.region}:${at.account}`;
  if (alias !== null) {
    const owner = alias[1] ?? here;
    const name = alias[2] ?? "";
    return { target: owner === undefined ? "" : `${owner}:${name}`, alias: name };
  }
  if (here === undefined || !/^[A-Za-z0-9-]{1,64}$/.test(keyId)) return nothing;
  return { target: `${here}:key/${keyId}`, alias: undefined };
}

/** The keys among the resources, in their order. */
function keyResources(record: Json): readonly string[] {
  const found: string[] = [];
  for (const resource of list(record, "resources").slice(0, 16)) {
    const from = object(resource);
    const arn = text(from, "ARN") ?? text(from, "arn");
    if (arn !== undefined && arn.length <= 2048 && parseKeyArn(arn) !== undefined) found.push(arn);
  }
  return found;
}

/** KMS writes the key's ARN into the answer of management operations. Source: "Logging AWS KMS API calls". */
function responseKey(record: Json): string | undefined {
  const answer = child(record, "responseElements");
  for (const arn of [text(answer, "keyId"), text(child(answer, "keyMetadata"), "arn")]) {
    if (arn !== undefined && parseKeyArn(arn) !== undefined) return arn;
  }
  return undefined;
}

function contextKeys(context: unknown): Pick<UsageEntry, "contextKeys" | "contextTruncated"> {
  const names: string[] = [];
  let truncated = false;
  for (const name in object(context)) {
    if (names.length >= MAX_CONTEXT_KEYS) {
      truncated = true;
      break;
    }
    if (name.length > MAX_CONTEXT_KEY) truncated = true;
    else names.push(name);
  }
  names.sort();
  return truncated ? { contextKeys: names, contextTruncated: true } : { contextKeys: names };
}

/**
 * Somebody told a trail to leave out KMS. Source: KMS Developer Guide, "Excluding AWS KMS events from a trail"; for
 * advanced event selectors the CloudTrail API reference, AdvancedFieldSelector.
 */
function excludesKms(record: Json): boolean {
  if (text(record, "eventSource") !== "cloudtrail.amazonaws.com") return false;
  if (text(record, "eventName") !== "PutEventSelectors" || text(record, "errorCode") !== undefined)
    return false;
  const parameters = child(record, "requestParameters");
  const basic = list(parameters, "eventSelectors").some((selector) =>
    list(object(selector), "excludeManagementEventSources").includes(KMS),
  );
  return (
    basic ||
    list(parameters, "advancedEventSelectors").some((selector) =>
      list(object(selector), "fieldSelectors").some((field) => {
        const of = object(field);
        return text(of, "field") === "eventSource" && list(of, "notEquals").includes(KMS);
      }),
    )
  );
}

/** Seconds since 1970 of an RFC 3339 time in UTC, as CloudTrail writes it; undefined for anything else. */
export function seconds(time: string | undefined): number | undefined {
  if (time === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(time)) return undefined;
  const ms = Date.parse(time);
  const whole = Math.floor(ms / 1000);
  return Number.isNaN(ms) || whole < 0 || whole > 0xffffffff ? undefined : whole;
}

import { randomUUID } from "node:crypto";
import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { Access } from "./access.js";
import { requireAccountLevel } from "./account-access.js";
import { ServiceError } from "./errors.js";
import type { Identity } from "./identity.js";
import { isObject } from "./input.js";

/** Events that are kept; the oldest go first. */
const KEPT = 20_000;
const PAGE = 50;
/** What CloudTrail never shows: plaintext and key material. */
const HIDDEN = new Set(["plaintext", "ciphertextblob", "message", "keymaterial", "dryrun"]);

/** One call of KMS that is to be recorded. */
export interface TrailCall {
  readonly identity: Identity;
  readonly region: string;
  /** Without its service, e.g. `Decrypt`. */
  readonly operation: string;
  /** The body of the request. */
  readonly body: Buffer;
  /** Key ARN, where the call is about a key. */
  readonly key: string | undefined;
  /** Undefined: it was done. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Kept {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly at: number;
  readonly id: string;
  /** Written down only when somebody asks: most calls nobody looks up. */
  readonly call: TrailCall;
}

/**
 * The event history of all accounts: calls of KMS as CloudTrail records them. A call to another account's key stands in
 * both accounts' histories, one that was denied in the caller's alone. Delivered at once, which CloudTrail does not do.
 * Source: CloudTrail User Guide, "CloudTrail record contents"; KMS Developer Guide, "Logging AWS KMS API calls".
 */
export class Trail {
  private readonly events: Kept[] = [];

  /** Records a call. */
  add(call: TrailCall): void {
    const { identity, region, operation, error, at } = call;
    const key = parseKeyArn(call.key ?? "");
    const owner = key === undefined ? undefined : keyArnParts(key).account;
    const accounts = new Set([
      ...(identity.account === undefined ? [] : [identity.account as string]),
      ...(owner === undefined || error !== undefined ? [] : [owner as string]),
    ]);
    for (const account of accounts) {
      this.events.push({ account, region, name: operation, at, id: randomUUID(), call });
    }
    if (this.events.length > 2 * KEPT) this.events.splice(0, this.events.length - KEPT);
  }

  /**
   * cloudtrail:LookupEvents, newest first. Source: CloudTrail API reference, LookupEvents.
   * @throws ServiceError for a caller who may not, and for parameters that are wrong.
   */
  lookup(
    identity: Identity,
    region: string,
    parameters: Readonly<Record<string, unknown>>,
    access: Access,
    now: number,
  ): Readonly<Record<string, unknown>> {
    const wanted = { action: "cloudtrail:LookupEvents", resource: "*", now };
    const account = requireAccountLevel(access, identity, wanted);
    const from = seconds(parameters["StartTime"]) ?? 0;
    const to = seconds(parameters["EndTime"]) ?? Number.MAX_SAFE_INTEGER;
    if (from > to) throw new ServiceError("InvalidTimeRangeException", "The end is before the start.");
    const attributes: readonly unknown[] = Array.isArray(parameters["LookupAttributes"])
      ? parameters["LookupAttributes"]
      : [];
    if (attributes.length > 1) {
      throw new ServiceError("InvalidLookupAttributesException", "At most one attribute can be looked up.");
    }
    const [attribute] = attributes.filter(isObject);
    const found = this.events.filter(
      (e) =>
        e.account === account &&
        e.region === region &&
        Math.floor(e.at / 1000) >= from &&
        e.at / 1000 <= to + 1 &&
        (attribute === undefined || has(e, attribute)),
    );
    const token = parameters["NextToken"];
    const start = typeof token === "string" && /^[0-9]{1,9}$/.test(token) ? Number(token) : 0;
    const page = found.reverse().slice(start, start + PAGE);
    return {
      Events: page.map((e) => ({
        EventId: e.id,
        EventName: e.name,
        EventTime: e.at / 1000,
        EventSource: "kms.amazonaws.com",
        CloudTrailEvent: JSON.stringify(recordOf(e.call, e.account, e.id)),
      })),
      ...(start + PAGE < found.length ? { NextToken: String(start + PAGE) } : {}),
    };
  }
}

function has(
  event: Kept,
  { AttributeKey: key, AttributeValue: value }: Readonly<Record<string, unknown>>,
): boolean {
  switch (key) {
    case "EventSource":
      return value === "kms.amazonaws.com";
    case "EventName":
      return value === event.name;
    case "EventId":
      return value === event.id;
    default:
      throw new ServiceError(
        "InvalidLookupAttributesException",
        "The sandbox looks events up by EventSource, EventName and EventId.",
      );
  }
}

/** Times of the JSON protocol are seconds since the epoch. */
function seconds(value: unknown): number | undefined {
  return typeof value === "number" ? Math.floor(value) : undefined;
}

function recordOf(call: TrailCall, account: string, id: string): unknown {
  const { identity, error, key } = call;
  return {
    eventVersion: "1.11",
    userIdentity: userIdentity(identity),
    eventTime: new Date(call.at).toISOString().replace(/\.\d+Z$/, "Z"),
    eventSource: "kms.amazonaws.com",
    eventName: call.operation,
    awsRegion: call.region,
    sourceIPAddress: address(identity),
    userAgent: "keyward sandbox",
    ...(error === undefined
      ? {}
      : {
          errorCode: error.code === "AccessDeniedException" ? "AccessDenied" : error.code,
          errorMessage: error.message,
        }),
    requestParameters: parametersOf(jsonOf(call.body)),
    responseElements: null,
    requestID: id,
    eventID: id,
    readOnly: !/^(Create|Put|Revoke|Retire|Schedule|Disable|Enable|Tag|Untag|Update|Delete|Cancel)/.test(
      call.operation,
    ),
    resources:
      key?.includes(":key/") === true
        ? [{ accountId: key.split(":")[4], type: "AWS::KMS::Key", ARN: key }]
        : [],
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: account,
    eventCategory: "Management",
  };
}

function address({ context }: Identity): string {
  const ip = context["aws:SourceIp"];
  return typeof ip === "string" ? ip : "192.0.2.10";
}

function userIdentity(identity: Identity): unknown {
  const { caller, arn, userId, account, context } = identity;
  const via = context["kms:ViaService"];
  const invokedBy =
    typeof via === "string" ? { invokedBy: via.replace(/^([a-z0-9-]+)\.[a-z0-9-]+\./, "$1.") } : {};
  switch (caller.kind) {
    case "service":
      return { type: "AWSService", invokedBy: caller.name };
    case "session": {
      const role = `arn:${caller.partition}:iam::${caller.account}:role/${caller.role}`;
      const [principalId] = userId.split(":");
      return {
        type: "AssumedRole",
        principalId: userId,
        arn,
        accountId: account,
        sessionContext: {
          sessionIssuer: {
            type: "Role",
            principalId,
            arn: role,
            accountId: account,
            userName: caller.role.split("/").at(-1),
          },
        },
        ...invokedBy,
      };
    }
    case "root":
      return { type: "Root", principalId: account, arn, accountId: account, ...invokedBy };
    case "federated-user":
      return { type: "FederatedUser", principalId: userId, arn, accountId: account, ...invokedBy };
    case "user": {
      const userName = caller.name.split("/").at(-1);
      return { type: "IAMUser", principalId: userId, arn, accountId: account, userName, ...invokedBy };
    }
  }
}

/** The JSON value of a body; undefined for what is none. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Members as CloudTrail spells them, with a small first letter. */
function parametersOf(parameters: unknown): unknown {
  if (!isObject(parameters)) return null;
  const shown = Object.entries(parameters).filter(([name]) => !HIDDEN.has(name.toLowerCase()));
  return Object.fromEntries(
    shown.map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
  );
}

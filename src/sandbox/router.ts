import { KMS_OPERATIONS } from "./operations/index.js";
import type { Call, Services } from "./operations/operation.js";
import { faultTarget } from "./fault-target.js";
import type { Callers } from "./callers.js";
import { unrecognized } from "./callers.js";
import type { CallersFile } from "./callers-file.js";
import { ServiceError } from "./errors.js";
import type { Faults, Struck } from "./faults.js";
import { IAM_OPERATIONS } from "./iam/index.js";
import type { Identity } from "./identity.js";
import { Input, isObject, parseJsonBody } from "./input.js";
import { ORG_OPERATIONS } from "./organizations/index.js";
import type { Asker, Quotas } from "./quotas.js";
import { meddle } from "./world/meddle.js";
import { describeRegions, listAccountRegions } from "./region-calls.js";
import type { Regions } from "./regions.js";
import {
  ACCOUNT,
  CLOUDTRAIL,
  EC2,
  EC2_NAMESPACE,
  IAM,
  IAM_NAMESPACE,
  JSON_TYPE,
  KMS,
  ORGANIZATIONS,
  type Protocol,
  type Reply,
  STS,
  STS_NAMESPACE,
  jsonReply,
  xmlReply,
} from "./reply.js";
import type { HttpRequest, Outcome } from "./server.js";
import { type Scope, readScope } from "./signature.js";
import { assumeRole, getCallerIdentity } from "./sts.js";
import { assumeRoleWithWebIdentity } from "./sts-web-identity.js";
import { jsonOf, type Trail } from "./trail.js";
import type { Xml } from "./xml.js";

/** Everything that answers requests of AWS clients. */
export interface Desk {
  readonly services: Services;
  readonly callers: Callers;
  readonly rules: CallersFile;
  readonly regions: Regions;
  /** Undefined: sessions last as long as was asked for. */
  readonly sessionSeconds: number | undefined;
  readonly faults: Faults;
  /** The event history of all accounts. */
  readonly trail: Trail;
  /** Undefined: no request is too many. */
  readonly quotas: Quotas | undefined;
  /** How long GetKeyPolicy and ListGrants show the former state, in milliseconds. */
  readonly staleMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What became of one request, for counting and logging. */
export interface Answered {
  readonly outcome: Outcome;
  /** e.g. `kms:ListKeys`; `unknown` for what is no operation. */
  readonly operation: string;
  /** `ok`, the code of a refusal, `reset` or `hang`. */
  readonly result: string;
  readonly caller: string | undefined;
  /** Key ARN, role ARN or `ACCOUNT/REGION`. */
  readonly target: string | undefined;
  /** The caller's `ACCOUNT/REGION`. */
  readonly place: string | undefined;
  /** Milliseconds that a fault makes the answer wait. */
  readonly slowMs: number;
}

/** A request whose service and operation are known, before anybody has looked at who sent it. */
interface Job {
  readonly protocol: Protocol;
  readonly operation: string;
  /** What faults are aimed at. */
  readonly target: (identity: Identity, scope: Scope) => string;
  /** Undefined: the service has no such operation. */
  readonly run: ((identity: Identity, scope: Scope, now: number, staleMs: number) => Reply) | undefined;
  /** A request that nobody signs: what faults are aimed at, and the operation. */
  readonly unsigned?: { readonly target: string; readonly run: (now: number) => Reply };
}

/** What is learnt of a request on the way. */
interface Seen {
  identity?: Identity;
  region?: string;
  refused?: ServiceError;
  done?: true;
  operation: string;
  slowMs: number;
  caller?: string;
  target?: string;
  place?: string;
}

/**
 * Answers one request of an AWS client, whatever its path: who signs it and for which Region stands in the credential
 * scope. Order: form of the signature, Region, credentials, faults, quotas, then the operation.
 */
export function answerAws(desk: Desk, request: HttpRequest): Answered {
  const seen: Seen = { operation: "unknown", slowMs: 0 };
  const answered = judge(desk, request, seen);
  const { identity, region, operation, refused } = seen;
  if (operation.startsWith("kms:") && identity !== undefined && region !== undefined) {
    desk.trail.add({
      identity,
      region,
      operation: operation.slice("kms:".length),
      body: request.body,
      key: seen.target?.includes(":key/") === true ? seen.target : undefined,
      error: refused === undefined ? undefined : { code: refused.code, message: refused.message },
      at: desk.now(),
    });
  }
  return answered;
}

function judge(desk: Desk, request: HttpRequest, seen: Seen): Answered {
  let protocol: Protocol = KMS;
  const done = (outcome: Outcome, result: string): Answered => ({
    outcome,
    operation: seen.operation,
    result,
    caller: seen.caller,
    target: seen.target,
    place: seen.place,
    slowMs: seen.slowMs,
  });
  try {
    const job = recognize(desk, request);
    protocol = job.protocol;
    seen.operation = job.operation;
    const now = desk.now();
    if (job.unsigned !== undefined) return anonymous(desk, job.unsigned, job.operation, seen, done, now);
    const scope = readScope(request.headers);
    requireService(scope, protocol);
    const identity = desk.callers.identify(scope, now);
    if (!isGlobal(protocol) && desk.regions.isDisabled(identity.account, scope.region)) throw unrecognized();
    seen.caller = identity.arn;
    seen.identity = identity;
    seen.region = scope.region;
    seen.place = place(identity, scope);
    const target = job.target(identity, scope);
    seen.target = target;
    const struck = desk.faults.strike(job.operation, target);
    const { failure } = struck;
    seen.slowMs = struck.slowMs;
    if (failure?.kind === "error") throw failure.error;
    if (failure?.kind === "reset" || failure?.kind === "hang")
      return done({ kind: failure.kind }, failure.kind);
    if (job.run === undefined) {
      throw new ServiceError("UnknownOperationException", `The sandbox does not know ${job.operation}`);
    }
    desk.quotas?.take(asker(desk, identity, scope), job.operation, now);
    const reply = job.run(identity, scope, now, Math.max(desk.staleMs, struck.staleMs));
    if (failure === undefined) return done({ kind: "reply", reply }, "ok");
    seen.done = true;
    return afterwards(desk, failure, reply, target, now, done);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // What was done stands in the trail as done, whatever became of its answer.
    if (seen.done !== true) seen.refused = error;
    return done({ kind: "reply", reply: protocol.refusal(error, request.id) }, error.code);
  }
}

/** A request without a signature: no caller, and so no quota of an account. */
function anonymous(
  desk: Desk,
  job: NonNullable<Job["unsigned"]>,
  operation: string,
  seen: Seen,
  done: (outcome: Outcome, result: string) => Answered,
  now: number,
): Answered {
  seen.target = job.target;
  const { failure, slowMs } = desk.faults.strike(operation, job.target);
  seen.slowMs = slowMs;
  if (failure?.kind === "error") throw failure.error;
  if (failure?.kind === "reset" || failure?.kind === "hang")
    return done({ kind: failure.kind }, failure.kind);
  const reply = job.run(now);
  if (failure === undefined) return done({ kind: "reply", reply }, "ok");
  return afterwards(desk, failure, reply, job.target, now, done);
}

/** The operation was done; what becomes of its answer. */
function afterwards(
  desk: Desk,
  failure: Extract<Struck["failure"], { kind: "after" | "truncate" | "meddle" }>,
  reply: Reply,
  target: string,
  now: number,
  done: (outcome: Outcome, result: string) => Answered,
): Answered {
  switch (failure.kind) {
    case "after":
      if (failure.error !== undefined) throw failure.error;
      return done({ kind: "reset" }, "reset");
    case "truncate":
      return done({ kind: "reply", reply, cut: true }, "truncate");
    case "meddle":
      meddle(desk.services.world, target, now);
      return done({ kind: "reply", reply }, "ok");
  }
}

function asker(desk: Desk, identity: Identity, scope: Scope): Asker {
  const { account } = identity;
  return {
    account: account ?? identity.arn,
    organization: account === undefined ? undefined : desk.services.world.membership(account)?.id,
    region: scope.region,
  };
}

function requireService(scope: Scope, protocol: Protocol): void {
  if (scope.service === protocol.service) return;
  throw new ServiceError(
    "InvalidSignatureException",
    `Credential should be scoped to correct service: '${protocol.service}'.`,
  );
}

/** Services that answer whatever Region a client signs for. */
function isGlobal(protocol: Protocol): boolean {
  return protocol.service === "organizations" || protocol.service === "iam";
}

/** Which service and operation a request means. */
function recognize(desk: Desk, request: HttpRequest): Job {
  const target = request.headers["x-amz-target"];
  if (typeof target === "string") {
    if (TRAIL_TARGET.test(target)) return trailJob(desk, request, target);
    return target.startsWith(ORG_TARGET) ? orgJob(desk, request, target) : kmsJob(desk, request, target);
  }
  if (request.method === "POST" && request.path.endsWith("/listRegions")) return accountJob(desk, request);
  if (
    request.method === "POST" &&
    /^application\/x-www-form-urlencoded\b/i.test(request.headers["content-type"] ?? "")
  ) {
    const parameters = new URLSearchParams(request.body.toString("utf8"));
    switch (parameters.get("Version")) {
      case "2016-11-15":
        return ec2Job(desk, request, parameters);
      case "2010-05-08":
        return iamJob(desk, request, parameters);
      default:
        return stsJob(desk, request, parameters);
    }
  }
  throw new ServiceError(
    "UnknownOperationException",
    "This is no request of KMS, STS, IAM, Organizations, CloudTrail, EC2 or Account",
    404,
  );
}

function kmsJob(desk: Desk, request: HttpRequest, header: string): Job {
  const name = /^TrentService\.([A-Za-z]{1,64})$/.exec(header)?.[1];
  if (name === undefined) return { protocol: KMS, operation: "unknown", target: place, run: undefined };
  const input = readBody(request);
  const call = (identity: Identity, scope: Scope, now: number, staleMs: number): Call => ({
    services: desk.services,
    identity,
    region: scope.region,
    input: input.ok,
    now,
    requestId: request.id,
    staleMs,
  });
  const operation = KMS_OPERATIONS.get(name);
  return {
    protocol: KMS,
    operation: `kms:${name}`,
    target: (identity, scope) => faultTarget(call(identity, scope, 0, 0)) ?? place(identity, scope),
    run:
      operation === undefined
        ? undefined
        : (identity, scope, now, staleMs) => {
            if (input.failure !== undefined) throw input.failure;
            return jsonReply(operation(call(identity, scope, now, staleMs)), request.id, JSON_TYPE);
          },
  };
}

const ORG_TARGET = "AWSOrganizationsV20161128.";

function orgJob(desk: Desk, request: HttpRequest, header: string): Job {
  const text = header.slice(ORG_TARGET.length);
  const name = /^[A-Za-z]{1,64}$/.test(text) ? text : "unknown";
  const input = readBody(request);
  const operation = ORG_OPERATIONS.get(name);
  const { world, access, pager } = desk.services;
  return {
    protocol: ORGANIZATIONS,
    operation: `organizations:${name}`,
    target: place,
    run:
      operation === undefined
        ? undefined
        : (identity, _scope, now) => {
            if (input.failure !== undefined) throw input.failure;
            const body = operation({ world, access, pager, identity, input: input.ok, now });
            return jsonReply(body, request.id, JSON_TYPE);
          },
  };
}

/** SDKs write the long name of the service or the short one. */
const TRAIL_TARGET = /^(?:com\.amazonaws\.cloudtrail\.v20131101\.)?CloudTrail_20131101\./;

function trailJob(desk: Desk, request: HttpRequest, header: string): Job {
  const known = header.replace(TRAIL_TARGET, "") === "LookupEvents";
  const { access } = desk.services;
  return {
    protocol: CLOUDTRAIL,
    operation: known ? "cloudtrail:LookupEvents" : "cloudtrail:unknown",
    target: place,
    run: known
      ? (identity, scope, now) => {
          const parameters = jsonOf(request.body);
          const body = isObject(parameters) ? parameters : {};
          return jsonReply(
            desk.trail.lookup(identity, scope.region, body, access, now),
            request.id,
            JSON_TYPE,
          );
        }
      : undefined,
  };
}

/** A body that cannot be read is refused only after the signature was looked at. */
function readBody(request: HttpRequest): { readonly ok: Input; readonly failure?: ServiceError } {
  try {
    return { ok: parseJsonBody(request.body) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { ok: new Input({}), failure: error };
  }
}

function accountJob(desk: Desk, request: HttpRequest): Job {
  const input = readBody(request);
  return {
    protocol: ACCOUNT,
    operation: "account:ListRegions",
    target: place,
    run: (identity, _scope, now) => {
      if (input.failure !== undefined) throw input.failure;
      const regions = listAccountRegions(identity, input.ok, desk.services.access, desk.regions, now);
      return jsonReply(regions, request.id, "application/json");
    },
  };
}

function ec2Job(desk: Desk, request: HttpRequest, parameters: URLSearchParams): Job {
  const name = actionName(parameters);
  return {
    protocol: EC2,
    operation: `ec2:${name}`,
    target: place,
    run:
      name === "DescribeRegions"
        ? (identity, _scope, now) => {
            const content = describeRegions(
              { identity, parameters, now },
              desk.services.access,
              desk.regions,
            );
            return xmlReply(
              "DescribeRegionsResponse",
              EC2_NAMESPACE,
              withRequestId(content, request.id),
              request.id,
            );
          }
        : undefined,
  };
}

function withRequestId(content: Xml, id: string): Xml {
  return typeof content === "string" ? content : [["requestId", id], ...content];
}

/** An answer of STS or IAM. */
function queryReply(name: string, namespace: string, content: Xml, id: string): Reply {
  const body: Xml = [
    [`${name}Result`, content],
    ["ResponseMetadata", [["RequestId", id]]],
  ];
  return xmlReply(`${name}Response`, namespace, body, id);
}

function iamJob(desk: Desk, request: HttpRequest, parameters: URLSearchParams): Job {
  const name = actionName(parameters);
  const operation = IAM_OPERATIONS.get(name);
  const { world, access, pager } = desk.services;
  return {
    protocol: IAM,
    operation: `iam:${name}`,
    target: place,
    run:
      operation === undefined
        ? undefined
        : (identity, _scope, now) => {
            const content = operation({ world, access, pager, identity, parameters, now });
            return queryReply(name, IAM_NAMESPACE, content, request.id);
          },
  };
}

function stsJob(desk: Desk, request: HttpRequest, parameters: URLSearchParams): Job {
  const name = actionName(parameters);
  const { world, access } = desk.services;
  const { callers, rules, sessionSeconds } = desk;
  const services = { world, access, callers, rules, sessionSeconds };
  const reply = (content: Xml): Reply => queryReply(name, STS_NAMESPACE, content, request.id);
  const runs: Readonly<Record<string, NonNullable<Job["run"]>>> = {
    GetCallerIdentity: (identity, _scope, now) => reply(getCallerIdentity({ identity, parameters, now })),
    AssumeRole: (identity, _scope, now) => reply(assumeRole({ identity, parameters, now }, services)),
  };
  return {
    protocol: STS,
    operation: `sts:${name}`,
    target: (identity, scope) => parameters.get("RoleArn") ?? place(identity, scope),
    run: Object.hasOwn(runs, name) ? runs[name] : undefined,
    ...(name === "AssumeRoleWithWebIdentity"
      ? {
          unsigned: {
            target: parameters.get("RoleArn") ?? "",
            run: (now: number) => reply(assumeRoleWithWebIdentity({ parameters, now }, services)),
          },
        }
      : {}),
  };
}

/** Names of operations end up in element names and statistics, so only letters are let through. */
function actionName(parameters: URLSearchParams): string {
  const name = parameters.get("Action") ?? "";
  return /^[A-Za-z]{1,64}$/.test(name) ? name : "unknown";
}

function place(identity: Identity, scope: Scope): string {
  return `${identity.account ?? identity.arn}/${scope.region}`;
}

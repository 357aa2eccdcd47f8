import { ServiceError } from "./errors.js";
import { faultTarget } from "./fault-target.js";
import { IAM_OPERATIONS } from "./iam/index.js";
import type { Identity } from "./identity.js";
import { Input, isObject, parseJsonBody } from "./input.js";
import { type Desk, type Job, place } from "./job.js";
import { KMS_OPERATIONS } from "./operations/index.js";
import type { Call } from "./operations/operation.js";
import { ORG_OPERATIONS } from "./organizations/index.js";
import { describeRegions, listAccountRegions } from "./region-calls.js";
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
  type Reply,
  STS,
  STS_NAMESPACE,
  jsonReply,
  xmlReply,
} from "./reply.js";
import type { HttpRequest } from "./server.js";
import type { Scope } from "./signature.js";
import { assumeRole, getCallerIdentity } from "./sts.js";
import { assumeRoleWithWebIdentity } from "./sts-web-identity.js";
import { jsonOf } from "./trail.js";
import type { Xml } from "./xml.js";

/** Which service and operation a request means. */
export function recognize(desk: Desk, request: HttpRequest): Job {
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

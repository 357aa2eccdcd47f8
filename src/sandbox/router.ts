import { unrecognized } from "./callers.js";
import { ServiceError } from "./errors.js";
import type { Struck } from "./faults.js";
import type { Identity } from "./identity.js";
import { type Desk, type Job, place } from "./job.js";
import type { Asker } from "./quotas.js";
import { recognize } from "./recognize.js";
import { KMS, type Protocol, type Reply } from "./reply.js";
import type { HttpRequest, Outcome } from "./server.js";
import { type Scope, readScope } from "./signature.js";
import { meddle } from "./world/meddle.js";

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

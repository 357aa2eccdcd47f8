import type { SnapshotLine } from "../snapshot/lines.js";
import { iamAccountOf } from "./known.js";
import { pages } from "./paging.js";
import type { Asked, CallFailure, IamPort } from "./ports.js";

/** What reading IAM needs of a scan. */
export interface IamRun {
  ask<T>(call: string, send: (signal: AbortSignal) => Promise<Asked<T>>): Promise<Asked<T>>;
  emit(line: SnapshotLine): Promise<void>;
  emitIncomplete(where: string, failure: CallFailure): Promise<void>;
}

const CALL = "iam:GetAccountAuthorizationDetails";

/**
 * Reads the users, roles, groups and managed policies of an account and writes their lines, then the account's line,
 * which says whether they are all. A page that fails makes the rest unreadable, and that is an `incomplete` line; what
 * came before is kept, since a role that was seen is a role. True: all was read.
 */
export async function readIam(run: IamRun, iam: IamPort, account: string): Promise<boolean> {
  for await (const page of pages(CALL, (marker) =>
    run.ask(CALL, (signal) => iam.authorizationDetails(marker, signal)),
  )) {
    if (!page.ok) {
      const { code, message } = page.error;
      await run.emit({ type: "account", id: account, iam: { kind: "unreadable", code, message } });
      await run.emitIncomplete(account, { ...page.error, help: page.error.help ?? HELP });
      return false;
    }
    const foreign = page.value.find((entity) => !["aws", account].includes(iamAccountOf(entity.arn) ?? ""));
    if (foreign !== undefined) {
      const failure = ofAnother(foreign.arn, account);
      const { code, message } = failure;
      await run.emit({ type: "account", id: account, iam: { kind: "unreadable", code, message } });
      await run.emitIncomplete(account, failure);
      return false;
    }
    for (const entity of page.value) await run.emit(entity);
  }
  await run.emit({ type: "account", id: account, iam: { kind: "present" } });
  return true;
}

/** The credentials are not those of the account, or something else than AWS answers: nothing is known of the account. */
function ofAnother(arn: string, account: string): CallFailure {
  return {
    kind: "other",
    call: CALL,
    code: "UnexpectedAnswer",
    message: `IAM was asked about account ${account} and told of ${JSON.stringify(arn.slice(0, 200))}. Check which credentials are used and what answers at the endpoint.`,
  };
}

const HELP =
  "Permit iam:GetAccountAuthorizationDetails to the scanning principal, or leave IAM out with --no-iam.";

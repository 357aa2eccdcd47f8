import { KeywardError } from "../domain/result.js";
import type { CallFailure } from "./ports.js";

/** AWS does not accept the credentials, or the role that they first assume refuses them: nothing can be asked. */
export function credentialsRefused(failure: CallFailure): KeywardError {
  // To know whose credentials they are is permitted to everybody; what is refused is a role of --via.
  const role = failure.code.startsWith("AccessDenied");
  return problem(
    role ? "a role on the way to the account cannot be assumed" : "AWS does not accept the credentials",
    failure,
  );
}

/** No service of AWS answers. */
export function awsUnreachable(failure: CallFailure): KeywardError {
  return problem("AWS cannot be reached", failure);
}

/** There is no organization to look at, or it cannot be read at all. */
export function noOrganization(failure: CallFailure): KeywardError {
  return problem(
    failure.code === "AWSOrganizationsNotInUseException"
      ? "the account is in no organization"
      : `the organization cannot be read (${failure.call})`,
    failure,
  );
}

function problem(what: string, failure: CallFailure): KeywardError {
  return new KeywardError({
    what,
    got: `${failure.code}: ${failure.message}`,
    ...(failure.help === undefined ? {} : { next: failure.help }),
  });
}

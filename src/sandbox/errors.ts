/**
 * A refusal that a client sees, with the code and wording of AWS. Operations throw it where AWS would answer it, and
 * `router.ts` turns it into bytes in one place; nothing else in the sandbox throws for what a client sent.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  constructor(
    /** As in the JSON protocol's `__type`; `reply.ts` shortens it for the XML protocols. */
    readonly code: string,
    message: string,
    /** HTTP status. KMS answers 400 to everything that is the client's fault, access included. */
    readonly status = 400,
    /** What the sandbox knows and AWS would not say; sent in a header of its own. */
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** A parameter that breaks the API's constraints. Wording: AWS services built on the Coral framework. */
export function validationError(value: string, member: string, constraint: string): ServiceError {
  return new ServiceError(
    "ValidationException",
    `1 validation error detected: Value ${value} at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

/** A ValidationException in words of its own. */
export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}

/** A key, alias or grant that is not there. */
export function notFound(message: string): ServiceError {
  return new ServiceError("NotFoundException", message);
}

/** The state of a key forbids the operation. */
export function invalidState(message: string): ServiceError {
  return new ServiceError("KMSInvalidStateException", message);
}

/** The policy text cannot be stored. */
export function malformedPolicy(message: string): ServiceError {
  return new ServiceError("MalformedPolicyDocumentException", message);
}

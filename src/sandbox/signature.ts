import type { IncomingHttpHeaders } from "node:http";
import { ServiceError } from "./errors.js";

/** What a request says about who signed it, for which Region and service. The signature itself is not verified. */
export interface Scope {
  readonly accessKeyId: string;
  readonly region: string;
  /** Signing name, e.g. `kms`, `sts`, `ec2`, `account`. */
  readonly service: string;
  readonly sessionToken: string | undefined;
}

const CREDENTIAL = /^([A-Za-z0-9]{1,128})\/([0-9]{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/;

/**
 * Reads the credential scope of a Signature Version 4 header. Keys and secrets of a sandbox are made up, so there is
 * nothing to verify a signature with; but a request that AWS would refuse for its form is refused here too.
 * Source: IAM User Guide, "Create a signed AWS API request" (Authorization header).
 */
export function readScope(headers: IncomingHttpHeaders): Scope {
  const header = headers.authorization;
  if (header === undefined || header.trim() === "") {
    throw new ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const [algorithm = "", ...rest] = header.trim().split(/\s+/);
  if (algorithm !== "AWS4-HMAC-SHA256") {
    throw incomplete(`Unsupported AWS 'algorithm': '${algorithm.slice(0, 32)}' in Authorization header`);
  }
  const fields = new Map(
    rest
      .join("")
      .split(",")
      .map((field): [string, string] => {
        const at = field.indexOf("=");
        return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
      }),
  );
  for (const name of ["Credential", "Signature", "SignedHeaders"]) {
    if ((fields.get(name) ?? "") === "") {
      throw incomplete(`Authorization header requires '${name}' parameter.`);
    }
  }
  const match = CREDENTIAL.exec(fields.get("Credential") ?? "");
  if (match === null) {
    throw incomplete(
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
    );
  }
  if (headers["x-amz-date"] === undefined && headers.date === undefined) {
    throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  const [, accessKeyId = "", , region = "", service = ""] = match;
  const token = headers["x-amz-security-token"];
  return { accessKeyId, region, service, sessionToken: typeof token === "string" ? token : undefined };
}

function incomplete(message: string): ServiceError {
  return new ServiceError("IncompleteSignatureException", message);
}

import { inert } from "../domain/inert.js";
import { ServiceError } from "./errors.js";
import { type Xml, xmlDocument } from "./xml.js";

/** An HTTP answer. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces are sent as they come. */
  readonly body: string | Iterable<string>;
}

/** How an AWS service writes answers and refusals. */
export interface Protocol {
  readonly service: "kms" | "sts" | "ec2" | "account" | "organizations" | "iam" | "cloudtrail";
  readonly refusal: (error: ServiceError, requestId: string) => Reply;
}

const HINT = "x-keyward-hint";

function headers(requestId: string, type: string, hint?: string): Readonly<Record<string, string>> {
  return {
    "content-type": type,
    "x-amzn-requestid": requestId,
    ...(hint === undefined ? {} : { [HINT]: inert(hint, { max: 500 }).replace(/[^\x20-\x7e]/g, "?") }),
  };
}

/** A JSON answer; undefined has an empty body. */
export function jsonReply(
  body: Readonly<Record<string, unknown>> | undefined,
  requestId: string,
  type: string,
): Reply {
  return {
    status: 200,
    headers: headers(requestId, type),
    body: body === undefined ? "" : JSON.stringify(body),
  };
}

/** An XML answer. */
export function xmlReply(root: string, namespace: string, content: Xml, requestId: string): Reply {
  return {
    status: 200,
    headers: headers(requestId, "text/xml"),
    body: xmlDocument(root, namespace, content),
  };
}

export const JSON_TYPE = "application/x-amz-json-1.1";
export const STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";
export const IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/";
export const EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";

/** KMS: AWS JSON 1.1. */
export const KMS: Protocol = {
  service: "kms",
  refusal: (error, id) => jsonRefusal(error, id, JSON_TYPE, error.status),
};

/** CloudTrail: AWS JSON 1.1. */
export const CLOUDTRAIL: Protocol = {
  service: "cloudtrail",
  refusal: (error, id) => jsonRefusal(error, id, JSON_TYPE, error.status),
};

/** Organizations: AWS JSON 1.1. */
export const ORGANIZATIONS: Protocol = {
  service: "organizations",
  refusal: (error, id) => {
    const code = ORGANIZATIONS_CODES[error.code] ?? error.code;
    const named = new ServiceError(code, error.message, error.status, error.hint);
    return jsonRefusal(named, id, JSON_TYPE, error.status);
  },
};

/** Source: Organizations API reference, errors of each operation. */
const ORGANIZATIONS_CODES: Readonly<Record<string, string>> = {
  ThrottlingException: "TooManyRequestsException",
  ValidationException: "InvalidInputException",
  InvalidMarkerException: "InvalidInputException",
};

/** Account Management: REST JSON, whose refusals of access have their own HTTP statuses. */
export const ACCOUNT: Protocol = {
  service: "account",
  refusal: (error, id) =>
    jsonRefusal(error, id, "application/json", error.code === "AccessDeniedException" ? 403 : error.status),
};

function jsonRefusal(error: ServiceError, requestId: string, type: string, status: number): Reply {
  return {
    status,
    headers: { ...headers(requestId, type, error.hint), "x-amzn-errortype": error.code },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

interface QueryCode {
  readonly code: string;
  readonly status: number;
}

/** Codes of the query protocol, where they are not those of the JSON protocol without `Exception`. */
const STS_CODES: Readonly<Record<string, QueryCode>> = {
  UnrecognizedClientException: { code: "InvalidClientTokenId", status: 403 },
  ExpiredTokenException: { code: "ExpiredToken", status: 403 },
  // A token of an identity provider, in contrast to the credentials that sign a request.
  ExpiredIdentityTokenException: { code: "ExpiredTokenException", status: 400 },
  InvalidIdentityTokenException: { code: "InvalidIdentityToken", status: 400 },
  AccessDeniedException: { code: "AccessDenied", status: 403 },
  MissingAuthenticationTokenException: { code: "MissingAuthenticationToken", status: 403 },
  ThrottlingException: { code: "Throttling", status: 400 },
  ValidationException: { code: "ValidationError", status: 400 },
};
const IAM_CODES: Readonly<Record<string, QueryCode>> = {
  ...STS_CODES,
  NoSuchEntityException: { code: "NoSuchEntity", status: 404 },
  InvalidMarkerException: { code: "ValidationError", status: 400 },
  InternalFailure: { code: "ServiceFailure", status: 500 },
};
const EC2_CODES: Readonly<Record<string, QueryCode>> = {
  ...STS_CODES,
  UnrecognizedClientException: { code: "AuthFailure", status: 401 },
  AccessDeniedException: { code: "UnauthorizedOperation", status: 403 },
  ThrottlingException: { code: "RequestLimitExceeded", status: 503 },
  ValidationException: { code: "InvalidParameterValue", status: 400 },
};

function queryCode(table: Readonly<Record<string, QueryCode>>, error: ServiceError): QueryCode {
  return table[error.code] ?? { code: error.code.replace(/Exception$/, ""), status: error.status };
}

/** STS: the query protocol. */
export const STS: Protocol = queryProtocol("sts", STS_CODES, STS_NAMESPACE);

/** IAM: the query protocol. */
export const IAM: Protocol = queryProtocol("iam", IAM_CODES, IAM_NAMESPACE);

function queryProtocol(
  service: "sts" | "iam",
  codes: Readonly<Record<string, QueryCode>>,
  namespace: string,
): Protocol {
  return {
    service,
    refusal: (error, requestId) => {
      const { code, status } = queryCode(codes, error);
      const content: Xml = [
        [
          "Error",
          [
            ["Type", status >= 500 ? "Receiver" : "Sender"],
            ["Code", code],
            ["Message", error.message],
          ],
        ],
        ["RequestId", requestId],
      ];
      return {
        status,
        headers: headers(requestId, "text/xml", error.hint),
        body: xmlDocument("ErrorResponse", namespace, content),
      };
    },
  };
}

/** EC2: the query protocol with an envelope of its own. */
export const EC2: Protocol = {
  service: "ec2",
  refusal: (error, requestId) => {
    const { code, status } = queryCode(EC2_CODES, error);
    const content: Xml = [
      [
        "Errors",
        [
          [
            "Error",
            [
              ["Code", code],
              ["Message", error.message],
            ],
          ],
        ],
      ],
      ["RequestID", requestId],
    ];
    return {
      status,
      headers: headers(requestId, "text/xml", error.hint),
      body: xmlDocument("Response", EC2_NAMESPACE, content),
    };
  },
};

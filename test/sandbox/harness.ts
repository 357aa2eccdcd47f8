import type { SandboxOptions } from "../../src/sandbox/desk.js";
import { openDesk } from "../../src/sandbox/desk.js";
import type { Reply } from "../../src/sandbox/reply.js";
import type { Desk } from "../../src/sandbox/job.js";
import { answerAws } from "../../src/sandbox/router.js";
import type { KeyLine, SnapshotLine } from "../../src/snapshot/lines.js";

/** Accounts of the tests: the owner of the keys, a member of the same organization, and a stranger. */
export const OWNER = "111122223333";
export const MEMBER = "222233334444";
export const STRANGER = "999988887777";
export const ORG = "o-own1234567";
export const REGION = "us-east-1";

/** Access keys of the administrators of these accounts, by the sandbox's convention. */
export const ADMIN = `AKIA${OWNER}`;
export const MEMBER_ADMIN = `AKIA${MEMBER}`;
export const STRANGER_ADMIN = `AKIA${STRANGER}`;

/** What a refused request throws. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    readonly hint: string | undefined,
  ) {
    super(message);
  }
}

/** How to send one request. */
export interface Sender {
  /** Access key id. */
  readonly as?: string;
  readonly region?: string;
  readonly token?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Sends requests to a sandbox without a socket. */
export class Client {
  constructor(readonly desk: Desk) {}

  /** A KMS operation; the answer's body, or {@link Refused}. */
  kms(operation: string, input: Json = {}, sender: Sender = {}): Json {
    const answer = answerAws(this.desk, {
      method: "POST",
      path: "/",
      headers: { ...signed("kms", sender), "x-amz-target": `TrentService.${operation}` },
      body: Buffer.from(JSON.stringify(input)),
      id: "request-1",
    });
    return read(answer.outcome);
  }

  /** A request of the query protocol; the XML text. */
  query(service: "sts" | "ec2", parameters: Readonly<Record<string, string>>, sender: Sender = {}): string {
    const answer = answerAws(this.desk, {
      method: "POST",
      path: "/",
      headers: { ...signed(service, sender), "content-type": "application/x-www-form-urlencoded" },
      body: Buffer.from(new URLSearchParams(parameters).toString()),
      id: "request-1",
    });
    if (answer.outcome.kind !== "reply") throw new Error(answer.outcome.kind);
    return text(answer.outcome.reply);
  }

  /** Temporary credentials of a role, as a sender. */
  assume(roleArn: string, sender: Sender = {}, more: Readonly<Record<string, string>> = {}): Sender {
    const xml = this.query(
      "sts",
      { Action: "AssumeRole", Version: "2011-06-15", RoleArn: roleArn, RoleSessionName: "test", ...more },
      sender,
    );
    const element = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
    if (element("Code") !== "") throw new Refused(element("Code"), element("Message"), 0, undefined);
    return { as: element("AccessKeyId"), token: element("SessionToken") };
  }
}

/** Starts a sandbox without a socket. */
export async function open(options: SandboxOptions = {}): Promise<Client> {
  return new Client(await openDesk({ account: OWNER, ...options }));
}

/** Headers of a signed request; the signature is not looked at. */
export function signed(service: string, sender: Sender): Record<string, string> {
  const credential = `${sender.as ?? ADMIN}/20261123/${sender.region ?? REGION}/${service}/aws4_request`;
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=00`,
    "x-amz-date": "20261123T100000Z",
    ...(sender.token === undefined ? {} : { "x-amz-security-token": sender.token }),
  };
}

function text(reply: Reply): string {
  return typeof reply.body === "string" ? reply.body : [...reply.body].join("");
}

function read(outcome: ReturnType<typeof answerAws>["outcome"]): Json {
  if (outcome.kind !== "reply") throw new Error(outcome.kind);
  const { status, headers } = outcome.reply;
  const body = text(outcome.reply);
  const json = (body === "" ? {} : JSON.parse(body)) as Json;
  if (status === 200) return json;
  throw new Refused(String(json["__type"]), String(json["message"]), status, headers["x-keyward-hint"]);
}

/** What a request was refused with. Fails where it was not. */
export function refusal(send: () => unknown): Refused {
  try {
    send();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error("the request was not refused");
}

/** The ARN of a key of the owner whose id ends with a number. */
export function keyArn(number: number, account = OWNER, region = REGION): string {
  return `arn:aws:kms:${region}:${account}:key/${keyId(number)}`;
}

/** A key id that ends with a number. */
export function keyId(number: number): string {
  return `12345678-1234-1234-1234-${String(number).padStart(12, "0")}`;
}

/** The statement of AWS's default key policy. */
export function rootStatement(account = OWNER): Json {
  return {
    Sid: "root",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: "kms:*",
    Resource: "*",
  };
}

/** A policy text. */
export function policy(...statements: readonly Json[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** An Allow on the key. */
export function allow(principal: unknown, action: unknown, condition?: Json): Json {
  return {
    Effect: "Allow",
    Principal: principal,
    Action: action,
    Resource: "*",
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

/** A key line with AWS's default policy, unless said otherwise. */
export function keyLine(number: number, rest: Partial<KeyLine> = {}): KeyLine {
  return {
    type: "key",
    arn: keyArn(number),
    policy: { kind: "present", text: policy(rootStatement()) },
    ...rest,
  };
}

/** The organization of the owner and the member. */
export const ORGANIZATION: SnapshotLine = {
  type: "organization",
  id: ORG,
  managementAccountId: "555566667777",
  accounts: [
    { id: OWNER, path: `${ORG}/r-ab12/` },
    { id: MEMBER, path: `${ORG}/r-ab12/` },
  ],
};

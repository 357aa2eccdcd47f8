import { parseAccountId } from "../domain/ids.js";
import {
  type ExplicitKey,
  type ExplicitKeys,
  isStated,
  quoted,
  soleValue,
  statedValues,
} from "./explicit-context.js";
import { parseBool } from "./operators/bool.js";
import { parseInstant } from "./operators/date.js";
import { ipContains, parseIpBlock } from "./operators/ip.js";
import type { AccessRequest } from "./request.js";

/** What cannot be true of where, when and by which way a request comes. */
export function environmentInconsistencies(
  request: AccessRequest,
  keys: ExplicitKeys,
  found: string[],
): void {
  networkInconsistencies(keys, found);
  pathInconsistencies(request, keys, found);
  timeInconsistencies(request, keys, found);
}

/** Keys that only requests through a VPC endpoint carry. */
const ENDPOINT_KEYS = [
  "aws:SourceVpc",
  "aws:SourceVpcArn",
  "aws:SourceVpce",
  "aws:VpcSourceIp",
  "aws:VpceAccount",
  "aws:VpceOrgID",
  "aws:VpceOrgPaths",
].map((name) => ({ name, lower: name.toLowerCase() }));

/**
 * Addresses that never stand in aws:SourceIp, which "can only be used for public IP address ranges".
 * Source: RFC 1918, 1122, 3927, 5771, 4193, 4291.
 */
const NOT_PUBLIC = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/3",
  "::/127",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
].flatMap((text) => parseIpBlock(text) ?? []);

/** A request comes from a public address or through a VPC endpoint, not both; KMS only speaks TLS. */
function networkInconsistencies(keys: ExplicitKeys, found: string[]): void {
  const address = soleValue(keys, "aws:sourceip");
  if (address !== undefined) {
    for (const { name, lower } of ENDPOINT_KEYS) {
      if (isStated(keys, lower)) found.push(`aws:SourceIp and ${name} never come together`);
    }
    const block = parseIpBlock(address);
    if (block !== undefined && NOT_PUBLIC.some((range) => ipContains(range, block))) {
      found.push(`aws:SourceIp is never a private address such as ${address}`);
    }
  }
  const vpceAccount = soleValue(keys, "aws:vpceaccount");
  if (vpceAccount !== undefined && parseAccountId(vpceAccount) === undefined) {
    found.push(`aws:VpceAccount ${quoted(vpceAccount)} is no account id`);
  }
  vpcInconsistencies(keys, found);
  const transport = keys.get("aws:securetransport");
  if (transport !== undefined && parseBool(transport.values[0] ?? "") !== true) {
    found.push("aws:SecureTransport is always true: KMS only speaks TLS");
  }
}

/** The ARN of a VPC has one form, and the id in it is that of aws:SourceVpc. */
function vpcInconsistencies(keys: ExplicitKeys, found: string[]): void {
  const arn = soleValue(keys, "aws:sourcevpcarn");
  if (arn === undefined) return;
  const id = VPC_ARN.exec(arn)?.[1];
  if (id === undefined) found.push(`aws:SourceVpcArn ${quoted(arn)} is no ARN of a VPC`);
  const vpc = soleValue(keys, "aws:sourcevpc");
  if (id !== undefined && vpc !== undefined && vpc !== id) {
    found.push("aws:SourceVpc is another VPC than aws:SourceVpcArn");
  }
}

const VPC_ARN = /^arn:aws[a-z-]*:ec2:[a-z-]*[0-9]{0,2}:[0-9]{12}:vpc\/(vpc-[a-z0-9]{1,17})$/;

/** Keys that tell by way of which service a request comes. */
const VIA_KEYS = ["kms:ViaService", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"].map(
  (name) => ({
    name,
    lower: name.toLowerCase(),
  }),
);

/**
 * A service that calls with the caller's rights says so in aws:ViaAWSService; a service principal calls for itself.
 * aws:CalledVia lists the services of the chain in order; aws:CalledViaFirst and aws:CalledViaLast are its ends.
 */
function pathInconsistencies(request: AccessRequest, keys: ExplicitKeys, found: string[]): void {
  const flag = keys.get("aws:viaawsservice");
  const said = flag === undefined ? undefined : parseBool(flag.values[0] ?? "");
  const service = request.caller.kind === "service";
  for (const { name, lower } of VIA_KEYS) {
    if (!isStated(keys, lower)) continue;
    if (service) found.push(`${name} is never there when a service principal calls`);
    if (said === false) found.push(`${name} is only there when aws:ViaAWSService is true`);
  }
  if (service && said === true) found.push("aws:ViaAWSService is false when a service principal calls");
  if (flag?.values.length === 0) found.push("aws:ViaAWSService is always there");
  const chain = statedValues(keys, "aws:calledvia");
  chainEnd("aws:CalledViaFirst", keys.get("aws:calledviafirst"), chain[0], found);
  chainEnd("aws:CalledViaLast", keys.get("aws:calledvialast"), chain.at(-1), found);
}

/** One end of the list of services: it comes with the list, and is in it. */
function chainEnd(
  name: string,
  stated: ExplicitKey | undefined,
  expected: string | undefined,
  found: string[],
): void {
  if (stated === undefined) return;
  const [value] = stated.values;
  if (value !== undefined && expected === undefined) found.push(`${name} is only there with aws:CalledVia`);
  else if (value !== expected) found.push(`${name} contradicts aws:CalledVia`);
}

/** The clock of the request and the keys that show it are one; credentials are not issued in the future. */
function timeInconsistencies(request: AccessRequest, keys: ExplicitKeys, found: string[]): void {
  const seconds = (lower: string): number | undefined => {
    const value = soleValue(keys, lower);
    const instant = value === undefined ? undefined : parseInstant(value);
    return instant === undefined ? undefined : Math.floor(instant.milliseconds / 1000);
  };
  const now = Math.floor(request.time);
  for (const { name, lower } of CLOCK_KEYS) {
    if (keys.has(lower) && seconds(lower) !== now) found.push(`${name} contradicts the time of the request`);
  }
  const issued = seconds("aws:tokenissuetime");
  if (issued !== undefined && issued > now) found.push("aws:TokenIssueTime lies after the request");
}

const CLOCK_KEYS = ["aws:CurrentTime", "aws:EpochTime"].map((name) => ({ name, lower: name.toLowerCase() }));

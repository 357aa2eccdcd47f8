import { parseAccountId } from "../domain/ids.js";
import { quoted, soleValue, statedValues, type ExplicitKeys } from "./explicit-context.js";
import { parseBool } from "./operators/bool.js";
import { parseInstant } from "./operators/date.js";
import { ipContains, parseIpBlock } from "./operators/ip.js";
import type { AccessRequest } from "./request.js";

/** What cannot be true of where, when and by which way a request comes. */
export function environmentInconsistencies(request: AccessRequest, keys: ExplicitKeys): string[] {
  return [
    ...networkInconsistencies(keys),
    ...pathInconsistencies(request, keys),
    ...timeInconsistencies(request, keys),
  ];
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
];

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
function networkInconsistencies(keys: ExplicitKeys): string[] {
  const address = soleValue(keys, "aws:SourceIp");
  const endpoint = ENDPOINT_KEYS.filter((name) => statedValues(keys, name).length > 0);
  const block = address === undefined ? undefined : parseIpBlock(address);
  const vpceAccount = soleValue(keys, "aws:VpceAccount");
  const transport = keys.get("aws:securetransport");
  return [
    ...(address === undefined ? [] : endpoint.map((name) => `aws:SourceIp and ${name} never come together`)),
    ...(block !== undefined && NOT_PUBLIC.some((range) => ipContains(range, block))
      ? [`aws:SourceIp is never a private address such as ${address ?? ""}`]
      : []),
    ...(vpceAccount === undefined || parseAccountId(vpceAccount) !== undefined
      ? []
      : [`aws:VpceAccount ${quoted(vpceAccount)} is no account id`]),
    ...(transport !== undefined && parseBool(transport.values[0] ?? "") !== true
      ? ["aws:SecureTransport is always true: KMS only speaks TLS"]
      : []),
  ];
}

/** A service that calls with the caller's rights says so in aws:ViaAWSService; a service principal calls for itself. */
function pathInconsistencies(request: AccessRequest, keys: ExplicitKeys): string[] {
  const via = ["kms:ViaService", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"].filter(
    (name) => statedValues(keys, name).length > 0,
  );
  const flag = keys.get("aws:viaawsservice");
  const said = flag === undefined ? undefined : parseBool(flag.values[0] ?? "");
  const chain = statedValues(keys, "aws:CalledVia");
  const end = (name: string, expected: string | undefined): string[] => {
    const stated = soleValue(keys, name);
    return chain.length === 0 || stated === undefined || stated === expected
      ? []
      : [`${name} contradicts aws:CalledVia`];
  };
  return [
    ...(request.caller.kind === "service"
      ? via.map((name) => `${name} is never there when a service principal calls`)
      : []),
    ...(request.caller.kind === "service" && said === true
      ? ["aws:ViaAWSService is false when a service principal calls"]
      : []),
    ...(flag !== undefined && flag.values.length === 0 ? ["aws:ViaAWSService is always there"] : []),
    ...(said === false ? via.map((name) => `${name} is only there when aws:ViaAWSService is true`) : []),
    ...end("aws:CalledViaFirst", chain[0]),
    ...end("aws:CalledViaLast", chain.at(-1)),
  ];
}

/** The clock of the request and the keys that show it are one; credentials are not issued in the future. */
function timeInconsistencies(request: AccessRequest, keys: ExplicitKeys): string[] {
  const seconds = (name: string): number | undefined => {
    const value = soleValue(keys, name);
    const instant = value === undefined ? undefined : parseInstant(value);
    return instant === undefined ? undefined : Math.floor(instant.milliseconds / 1000);
  };
  const now = Math.floor(request.time);
  const clock = ["aws:CurrentTime", "aws:EpochTime"].flatMap((name) => {
    const stated = keys.get(name.toLowerCase());
    if (stated === undefined || seconds(name) === now) return [];
    return [`${name} contradicts the time of the request`];
  });
  const issued = seconds("aws:TokenIssueTime");
  const future = issued !== undefined && issued > now ? ["aws:TokenIssueTime lies after the request"] : [];
  return [...clock, ...future];
}

import { parseAccountId } from "../domain/ids.js";
import type { Json } from "./json.js";
import { text } from "./json.js";
import type { SourceNetwork } from "./types.js";

/**
 * Where the request came from. Source: CloudTrail User Guide, "CloudTrail record contents", sourceIPAddress,
 * vpcEndpointId and vpcEndpointAccountId (which name a service instead where AWS's own network was used).
 */
export function sourceNetwork(record: Json): SourceNetwork {
  const endpoint = text(record, "vpcEndpointId");
  if (endpoint !== undefined && /^vpce-[0-9a-f]{8,32}$/.test(endpoint)) {
    const account = parseAccountId(text(record, "vpcEndpointAccountId") ?? "");
    return { kind: "vpc-endpoint", id: endpoint, ...(account === undefined ? {} : { account }) };
  }
  const address = text(record, "sourceIPAddress");
  if (address === undefined) return { kind: "unknown" };
  if (/^(AWS|Amazon) Internal/.test(address) || /\.amazonaws\.com(\.cn)?$/.test(address))
    return { kind: "aws" };
  const octets = /^(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(address);
  if (octets !== null)
    return { kind: isPrivateV4(Number(octets[1]), Number(octets[2])) ? "private-address" : "public-address" };
  if (/^[0-9a-f:.]{2,45}$/i.test(address) && address.includes(":")) {
    // fc00::/7 unique local (RFC 4193), fe80::/10 link-local.
    return { kind: /^(f[cd]|fe[89ab])/i.test(address) ? "private-address" : "public-address" };
  }
  return { kind: "unknown" };
}

/** RFC 1918, RFC 6598 (100.64.0.0/10), loopback and link-local. */
function isPrivateV4(a: number, b: number): boolean {
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}

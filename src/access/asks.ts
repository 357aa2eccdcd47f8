import { filledByService } from "./mentions.js";

/**
 * What the documents of a key ask about, worked out once from the condition keys that occur in them: requests that
 * differ only in what nobody asks about are one request.
 */
export interface Asks {
  /** What kind of principal calls. */
  readonly kind: boolean;
  /** Whether credentials are temporary, and multi-factor authentication was used for them. */
  readonly credentials: boolean;
  readonly principalArn: boolean;
  readonly callerOrganization: boolean;
  readonly sourceOrganization: boolean;
  /** The ARN of a service's source, in whichever key a service puts it. */
  readonly sourceArn: boolean;
  /** The account of a service's source twice: in a source key, and in a pair of the encryption context that services fill. */
  readonly sourceTwice: boolean;
  /** From which network a request comes. */
  readonly network: boolean;
  /** Whose VPC endpoint it comes through. */
  readonly endpointOwner: boolean;
  readonly endpointOrganization: boolean;
  /** By way of which service it comes. */
  readonly via: boolean;
  /** Where the credentials of a role's session were delivered to. */
  readonly instances: readonly InstanceKey[];
}

/** What credentials a caller has: temporary ones of some kind, or long-term ones. */
const CREDENTIAL_KEYS = ["aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage"];
const KIND_KEYS = ["aws:principalarn", "aws:userid", "aws:username", "aws:principaltype", "aws:assumedroot"];
const CALLER_ORG_KEYS = ["aws:principalorgid", "aws:principalorgpaths"];
const SOURCE_ORG_KEYS = ["aws:sourceorgid", "aws:sourceorgpaths"];
const SOURCE_KEYS = ["aws:sourceaccount", "aws:sourceowner", "aws:sourcearn", ...SOURCE_ORG_KEYS];
const ENDPOINT_ORG_KEYS = ["aws:vpceorgid", "aws:vpceorgpaths"];
const ENDPOINT_OWNER_KEYS = ["aws:vpceaccount", ...ENDPOINT_ORG_KEYS];
const NETWORK_KEYS = [
  "aws:sourceip",
  "aws:vpcsourceip",
  "aws:sourcevpc",
  "aws:sourcevpcarn",
  "aws:sourcevpce",
  ...ENDPOINT_OWNER_KEYS,
];
const VIA_KEYS = [
  "kms:viaservice",
  "aws:viaawsservice",
  "aws:calledvia",
  "aws:calledviafirst",
  "aws:calledvialast",
  "kms:grantisforawsresource",
];

/** Keys for where credentials were delivered to: AWS sets these, in the account of the role. */
const INSTANCE_KEYS = ["ec2:sourceinstancearn", "lambda:sourcefunctionarn", "ssm:sourceinstancearn"] as const;
export type InstanceKey = (typeof INSTANCE_KEYS)[number];

/** Whether a key is one of those of {@link InstanceKey}. */
export function isInstanceKey(key: string): key is InstanceKey {
  return INSTANCE_KEYS.some((k) => k === key);
}

const NO_INSTANCES: readonly InstanceKey[] = [];

/** `keys`: the condition keys that occur in the documents, in lower case. */
export function asksOf(keys: ReadonlySet<string>): Asks {
  const any = (names: readonly string[]): boolean => names.some((k) => keys.has(k));
  if (keys.size === 0) return NOTHING;
  const credentials = any(CREDENTIAL_KEYS);
  const instances = any(INSTANCE_KEYS) ? INSTANCE_KEYS.filter((k) => keys.has(k)) : NO_INSTANCES;
  return {
    kind: credentials || any(KIND_KEYS),
    credentials,
    principalArn: keys.has("aws:principalarn"),
    callerOrganization: any(CALLER_ORG_KEYS),
    sourceOrganization: any(SOURCE_ORG_KEYS),
    sourceArn: asksForSourceArn(keys),
    sourceTwice: any(SOURCE_KEYS) && [...keys].some(filledByService),
    network: any(NETWORK_KEYS),
    endpointOwner: any(ENDPOINT_OWNER_KEYS),
    endpointOrganization: any(ENDPOINT_ORG_KEYS),
    via: any(VIA_KEYS),
    instances,
  };
}

const NOTHING: Asks = {
  kind: false,
  credentials: false,
  principalArn: false,
  callerOrganization: false,
  sourceOrganization: false,
  sourceArn: false,
  sourceTwice: false,
  network: false,
  endpointOwner: false,
  endpointOrganization: false,
  via: false,
  instances: NO_INSTANCES,
};

function asksForSourceArn(keys: ReadonlySet<string>): boolean {
  if (keys.has("aws:sourcearn")) return true;
  for (const k of keys) if (filledByService(k)) return true;
  return false;
}

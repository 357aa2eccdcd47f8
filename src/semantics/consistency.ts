import type { KeyFacts } from "../domain/key.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { ConditionKeyFacts } from "./condition-keys.js";
import { callerInconsistencies } from "./consistency-caller.js";
import { environmentInconsistencies } from "./consistency-environment.js";
import { parameterInconsistencies } from "./consistency-parameters.js";
import { keyKeys, organizationKeys, type ContextEntry } from "./derive-context.js";
import {
  explicitKeys,
  quoted,
  soleValue,
  statedValues,
  type ExplicitKey,
  type ExplicitKeys,
} from "./explicit-context.js";
import { textParts } from "./glob.js";
import { parseBool } from "./operators/bool.js";
import { parseInstant } from "./operators/date.js";
import { parseIpBlock } from "./operators/ip.js";
import { parseDecimal } from "./operators/number.js";
import type { AccessRequest, KeyDocument } from "./request.js";

/**
 * Why no request that AWS produces could look like this one; empty where one could. A request that states facts which
 * contradict its caller, its key or each other proves nothing about who can use the key.
 * Sources: IAM User Guide, "AWS global condition context keys"; KMS Developer Guide, "AWS KMS condition keys"; Service
 * Authorization Reference for KMS (texts of 2026).
 */
export function inconsistencies(request: AccessRequest, key: KeyDocument): string[] {
  const keys = explicitKeys(request.context);
  const found: string[] = [];
  callerInconsistencies(request, key.facts, keys, found);
  parameterInconsistencies(request, key.facts, keys, found);
  // The other rules are about keys that the request states.
  if (keys.size === 0) return found;
  shapeInconsistencies(keys, found);
  organizationInconsistencies(request, key.facts, keys, found);
  sourceInconsistencies(request, key.facts, keys, found);
  keyInconsistencies(key.facts, keys, found);
  environmentInconsistencies(request, keys, found);
  return found;
}

/** Single-valued keys hold one value, and typed keys a value of their type. */
function shapeInconsistencies(keys: ExplicitKeys, found: string[]): void {
  for (const { name, values, facts } of keys.values()) {
    if (facts === undefined) continue;
    if (values.length > 1 && !facts.multivalued) found.push(`${name} holds one value, not ${values.length}`);
    for (const value of values) {
      if (!hasType(value, facts.type) || !hasFamily(value, facts))
        found.push(`${name} cannot hold ${quoted(value)}`);
    }
  }
}

/**
 * aws:Ec2InstanceSourcePrivateIPv4 is "the private IPv4 address" of an instance (source: as {@link inconsistencies}), and
 * no request shows an address as IPv4-mapped (RFC 4291, 2.5.5.2): it comes over IPv4 or over IPv6.
 */
function hasFamily(value: string, { name, type }: ConditionKeyFacts): boolean {
  if (type !== "ip") return true;
  const block = parseIpBlock(value);
  if (block?.bits !== 128) return true;
  return name !== "aws:Ec2InstanceSourcePrivateIPv4" && block.address >> 32n !== 0xffffn;
}

/** Texts and ARNs are open: requests carry ARNs that callers made up. But whoever shows an ARN shows something. */
function hasType(value: string, type: NonNullable<ExplicitKey["facts"]>["type"]): boolean {
  switch (type) {
    case "bool":
      return parseBool(value) !== undefined;
    case "number":
      return parseDecimal(value) !== undefined;
    case "date":
      return parseInstant(value) !== undefined;
    case "ip": {
      const block = parseIpBlock(value);
      return block !== undefined && block.prefix === block.bits;
    }
    case "arn":
      return value !== "";
    case "string":
    case "binary":
      return true;
  }
}

/** Organization ids and paths have their form, and every path lies under its id. */
function organizationInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
  found: string[],
): void {
  for (const { id, paths } of ORGANIZATION_FAMILIES) {
    if (keys.has(id.lower) || keys.has(paths.lower)) organizationFamily(id, paths, keys, found);
  }
  const { caller } = request;
  if (caller.kind === "service" || caller.account !== facts.account) return;
  if (!keys.has("aws:principalorgid") && !keys.has("aws:principalorgpaths")) return;
  const derived = organizationKeys(caller, facts);
  for (const name of ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"]) {
    contradiction(
      name,
      derived[name],
      keys,
      "the organization of the key's account, which is the caller's",
      found,
    );
  }
}

interface KeyName {
  readonly name: string;
  readonly lower: string;
}

function keyName(name: string): KeyName {
  return { name, lower: name.toLowerCase() };
}

const ORGANIZATION_FAMILIES = ["aws:Principal", "aws:Source", "aws:Vpce"].map((family) => ({
  id: keyName(`${family}OrgID`),
  paths: keyName(`${family}OrgPaths`),
}));

function organizationFamily(
  { name: idName, lower: idLower }: KeyName,
  { name: pathsName, lower: pathsLower }: KeyName,
  keys: ExplicitKeys,
  found: string[],
): void {
  const id = soleValue(keys, idLower);
  const paths = statedValues(keys, pathsLower);
  if (id !== undefined && parseOrganizationId(id) === undefined) {
    found.push(`${idName} ${quoted(id)} is no organization id`);
  }
  if (paths.length > 0 && id === undefined) found.push(`${pathsName} is there without ${idName}`);
  for (const path of paths) {
    if (!ORGANIZATION_PATH.test(path)) found.push(`${pathsName} ${quoted(path)} is no organization path`);
    if (id !== undefined && !path.startsWith(`${id}/`)) {
      found.push(`${pathsName} ${quoted(path)} does not lie under ${idName}`);
    }
  }
}

const ORGANIZATION_PATH = /^o-[a-z0-9]{10,32}\/r-[a-z0-9/-]{4,}\/$/;

/** The keys that name a service's source belong to direct calls of service principals, and agree with each other. */
function sourceInconsistencies(
  request: AccessRequest,
  facts: KeyFacts,
  keys: ExplicitKeys,
  found: string[],
): void {
  if (request.caller.kind !== "service") {
    for (const k of keys.values()) {
      if (k.facts?.origin === "service-source" && k.values.length > 0) {
        found.push(`${k.name} is only there when a service principal calls directly`);
      }
    }
    return;
  }
  const account = soleValue(keys, "aws:sourceaccount");
  const owner = soleValue(keys, "aws:sourceowner");
  const arn = soleValue(keys, "aws:sourcearn");
  if (account !== undefined && parseAccountId(account) === undefined) {
    found.push(`aws:SourceAccount ${quoted(account)} is no account id`);
  }
  if (owner !== undefined && account !== undefined && owner !== account) {
    found.push("aws:SourceOwner is another account than aws:SourceAccount");
  }
  if (arn !== undefined) sourceArnInconsistencies(arn, account, request.caller.name, facts, found);
  const organization =
    account === facts.account && facts.organization.kind === "present"
      ? facts.organization.value.id
      : undefined;
  const sourceOrganization = soleValue(keys, "aws:sourceorgid");
  if (organization !== undefined && sourceOrganization !== undefined && sourceOrganization !== organization) {
    found.push("aws:SourceOrgID is not the organization of aws:SourceAccount, the account of the key");
  }
}

function sourceArnInconsistencies(
  arn: string,
  account: string | undefined,
  service: string,
  facts: KeyFacts,
  found: string[],
): void {
  const parts = textParts(arn);
  if (parts === undefined || parts[0] !== "arn") found.push(`aws:SourceArn ${quoted(arn)} is no ARN`);
  if (service === "cloudtrail.amazonaws.com" && parts?.[5].includes(":") === true) {
    found.push("no resource of CloudTrail has a colon in its name");
  }
  // Partitions are apart from each other: a service of one does nothing for a resource of another.
  if (parts !== undefined && parts[1] !== facts.partition) {
    found.push(`aws:SourceArn ${quoted(arn)} is of another partition than the key`);
  }
  if (parts !== undefined && (!SERVICE_PART.test(parts[2]) || !REGION_PART.test(parts[3]))) {
    found.push(`aws:SourceArn ${quoted(arn)} names no service and Region as AWS names them`);
  }
  const arnAccount = parts?.[4] ?? "";
  if (account !== undefined && parseAccountId(arnAccount) !== undefined && arnAccount !== account) {
    found.push("the account in aws:SourceArn is another than aws:SourceAccount");
  }
}

/** As all services and Regions are named so far. Source: Service Authorization Reference; AWS General Reference. */
const SERVICE_PART = /^[a-z][a-z0-9-]*$/;
const REGION_PART = /^[a-z-]*[0-9]{0,2}$/;

/** Facts about the key are what they are. */
function keyInconsistencies(facts: KeyFacts, keys: ExplicitKeys, found: string[]): void {
  let asked = false;
  for (const k of keys.values()) if (k.facts?.origin === "key") asked = true;
  if (!asked) return;
  const { "aws:ResourceOrgID": id, "aws:ResourceOrgPaths": paths } = organizationKeys(
    { kind: "service", name: "" },
    facts,
  );
  const derived = Object.entries({
    ...keyKeys(facts),
    "aws:ResourceOrgID": id,
    "aws:ResourceOrgPaths": paths,
  });
  for (const [name, entry] of derived) contradiction(name, entry, keys, "what is known of the key", found);
  if (facts.tags === undefined) return;
  const names = new Set(derived.map(([name]) => name.toLowerCase()));
  for (const k of keys.values()) {
    if (k.lower.startsWith("aws:resourcetag/") && !names.has(k.lower) && k.values.length > 0) {
      found.push(`${k.name} is there, but the key has no such tag`);
    }
  }
}

/** A stated key against what it must hold. Nothing is wrong where either side is not known. */
function contradiction(
  name: string,
  entry: ContextEntry | undefined,
  keys: ExplicitKeys,
  known: string,
  found: string[],
): void {
  const stated = keys.get(name.toLowerCase());
  if (stated === undefined || entry === undefined || entry.kind === "unknown") return;
  const expected = entry.kind === "absent" ? [] : entry.values;
  const same =
    stated.values.length === expected.length && expected.every((value) => stated.values.includes(value));
  if (!same) found.push(`${name} contradicts ${known}`);
}

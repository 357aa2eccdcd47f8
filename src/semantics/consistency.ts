import type { KeyFacts } from "../domain/key.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
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
import { arnParts, globText, literalGlob } from "./glob.js";
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
  const always = [
    ...callerInconsistencies(request, key.facts, keys),
    ...parameterInconsistencies(request, key.facts, keys),
  ];
  // The other rules are about keys that the request states.
  if (keys.size === 0) return always;
  return [
    ...always,
    ...shapeInconsistencies(keys),
    ...organizationInconsistencies(request, key.facts, keys),
    ...sourceInconsistencies(request, key.facts, keys),
    ...keyInconsistencies(key.facts, keys),
    ...environmentInconsistencies(request, keys),
  ];
}

/** Single-valued keys hold one value, and typed keys a value of their type. */
function shapeInconsistencies(keys: ExplicitKeys): string[] {
  return [...keys.values()].flatMap(({ name, values, facts }) => {
    if (facts === undefined) return [];
    const several =
      values.length > 1 && !facts.multivalued ? [`${name} holds one value, not ${values.length}`] : [];
    const wrong = values.filter((value) => !hasType(value, facts.type));
    return [...several, ...wrong.map((value) => `${name} cannot hold ${quoted(value)}`)];
  });
}

/** Texts and ARNs are open: requests carry ARNs that callers made up. */
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
    case "string":
    case "arn":
    case "binary":
      return true;
  }
}

/** Organization ids and paths have their form, and every path lies under its id. */
function organizationInconsistencies(request: AccessRequest, facts: KeyFacts, keys: ExplicitKeys): string[] {
  const families = ["aws:Principal", "aws:Source", "aws:Vpce"].flatMap((family) =>
    organizationFamily(family, keys),
  );
  const { caller } = request;
  if (caller.kind === "service" || caller.account !== facts.account) return families;
  const derived = organizationKeys(caller, facts);
  const own = ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"].flatMap((name) =>
    contradiction(name, derived[name], keys, "the organization of the key's account, which is the caller's"),
  );
  return [...families, ...own];
}

function organizationFamily(family: string, keys: ExplicitKeys): string[] {
  const idName = `${family}OrgID`;
  const pathsName = `${family}OrgPaths`;
  const id = soleValue(keys, idName);
  const paths = statedValues(keys, pathsName);
  const malformed = [
    ...(id === undefined || parseOrganizationId(id) !== undefined
      ? []
      : [`${idName} ${quoted(id)} is no organization id`]),
    ...paths
      .filter((path) => !/^o-[a-z0-9]{10,32}\/r-[a-z0-9/-]{4,}\/$/.test(path))
      .map((path) => `${pathsName} ${quoted(path)} is no organization path`),
  ];
  if (paths.length > 0 && id === undefined) return [...malformed, `${pathsName} is there without ${idName}`];
  const outside = paths.filter((path) => id !== undefined && !path.startsWith(`${id}/`));
  return [
    ...malformed,
    ...outside.map((path) => `${pathsName} ${quoted(path)} does not lie under ${idName}`),
  ];
}

/** The keys that name a service's source belong to direct calls of service principals, and agree with each other. */
function sourceInconsistencies(request: AccessRequest, facts: KeyFacts, keys: ExplicitKeys): string[] {
  const stated = [...keys.values()].filter(
    (k) => k.facts?.origin === "service-source" && k.values.length > 0,
  );
  if (request.caller.kind !== "service") {
    return stated.map((k) => `${k.name} is only there when a service principal calls directly`);
  }
  const account = soleValue(keys, "aws:SourceAccount");
  const owner = soleValue(keys, "aws:SourceOwner");
  const arn = soleValue(keys, "aws:SourceArn");
  const parts = arn === undefined ? undefined : arnParts(literalGlob(arn))?.map(globText);
  const arnAccount = parts?.[4] ?? "";
  const organization =
    account === facts.account && facts.organization.kind === "present"
      ? facts.organization.value.id
      : undefined;
  const sourceOrganization = soleValue(keys, "aws:SourceOrgID");
  return [
    ...(account === undefined || parseAccountId(account) !== undefined
      ? []
      : [`aws:SourceAccount ${quoted(account)} is no account id`]),
    ...(owner !== undefined && account !== undefined && owner !== account
      ? ["aws:SourceOwner is another account than aws:SourceAccount"]
      : []),
    ...(arn !== undefined && (parts === undefined || parts[0] !== "arn")
      ? [`aws:SourceArn ${quoted(arn)} is no ARN`]
      : []),
    ...(request.caller.name === "cloudtrail.amazonaws.com" && parts?.[5]?.includes(":") === true
      ? ["no resource of CloudTrail has a colon in its name"]
      : []),
    ...(parseAccountId(arnAccount) !== undefined && account !== undefined && arnAccount !== account
      ? ["the account in aws:SourceArn is another than aws:SourceAccount"]
      : []),
    ...(organization !== undefined && sourceOrganization !== undefined && sourceOrganization !== organization
      ? ["aws:SourceOrgID is not the organization of aws:SourceAccount, the account of the key"]
      : []),
  ];
}

/** Facts about the key are what they are. */
function keyInconsistencies(facts: KeyFacts, keys: ExplicitKeys): string[] {
  if (![...keys.values()].some((k) => k.facts?.origin === "key")) return [];
  const { "aws:ResourceOrgID": id, "aws:ResourceOrgPaths": paths } = organizationKeys(
    { kind: "service", name: "" },
    facts,
  );
  const derived = Object.entries({
    ...keyKeys(facts),
    "aws:ResourceOrgID": id,
    "aws:ResourceOrgPaths": paths,
  });
  const known = derived.flatMap(([name, entry]) =>
    contradiction(name, entry, keys, "what is known of the key"),
  );
  const names = new Set(derived.map(([name]) => name.toLowerCase()));
  const strangeTags = [...keys.values()].filter(
    (k) =>
      facts.tags !== undefined &&
      k.lower.startsWith("aws:resourcetag/") &&
      !names.has(k.lower) &&
      k.values.length > 0,
  );
  return [...known, ...strangeTags.map((k) => `${k.name} is there, but the key has no such tag`)];
}

/** A stated key against what it must hold. Nothing is wrong where either side is not known. */
function contradiction(
  name: string,
  entry: ContextEntry | undefined,
  keys: ExplicitKeys,
  known: string,
): string[] {
  const stated = keys.get(name.toLowerCase());
  if (stated === undefined || entry === undefined || entry.kind === "unknown") return [];
  const expected = entry.kind === "absent" ? [] : entry.values;
  const same =
    stated.values.length === expected.length && expected.every((value) => stated.values.includes(value));
  return same ? [] : [`${name} contradicts ${known}`];
}

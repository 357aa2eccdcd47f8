import type { AccountId } from "../../domain/ids.js";
import type { Access } from "../access.js";
import { requireAccountLevel } from "../account-access.js";
import { ServiceError, validationError } from "../errors.js";
import type { Pager } from "../paging.js";
import type { QueryCall } from "../sts.js";
import type { World } from "../world/world.js";
import type { Element, Xml } from "../xml.js";

/** One request to IAM. */
export interface IamCall extends QueryCall {
  readonly world: World;
  readonly access: Access;
  readonly pager: Pager;
}

/** Does one operation of IAM; the content of its result. Throws ServiceError to refuse. */
export type IamOperation = (call: IamCall) => Xml;

/**
 * Asks for a permission of IAM and returns the caller's account. An account whose IAM the snapshot could not read
 * answers the same error here.
 */
export function iamAccount(call: IamCall, operation: string, resource = "*"): AccountId {
  const action = `iam:${operation}`;
  const account = requireAccountLevel(call.access, call.identity, { action, resource, now: call.now });
  const iam = call.world.iam.account(account)?.iam;
  if (iam?.kind !== "unreadable") return account;
  throw new ServiceError(
    iam.code,
    iam.message ?? `User: ${call.identity.arn} is not authorized to perform: ${action}`,
    403,
    "the snapshot could not read the IAM of this account",
  );
}

/** IAM encodes policy documents by RFC 3986. Source: IAM API reference, GetAccountAuthorizationDetails. */
export function encodeDocument(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A list in the query protocol. */
export function members(items: readonly Xml[]): Xml {
  return items.map((item): Element => ["member", item]);
}

/** Elements without those that have no value. */
export function elements(entries: readonly (readonly [string, Xml | undefined])[]): readonly Element[] {
  return entries.flatMap(([name, value]): readonly Element[] => (value === undefined ? [] : [[name, value]]));
}

/** Path (`/` or `/team/`) and name that an ARN `arn:…:KIND/path/NAME` holds. */
export function pathAndName(arn: string): { readonly path: string; readonly name: string } {
  const resource = arn.slice(arn.indexOf("/"));
  const last = resource.lastIndexOf("/");
  return { path: resource.slice(0, last + 1), name: resource.slice(last + 1) };
}

/** Tags as IAM lists them. */
export function tagList(tags: Readonly<Record<string, string>> | undefined): Xml {
  return members(
    Object.entries(tags ?? {}).map(([key, value]) => [
      ["Key", key],
      ["Value", value],
    ]),
  );
}

/** Attached managed policies as IAM lists them. */
export function attachedList(arns: readonly string[] | undefined): Xml {
  return members(
    (arns ?? []).map((arn) => [
      ["PolicyName", pathAndName(arn).name],
      ["PolicyArn", arn],
    ]),
  );
}

/** A permissions boundary as IAM shows it; undefined where there is none. */
export function boundaryOf(arn: string | null | undefined): Xml | undefined {
  if (arn === null || arn === undefined) return undefined;
  return [
    ["PermissionsBoundaryType", "Policy"],
    ["PermissionsBoundaryArn", arn],
  ];
}

/** When something was made; IAM always says so. A snapshot that does not gets 2020-01-01. */
export function createDate(text: string | undefined): string {
  return text ?? "2020-01-01T00:00:00Z";
}

/** One page by MaxItems and Marker; IAM's default is 100 items, its maximum 1000. */
export function iamPage<T>(
  call: IamCall,
  list: string,
  items: readonly T[],
  idOf: (item: T) => string,
): { readonly items: readonly T[]; readonly end: readonly Element[] } {
  const text = call.parameters.get("MaxItems");
  const limit = text === null ? 100 : Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw validationError(`'${text ?? ""}'`, "maxItems", "Member must have value between 1 and 1000");
  }
  const marker = call.parameters.get("Marker") ?? undefined;
  const { part, next } = call.pager.cut(limit, marker, list, items, idOf);
  return {
    items: part,
    end: elements([
      ["IsTruncated", next === undefined ? "false" : "true"],
      ["Marker", next],
    ]),
  };
}

/** The values of a list parameter `NAME.member.N`. */
export function listParameter(call: IamCall, name: string): readonly string[] {
  return [...call.parameters].filter(([n]) => n.startsWith(`${name}.member.`)).map(([, value]) => value);
}

/** A required parameter. */
export function required(call: IamCall, name: string): string {
  const value = call.parameters.get(name);
  if (value !== null && value !== "") return value;
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  throw validationError("null", member, "Member must not be null");
}

/** What IAM answers to the name of something that is not there. */
export function noSuchEntity(what: string): ServiceError {
  return new ServiceError("NoSuchEntityException", what, 404);
}

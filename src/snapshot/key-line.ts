import { parseKeyArn } from "../domain/ids.js";
import type { KeyLine } from "./lines.js";

/**
 * The key line that a JSON value is, or undefined: then the schema (schema.ts) decides, and says what is wrong. Accepts
 * nothing that the schema refuses; it is there because most lines of a large snapshot are sound keys, and this check
 * takes a fraction of the time.
 */
export function plainKeyLine(json: unknown): KeyLine | undefined {
  if (!isObject(json)) return undefined;
  let policy = false;
  let arn = false;
  for (const name of Object.keys(json)) {
    const value = json[name];
    switch (name) {
      case "type":
        if (value !== "key") return undefined;
        break;
      case "arn":
        if (typeof value !== "string" || parseKeyArn(value) === undefined) return undefined;
        arn = true;
        break;
      case "manager":
        if (value !== "CUSTOMER" && value !== "AWS") return undefined;
        break;
      case "state":
      case "spec":
      case "usage":
      case "origin":
      case "multiRegionKeyType":
      case "description":
      case "createdAt":
      case "deletionDate":
      case "lastUsedAt":
        if (typeof value !== "string") return undefined;
        break;
      case "multiRegion":
      case "rotationEnabled":
        if (typeof value !== "boolean") return undefined;
        break;
      case "relatedKeys":
        if (!Array.isArray(value) || !value.every((arn) => isText(arn) && parseKeyArn(arn) !== undefined)) {
          return undefined;
        }
        break;
      case "aliases":
        if (!isTexts(value)) return undefined;
        break;
      case "tags":
        if (!isRecordOfTexts(value)) return undefined;
        break;
      case "policy":
        if (!isFetched(value, "text", isText)) return undefined;
        policy = true;
        break;
      case "grants":
        if (!isFetched(value, "items", isGrants)) return undefined;
        break;
      default:
        return undefined;
    }
  }
  // Every field was looked at above; `type` too, as it is the schema's business to know other types.
  return policy && arn && json["type"] === "key" ? (json as unknown as KeyLine) : undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isRecordOfTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isText);
}

/** `{"kind":"present", FIELD: …}` or `{"kind":"absent"}`; the rarer kinds are left to the schema. */
function isFetched(value: unknown, field: string, accepts: (value: unknown) => boolean): boolean {
  if (!isObject(value)) return false;
  const names = Object.keys(value).length;
  if (value["kind"] === "absent") return names === 1;
  return value["kind"] === "present" && names === 2 && accepts(value[field]);
}

function isGrants(value: unknown): boolean {
  return Array.isArray(value) && value.every(isGrant);
}

/** Whether a value is a grant in the form of a snapshot; see the schema. */
export function isGrant(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const name of Object.keys(value)) {
    const field = value[name];
    switch (name) {
      case "GrantId":
      case "KeyId":
      case "Name":
      case "CreationDate":
      case "GranteePrincipal":
      case "GranteeServicePrincipal":
      case "RetiringPrincipal":
      case "RetiringServicePrincipal":
      case "IssuingAccount":
        if (!isText(field)) return false;
        break;
      case "Operations":
        if (!isTexts(field)) return false;
        break;
      case "Constraints":
        if (!isConstraints(field)) return false;
        break;
      default:
        return false;
    }
  }
  return isText(value["GrantId"]);
}

function isConstraints(value: unknown): boolean {
  if (!isObject(value)) return false;
  return Object.keys(value).every((name) => {
    if (name === "SourceArn") return isText(value[name]);
    if (name !== "EncryptionContextSubset" && name !== "EncryptionContextEquals") return false;
    return isRecordOfTexts(value[name]);
  });
}

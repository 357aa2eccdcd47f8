import { pages } from "../collect/paging.js";
import type { Asked, CallFailure, Page } from "../collect/ports.js";
import { parseKeyArn } from "../domain/ids.js";
import { inflated } from "../usage/inflate.js";
import { child, type Json, list, object, text } from "../usage/json.js";
import type { Listed } from "../usage/logs.js";
import type { FormerPolicy } from "./former.js";

/** Largest file that is read whole: AWS Config writes snapshots of a Region into one. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Former policies in what AWS Config has delivered (configuration snapshots and histories) or answered
 * (get-resource-config-history), and sentences about files that could not be read. Where an item holds the policy is not
 * documented for keys, so every place is looked at that AWS Config uses for policies: a member called Policy or KeyPolicy
 * of its configuration or supplementaryConfiguration, as JSON or as the text of JSON. Items without one are passed over.
 * Source: AWS Config API reference, ConfigurationItem.
 */
export async function formerInConfig(
  files: AsyncIterable<Listed>,
  onGap: (sentence: string) => void,
): Promise<readonly FormerPolicy[]> {
  const found: FormerPolicy[] = [];
  for await (const file of files) {
    if ("problem" in file) {
      onGap(`${file.where}: ${file.detail}`);
      continue;
    }
    try {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of inflated(await file.open())) {
        size += chunk.length;
        if (size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES / 1024 / 1024} MB`);
        chunks.push(chunk);
      }
      const json = object(JSON.parse(Buffer.concat(chunks).toString("utf8")));
      found.push(...list(json, "configurationItems").flatMap((item) => formerOf(object(item)) ?? []));
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
      onGap(`${file.path}: ${error.message}`);
    }
  }
  return found;
}

/** AWS Config in one Region. */
export interface RecordedPort {
  /**
   * config:GetResourceConfigHistory of a key: its configuration items, newest first.
   * @param until milliseconds; undefined: up to now
   */
  history(
    keyId: string,
    until: number | undefined,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<Json>>>;
}

/** Former policies of one key that AWS Config has recorded, oldest first; what failed. */
export async function formerRecorded(
  port: RecordedPort,
  keyId: string,
  until: number | undefined,
  signal: AbortSignal,
): Promise<readonly FormerPolicy[] | CallFailure> {
  const found: FormerPolicy[] = [];
  const ask = (token: string | undefined): ReturnType<RecordedPort["history"]> =>
    port.history(keyId, until, token, signal);
  for await (const page of pages("config:GetResourceConfigHistory", ask)) {
    if (!page.ok) return page.error;
    found.push(...page.value.flatMap((item) => formerOf(item) ?? []));
  }
  return found.reverse();
}

/** What one configuration item says; undefined: it is of something else, or holds no policy. */
export function formerOf(item: Json): FormerPolicy | undefined {
  if (text(item, "resourceType") !== "AWS::KMS::Key") return undefined;
  const configuration = decoded(item["configuration"]);
  const arn = text(item, "ARN") ?? text(item, "arn") ?? text(configuration, "arn");
  const key = parseKeyArn(arn ?? "");
  const at = timeOf(item["configurationItemCaptureTime"]);
  const policy = [item["supplementaryConfiguration"], item["configuration"]]
    .map(decoded)
    .map(policyIn)
    .find((p) => p !== undefined);
  if (key === undefined || at === undefined || policy === undefined) return undefined;
  const state = item["configurationStateId"];
  const eventId = typeof state === "string" || typeof state === "number" ? String(state) : "";
  return { key, at, event: "ConfigurationItem", eventId, by: "AWS Config", policy };
}

/** AWS Config writes objects as JSON in files, and as the text of JSON in answers. */
function decoded(value: unknown): Json {
  if (typeof value !== "string") return object(value);
  try {
    return object(JSON.parse(value));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

const NAMES = ["Policy", "KeyPolicy", "policy", "keyPolicy"];

function policyIn(from: Json): string | undefined {
  for (const name of NAMES) {
    const value = Object.hasOwn(from, name) ? from[name] : undefined;
    const policy = policyText(value) ?? policyText(child(from, name)["policyText"]);
    if (policy !== undefined) return policy;
  }
  return undefined;
}

/** The text of a policy. One that stands there as an object has lost its bytes: what comes back means the same. */
function policyText(value: unknown): string | undefined {
  if (typeof value === "string") {
    const inner = decoded(value);
    if (Object.hasOwn(inner, "Statement")) return value;
    // Text of text: the outer one is AWS Config's.
    return quoted(value);
  }
  const inner = object(value);
  return Object.hasOwn(inner, "Statement") ? JSON.stringify(inner, null, 2) : undefined;
}

function quoted(value: string): string | undefined {
  if (!value.startsWith('"')) return undefined;
  try {
    const inner: unknown = JSON.parse(value);
    return typeof inner === "string" && Object.hasOwn(decoded(inner), "Statement") ? inner : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Seconds since the epoch, or RFC 3339, to the second in UTC. */
function timeOf(value: unknown): string | undefined {
  const ms =
    typeof value === "number" ? value * 1000 : typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) || Math.abs(ms) > 8.64e15
    ? undefined
    : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

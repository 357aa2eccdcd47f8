import { pages } from "../collect/paging.js";
import { inflated } from "../usage/inflate.js";
import { child, list, object, text } from "../usage/json.js";
import type { Listed } from "../usage/logs.js";
import type { HistoryPort } from "../usage/ports.js";
import { RecordScanner } from "../usage/scan.js";

/** A policy that a key was given, as CloudTrail tells it. */
export interface FormerPolicy {
  /** Key ARN. */
  readonly key: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly event: string;
  readonly eventId: string;
  /** ARN of who did it, or what CloudTrail shows in its place. */
  readonly by: string;
  readonly policy: string;
}

/** The calls that give a key its policy. */
export const POLICY_EVENTS = ["PutKeyPolicy", "CreateKey", "ReplicateKey"] as const;

/**
 * Reads one record. Undefined: it is of another call, it was refused, or it holds no policy (CreateKey without one takes
 * AWS's default, which CloudTrail does not show). Source: KMS Developer Guide, "CloudTrail log entries", PutKeyPolicy.
 */
export function formerPolicy(json: string): FormerPolicy | undefined {
  if (!POLICY_EVENTS.some((name) => json.includes(name))) return undefined;
  let record;
  try {
    record = object(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const event = text(record, "eventName");
  const parameters = child(record, "requestParameters");
  const policy = text(parameters, "policy");
  const at = text(record, "eventTime");
  const known = POLICY_EVENTS.some((name) => name === event);
  if (!known || event === undefined || policy === undefined || at === undefined) return undefined;
  if (text(record, "eventSource") !== "kms.amazonaws.com" || text(record, "errorCode") !== undefined)
    return undefined;
  const answer = child(record, "responseElements");
  const key =
    text(child(answer, event === "ReplicateKey" ? "replicaKeyMetadata" : "keyMetadata"), "arn") ??
    list(record, "resources").map((r) => text(object(r), "ARN"))[0] ??
    text(parameters, "keyId");
  if (key === undefined) return undefined;
  const by =
    text(child(record, "userIdentity"), "arn") ?? text(child(record, "userIdentity"), "type") ?? "somebody";
  return { key, at, event, eventId: text(record, "eventID") ?? "", by, policy };
}

/** Former policies in log files, and sentences about files that could not be read. */
export async function formerInLogs(
  files: AsyncIterable<Listed>,
  onGap: (sentence: string) => void,
): Promise<readonly FormerPolicy[]> {
  const found: FormerPolicy[] = [];
  for await (const file of files) {
    if ("problem" in file) {
      onGap(`${file.where}: ${file.detail}`);
      continue;
    }
    const scanner = new RecordScanner((json) => {
      const former = formerPolicy(json);
      if (former !== undefined) found.push(former);
    });
    try {
      for await (const chunk of inflated(await file.open())) {
        scanner.push(chunk);
        if (scanner.broken) break;
      }
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
      onGap(`${file.path}: ${error.message}`);
    }
    const { problem } = scanner.end();
    if (problem !== undefined) onGap(`${file.path}: ${problem.detail}`);
  }
  return found;
}

/** Former policies in the event history of one Region; the sentence of the first failure, where there is one. */
export async function formerInHistory(
  port: HistoryPort,
  span: { readonly from: number; readonly to: number },
  tools: { readonly wait: () => Promise<void>; readonly signal: AbortSignal },
): Promise<readonly FormerPolicy[] | string> {
  const found: FormerPolicy[] = [];
  for (const event of POLICY_EVENTS) {
    const ask = async (token: string | undefined): ReturnType<HistoryPort["lookup"]> => {
      // Two requests a second. Source: CloudTrail API reference, LookupEvents.
      await tools.wait();
      return port.lookup(span.from, span.to, token, tools.signal, event);
    };
    for await (const page of pages("cloudtrail:LookupEvents", ask)) {
      if (!page.ok) return `${page.error.code}: ${page.error.message}`;
      for (const json of page.value) {
        const former = formerPolicy(json);
        if (former !== undefined) found.push(former);
      }
    }
  }
  // Newest first, as CloudTrail answers; times are whole seconds, and what happened within one keeps its order.
  return found.reverse();
}

/**
 * The policy to go back to: the newest one up to `at`; without it the one before the live policy, or the newest where the
 * live policy is none of them.
 *
 * @param isLive whether a policy is what the key has now
 */
export function chooseFormer(
  all: readonly FormerPolicy[],
  key: string,
  at: string | undefined,
  isLive: (policy: string) => boolean,
): FormerPolicy | undefined {
  const mine = all.filter((f) => f.key === key).sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  if (at !== undefined) return mine.findLast((f) => f.at <= at);
  const live = mine.findLastIndex((f) => isLive(f.policy));
  const before = live === -1 ? mine : mine.slice(0, live);
  return before.findLast((f) => !isLive(f.policy));
}

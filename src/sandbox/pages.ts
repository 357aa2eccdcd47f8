import { KeywardError } from "../domain/result.js";
import type { Reply } from "./reply.js";
import type { HttpRequest } from "./server.js";
import type { SandboxStats } from "./stats.js";

/** What the sandbox's own pages show and change. */
export interface Controls {
  stats(): SandboxStats;
  /** The present state as lines of a snapshot. */
  snapshotText(): Iterable<string>;
  /** Replaces the faults. Throws {@link KeywardError} for one that is wrong. */
  setFaults(specs: readonly string[]): void;
  /** Deletes a user or role; its unique id. Throws {@link KeywardError} for what is neither. */
  deletePrincipal(arn: string): string;
}

const NO_STORE = { "cache-control": "no-store" };

/**
 * Pages for scripts and tests; undefined for every other path. Changes want JSON as their content type: a web page of
 * another origin cannot send that without being asked first, and nobody answers such questions here.
 */
export function localPage(request: HttpRequest, controls: Controls): Reply | undefined {
  if (!request.path.startsWith("/_sandbox/")) return undefined;
  switch (request.path) {
    case "/_sandbox/stats":
      return get(request) ?? json(200, controls.stats());
    case "/_sandbox/snapshot":
      return get(request) ?? page(200, "application/x-ndjson", controls.snapshotText());
    case "/_sandbox/faults":
      return change(request, (body) => {
        if (!isTexts(body)) return undefined;
        controls.setFaults(body);
        return { faults: body.length };
      });
    case "/_sandbox/deleted-principals":
      return change(request, (body) => {
        if (!isTexts(body)) return undefined;
        return Object.fromEntries(body.map((arn) => [arn, controls.deletePrincipal(arn)]));
      });
    default:
      return page(
        404,
        "text/plain",
        "There are /_sandbox/stats, /_sandbox/snapshot, /_sandbox/faults and /_sandbox/deleted-principals.\n",
      );
  }
}

function get(request: HttpRequest): Reply | undefined {
  return request.method === "GET" ? undefined : notAllowed("GET");
}

/** Undefined from `act`: the body has another form. */
function change(request: HttpRequest, act: (body: unknown) => unknown): Reply {
  if (request.method !== "POST") return notAllowed("POST");
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    return json(415, { error: "content-type has to be application/json" });
  }
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  try {
    const result = act(body);
    return result === undefined ? json(400, { error: "expected a JSON list of texts" }) : json(200, result);
  } catch (error) {
    if (!(error instanceof KeywardError)) throw error;
    return json(400, { error: error.message });
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function notAllowed(allow: string): Reply {
  return {
    ...page(405, "text/plain", `${allow} only\n`),
    headers: { ...NO_STORE, allow, "content-type": "text/plain" },
  };
}

function json(status: number, value: unknown): Reply {
  return page(status, "application/json", `${JSON.stringify(value, undefined, 2)}\n`);
}

function page(status: number, type: string, body: Reply["body"]): Reply {
  return { status, headers: { ...NO_STORE, "content-type": type }, body };
}

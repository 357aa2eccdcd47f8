import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A local S3 and AWS Config beside a sandbox: one address, as `--endpoint-url` takes it. */
export interface LoopbackAws {
  readonly url: string;
  /** Objects of all buckets, `BUCKET/KEY`. */
  readonly objects: Map<string, Buffer>;
  /** Requests so far: `PUT BUCKET/KEY`, `kms:PutKeyPolicy`, `config:…`, in the order of their arrival. */
  readonly log: string[];
  /** Says whether S3 refuses a write. */
  refuse: (name: string) => boolean;
  /** Pages of GetResourceConfigHistory by the id of a key. */
  readonly recorded: Map<string, readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

/** Starts it. Whatever is for neither goes on to the KMS at this address. */
export async function startLoopbackAws(kms: string): Promise<LoopbackAws> {
  const objects = new Map<string, Buffer>();
  const log: string[] = [];
  const recorded: LoopbackAws["recorded"] = new Map();
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });
  const aws: LoopbackAws = {
    url: "",
    objects,
    log,
    recorded,
    refuse: () => false,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const target = String(request.headers["x-amz-target"] ?? "");
    if (target.startsWith("StarlingDoveService.")) {
      log.push(`config:${target.split(".")[1] ?? ""}`);
      config(JSON.parse(body.toString()) as { resourceId: string; nextToken?: string }, response);
    } else if (target !== "" || request.url === "/") {
      if (target !== "") log.push(`kms:${target.split(".")[1] ?? ""}`);
      // What belongs to the connection is made anew by fetch.
      const own = ["host", "connection", "content-length"];
      const headers = Object.entries(request.headers).flatMap(([name, value]) =>
        own.includes(name) || typeof value !== "string" ? [] : [[name, value] as [string, string]],
      );
      const passed = await fetch(kms, { method: request.method ?? "POST", headers, body: body.toString() });
      response.statusCode = passed.status;
      for (const name of ["content-type", "x-amzn-errortype", "x-amzn-requestid"]) {
        const value = passed.headers.get(name);
        if (value !== null) response.setHeader(name, value);
      }
      response.end(Buffer.from(await passed.arrayBuffer()));
    } else s3(request, body, response);
  }

  function config(input: { resourceId: string; nextToken?: string }, response: ServerResponse): void {
    response.setHeader("content-type", "application/x-amz-json-1.1");
    const pages = recorded.get(input.resourceId);
    if (pages === undefined) {
      response.statusCode = 400;
      response.end(JSON.stringify({ __type: "ResourceNotDiscoveredException", message: "not discovered" }));
      return;
    }
    const at = Number(input.nextToken ?? 0);
    const next = at + 1 < pages.length ? { nextToken: String(at + 1) } : {};
    response.end(JSON.stringify({ configurationItems: pages[at], ...next }));
  }

  function s3(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const url = new URL(request.url ?? "", "http://s3");
    const name = decodeURIComponent(url.pathname.slice(1)).replace(/\/$/, "");
    const [bucket = ""] = name.split("/");
    const fail = (status: number, code: string): void => {
      response.statusCode = status;
      response.end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
    };
    response.setHeader("content-type", "application/xml");
    if (request.method === "PUT") {
      const content = plain(request, body);
      log.push(`PUT ${name}`);
      const sum = createHash("sha256").update(content).digest("base64");
      if (aws.refuse(name)) fail(403, "AccessDenied");
      else if (request.headers["if-none-match"] === "*" && objects.has(name)) fail(412, "PreconditionFailed");
      else if (request.headers["x-amz-checksum-sha256"] !== sum) fail(400, "BadDigest");
      else {
        objects.set(name, content);
        response.end();
      }
    } else if (url.searchParams.has("versioning")) {
      response.end("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    } else if (url.searchParams.has("object-lock")) fail(404, "ObjectLockConfigurationNotFoundError");
    else if (url.searchParams.get("list-type") === "2") {
      const prefix = `${bucket}/${url.searchParams.get("prefix") ?? ""}`;
      const found = [...objects].filter(([key]) => key.startsWith(prefix)).sort();
      const at = Number(url.searchParams.get("continuation-token") ?? 0);
      // Small pages, so that a listing has several.
      const page = found.slice(at, at + 3);
      const more = at + 3 < found.length;
      response.end(
        `<ListBucketResult><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${at + 3}</NextContinuationToken>` : ""}${page
          .map(
            ([key, content]) =>
              `<Contents><Key>${key.slice(bucket.length + 1)}</Key><Size>${content.length}</Size></Contents>`,
          )
          .join("")}</ListBucketResult>`,
      );
    } else {
      const content = objects.get(name);
      if (content === undefined) fail(404, "NoSuchKey");
      else {
        response.setHeader("content-type", "binary/octet-stream");
        response.end(content);
      }
    }
  }

  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return Object.assign(aws, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** A body, out of the chunks in which the SDK may sign it. */
function plain(request: IncomingMessage, body: Buffer): Buffer {
  if (!(request.headers["content-encoding"] ?? "").includes("aws-chunked")) return body;
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (Number.isNaN(size) || size === 0) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

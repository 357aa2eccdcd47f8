import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Grant } from "../../domain/grant.js";
import type { KeyRecord } from "../../domain/key.js";
import { KeywardError } from "../../domain/result.js";
import type { Policy } from "../../policy/ast.js";
import { policyDoubts } from "../../policy/doubtful.js";
import { parsePolicy } from "../../policy/parse.js";
import { safeJson } from "../../report/json.js";
import { type Simulation, simulate, simulationText } from "../../report/simulate.js";
import { inconsistencies } from "../../semantics/consistency.js";
import type { KeyDocument } from "../../semantics/request.js";
import { Estate, keyRecord } from "../../snapshot/key-record.js";
import { findInputs } from "../check/inputs.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { findKey, policyLine } from "../explain/run.js";
import { openOutput } from "../output.js";
import type { SimulateFlags } from "./flags.js";
import { grantsSchema, type Prepared, prepareRequest, readJson, readTextFile } from "./request.js";

/** Judges one request, or those of a file. */
export async function runSimulate(file: string, flags: SimulateFlags, io: Io): Promise<ExitCode> {
  const now = Math.floor(io.now() / 1000);
  const notes: string[] = [];
  const record = await keyOf(file, flags, io, notes);
  const base = documentOf(record);
  const denialsUnread = record.resourceControlPolicies.some((t) =>
    parsePolicy(t, { kind: "rcp" }).diagnostics.some((d) => d.level !== "warning"),
  );
  const answer = (p: Prepared): Simulation => {
    const document = withRequest(base, p);
    const odd = inconsistencies(p.request, document).map((why) => `AWS would never see this request: ${why}`);
    return simulate({
      id: p.id,
      request: p.request,
      identityUnknown: p.identityUnknown && p.request.caller.kind !== "service",
      document,
      denialsUnread,
      notes: [...notes, ...p.notes, ...odd],
    });
  };
  const output = await openOutput(flags.output, io);
  try {
    const outcomes = new Set<Simulation["decision"]>();
    if (flags.requests !== undefined) {
      const source = flags.requests === "-" ? (io.stdin ?? process.stdin) : createReadStream(flags.requests);
      for await (const p of manyRequests(source, flags.requests, now)) {
        const s = answer(p);
        outcomes.add(s.decision);
        await output.write(`${safeJson(s)}\n`);
      }
    } else {
      const value = flags.request === undefined ? await fromFlags(flags) : await readJson(flags.request);
      const s = answer(prepareRequest(value, flags.request ?? "the command line", now));
      outcomes.add(s.decision);
      const width = Math.min(Math.max(io.stdout.columns ?? 80, 40), 120);
      await output.write(flags.format === "json" ? `${safeJson(s)}\n` : simulationText(s, width));
    }
    await output.finish();
    if (outcomes.has("deny")) return EXIT.exposed;
    return outcomes.has("unknown") ? EXIT.incomplete : EXIT.clear;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function* manyRequests(
  source: NodeJS.ReadableStream,
  name: string,
  now: number,
): AsyncGenerator<Prepared> {
  let number = 0;
  const opened = new Promise<never>((_, reject) => {
    source.once("error", (error: Error) => {
      reject(
        new KeywardError({ what: "cannot be read", where: name, got: error.message, next: "check the path" }),
      );
    });
  });
  // Only raced against the first line: a failure later ends the lines.
  opened.catch(() => undefined);
  const lines = createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })[
    Symbol.asyncIterator
  ]();
  for (;;) {
    const next = await Promise.race([lines.next(), opened]);
    if (next.done === true) return;
    const line = next.value;
    number += 1;
    if (line.trim() === "") continue;
    const where = `${name === "-" ? "<stdin>" : name}:${number}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new KeywardError({
        what: "not JSON",
        where,
        got: error instanceof Error ? error.message : String(error),
        next: "write one request as JSON on each line",
      });
    }
    yield prepareRequest(value, where, now);
  }
}

async function keyOf(file: string, flags: SimulateFlags, io: Io, notes: string[]): Promise<KeyRecord> {
  const inputs = await findInputs([file], io.stdin ?? process.stdin);
  try {
    const [problem] = inputs.problems;
    if (problem !== undefined) throw new KeywardError(problem);
    const [input, ...more] = inputs.files;
    if (input === undefined || more.length > 0) {
      throw new KeywardError({
        what: "name one policy or one snapshot",
        where: file,
        got: `${inputs.files.length} files`,
      });
    }
    const estate = new Estate();
    const line =
      input.kind === "policy"
        ? await policyLine(input, flags, notes)
        : await findKey(input, flags.key ?? "", estate);
    if (flags.grants !== undefined || flags.requests !== undefined) {
      const told = notes.findIndex((n) => n.includes("holds no grants"));
      if (told >= 0 && flags.grants !== undefined) notes.splice(told, 1);
    }
    return keyRecord(line, estate);
  } finally {
    await inputs.dispose();
  }
}

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

function documentOf(record: KeyRecord): KeyDocument {
  if (record.policy.kind !== "present") {
    throw new KeywardError({
      what: "the key policy is not in the snapshot, so nothing can be said of a request",
      where: record.facts.arn,
      got: record.policy.kind,
      next: "scan again with kms:GetKeyPolicy",
    });
  }
  const parsed = parsePolicy(record.policy.value, { kind: "key", partition: record.facts.partition });
  const reading = policyDoubts(parsed);
  if (parsed.policy === undefined || reading.wholePolicy) {
    throw new KeywardError({
      what: `the key policy cannot be read: ${parsed.diagnostics[0]?.message ?? "it is no policy"}`,
      where: record.facts.arn,
      next: "correct the policy; keyward check says where it is wrong",
    });
  }
  const read = record.grants.kind === "present" || record.grants.kind === "absent";
  return {
    facts: record.facts,
    policy: parsed.policy,
    grants: record.grants.kind === "present" ? record.grants.value : [],
    ...(read ? {} : { grantsUnread: true }),
    resourceControlPolicies: record.resourceControlPolicies.map(
      (t) => parsePolicy(t, { kind: "rcp" }).policy ?? NO_POLICY,
    ),
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
}

function withRequest(base: KeyDocument, p: Prepared): KeyDocument {
  const { grantsUnread, ...rest } = base;
  const unread = grantsUnread === true && p.grants === undefined;
  return {
    ...rest,
    ...(unread ? { grantsUnread: true } : {}),
    grants: p.grants ?? base.grants,
    facts: p.keyState === undefined ? base.facts : { ...base.facts, state: p.keyState },
    resourceControlPolicies: [...base.resourceControlPolicies, ...p.resourceControlPolicies],
  };
}

/** The request that the flags describe, in the form that files have. */
async function fromFlags(flags: SimulateFlags): Promise<unknown> {
  if (flags.principal === undefined || flags.action === undefined) {
    throw new KeywardError({
      what: "a request needs at least --principal and --action",
      next: "name both, or a file with --request or --requests",
    });
  }
  if (flags.identity !== undefined && flags.identityPolicy.length > 0) {
    throw new KeywardError({
      what: "--identity and --identity-policy exclude each other",
      next: "leave one away",
    });
  }
  const files = (paths: readonly string[]): Promise<string[]> => Promise.all(paths.map(readTextFile));
  const optional = <T>(name: string, value: T | undefined): Record<string, T> =>
    value === undefined ? {} : { [name]: value };
  const context: Record<string, string | string[]> = {};
  for (const [key, value] of pairs(flags.context, "--context")) {
    const before = context[key];
    context[key] =
      before === undefined ? value : [...(typeof before === "string" ? [before] : before), value];
  }
  return {
    principal: flags.principal,
    action: flags.action,
    ...optional(
      "identity",
      flags.identityPolicy.length > 0 ? await files(flags.identityPolicy) : flags.identity,
    ),
    ...optional("boundary", flags.boundary === undefined ? undefined : await readTextFile(flags.boundary)),
    ...optional(
      "sessionPolicy",
      flags.sessionPolicy === undefined ? undefined : await readTextFile(flags.sessionPolicy),
    ),
    serviceControlPolicies: await files(flags.scp),
    resourceControlPolicies: await files(flags.rcp),
    ...optional("callerIsInManagementAccount", flags.managementAccount),
    ...optional("grants", flags.grants === undefined ? undefined : await grantsOf(flags.grants)),
    context,
    ...optional(
      "encryptionContext",
      flags.encryptionContext.length === 0
        ? undefined
        : Object.fromEntries(pairs(flags.encryptionContext, "--encryption-context")),
    ),
    ...optional("keyState", flags.keyState),
    ...optional("time", flags.time),
  };
}

async function grantsOf(path: string): Promise<readonly Grant[]> {
  const parsed = grantsSchema.safeParse(await readJson(path));
  if (parsed.success) return Array.isArray(parsed.data) ? parsed.data : parsed.data.Grants;
  const [issue] = parsed.error.issues;
  throw new KeywardError({
    what: `not a list of grants: ${issue?.message ?? "wrong form"}`,
    where: `${path}, at $.${(issue?.path ?? []).join(".")}`,
    expected: "the answer of kms list-grants, or its Grants",
    next: "run: aws kms list-grants --key-id KEY",
  });
}

function pairs(texts: readonly string[], flag: string): [string, string][] {
  return texts.map((t) => {
    const at = t.indexOf("=");
    if (at > 0) return [t.slice(0, at), t.slice(at + 1)];
    throw new KeywardError({ what: `${flag} takes key=value`, got: t, next: "write for example tenant=a" });
  });
}

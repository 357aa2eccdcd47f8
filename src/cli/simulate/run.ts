import { createReadStream } from "node:fs";
import { KeywardError, formatProblem } from "../../domain/result.js";
import { safeJson } from "../../report/json.js";
import { type Simulation, simulate, SIMULATION_SCHEMA, type SimulationError } from "../../report/simulate.js";
import { simulationText } from "../../report/simulation-text.js";
import { inconsistencies } from "../../semantics/consistency.js";
import type { Policy } from "../../policy/ast.js";
import { evaluate } from "../../semantics/evaluate.js";
import type { AccessRequest, KeyDocument } from "../../semantics/request.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { openOutput, type Output } from "../output.js";
import { type AskedKey, askedKey } from "./key.js";
import type { SimulateFlags } from "./flags.js";
import { fromFlags, namesOf } from "./from-flags.js";
import { requestLines } from "./lines.js";
import { type Prepared, prepareRequest, readJson } from "./request.js";

/** Judges one request, or those of a file. */
export async function runSimulate(file: string, flags: SimulateFlags, io: Io): Promise<ExitCode> {
  const now = Math.floor(io.now() / 1000);
  if (file === "-" && flags.requests === "-") {
    throw new KeywardError({
      what: "only one of the key and the requests can be stdin",
      next: "name a file for the other",
    });
  }
  const key = await askedKey(file, flags, io);
  const output = await openOutput(flags.output, io);
  try {
    const code =
      flags.requests === undefined
        ? await one(key, flags, now, output, io)
        : await many(key, flags.requests, now, output, io);
    await output.finish();
    return code;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function one(
  key: AskedKey,
  flags: SimulateFlags,
  now: number,
  output: Output,
  io: Io,
): Promise<ExitCode> {
  const prepared =
    flags.request === undefined
      ? prepareRequest(await fromFlags(flags), "the command line", now, namesOf(flags))
      : prepareRequest(await readJson(flags.request), flags.request, now);
  const s = answer(key, prepared, undefined);
  const width = flags.output === undefined ? (io.stdout.columns ?? 80) : 80;
  await output.write(
    flags.format === "json" ? `${safeJson(s)}\n` : simulationText(s, Math.min(Math.max(width, 40), 120)),
  );
  return codeOf(new Set([s.decision]));
}

/** Broken lines that are shown on stderr; all of them stand in the result. */
const SHOWN = 20;

/** Memory does not grow with the number of requests: each answer is written before the next line is read. */
async function many(key: AskedKey, path: string, now: number, output: Output, io: Io): Promise<ExitCode> {
  const source = path === "-" ? (io.stdin ?? process.stdin) : createReadStream(path);
  const outcomes = new Set<Simulation["decision"]>();
  let broken = 0;
  for await (const r of requestLines(source, path === "-" ? "<stdin>" : path, now)) {
    if (r.kind === "request") {
      const s = answer(key, r.prepared, r.line);
      outcomes.add(s.decision);
      await output.write(`${safeJson(s)}\n`);
      continue;
    }
    broken += 1;
    if (broken <= SHOWN) io.stderr.write(`keyward: ${formatProblem(r.problem)}\n`);
    const error: SimulationError = {
      schema: SIMULATION_SCHEMA,
      ...(r.id === undefined ? {} : { id: r.id }),
      line: r.line,
      error: r.problem,
    };
    await output.write(`${safeJson(error)}\n`);
  }
  if (broken === 0) return codeOf(outcomes);
  io.stderr.write(
    `keyward: ${broken} ${broken === 1 ? "line is no request" : "lines are no requests"}; all others were answered.\n`,
  );
  return EXIT.failure;
}

function codeOf(outcomes: ReadonlySet<Simulation["decision"]>): ExitCode {
  if (outcomes.has("deny")) return EXIT.exposed;
  return outcomes.has("unknown") ? EXIT.incomplete : EXIT.clear;
}

function answer(key: AskedKey, p: Prepared, line: number | undefined): Simulation {
  const document = withRequest(key.document, p);
  const { request, policies, open, notes } = key.side.fill(p, document.facts.account);
  const own = p.resourceControlPolicies === undefined ? key.controls : [];
  const odd = inconsistencies(request, document).map((why) => `AWS would never see this request: ${why}`);
  const setAside =
    p.resourceControlPolicies !== undefined && key.controls.length > 0
      ? ["Resource control policies were given: those of the snapshot were set aside."]
      : [];
  return simulate({
    id: p.id,
    ...(line === undefined ? {} : { line }),
    request,
    open,
    document,
    policies: [...own, ...policies],
    denialsUnread:
      p.resourceControlPolicies === undefined && mayDeny(key.doubtfulControls, request, document),
    notes: [
      ...key.notes.filter((n) => p.grants === undefined || !n.includes("holds no grants")),
      ...p.notes,
      ...notes,
      ...setAside,
      ...odd,
    ],
  });
}

/** Whether some Deny of resource control policies that were not understood may concern the request. */
function mayDeny(policies: readonly Policy[], request: AccessRequest, document: KeyDocument): boolean {
  if (policies.length === 0) return false;
  const { trace } = evaluate(request, { ...document, resourceControlPolicies: policies });
  return trace.some((t) => t.rule === "resource-control-policy" && t.outcome !== "no-match");
}

function withRequest(base: KeyDocument, p: Prepared): KeyDocument {
  const { grantsUnread, ...rest } = base;
  const unread = grantsUnread === true && p.grants === undefined;
  return {
    ...rest,
    ...(unread ? { grantsUnread: true } : {}),
    grants: p.grants ?? base.grants,
    facts: p.keyState === undefined ? base.facts : { ...base.facts, state: p.keyState },
    resourceControlPolicies: p.resourceControlPolicies ?? base.resourceControlPolicies,
  };
}

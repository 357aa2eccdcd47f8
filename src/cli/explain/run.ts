import { itemsRead } from "../../domain/fetched.js";
import { inert } from "../../domain/inert.js";
import { parseKeyArn } from "../../domain/ids.js";
import { analyze } from "../../access/analyze.js";
import type { AccessMatrix } from "../../access/matrix.js";
import { KeywardError } from "../../domain/result.js";
import type { KeyRecord } from "../../domain/key.js";
import type { TrustContext } from "../../iam/outsider.js";
import type { Policy } from "../../policy/ast.js";
import { parsePolicy } from "../../policy/parse.js";
import { EXPLANATION_SCHEMA, explainText } from "../../report/explain.js";
import { weakConditions } from "../../report/weak-conditions.js";
import { safeJson } from "../../report/json.js";
import { keyFacts } from "../../report/key-facts.js";
import { keyUsersJson } from "../../report/key-users.js";
import { closings } from "../../rules/closings.js";
import { guards } from "../../rules/guards.js";
import { otherUsersJson } from "../../report/other-users.js";
import type { JudgeContext } from "../../rules/judge.js";
import { judgement } from "../../rules/judge.js";
import type { KeyUsers } from "../../rules/key-users.js";
import { keyUsers } from "../../rules/key-users.js";
import type { OtherUsers } from "../../rules/other-users.js";
import { otherUsers } from "../../rules/other-users.js";
import type { Opinion } from "../../rules/opinion.js";
import { opinionOf } from "../../rules/opinion.js";
import type { RealOrganizations } from "../../rules/real-organization.js";
import { asTodayStands } from "../../rules/real-organization.js";
import { Estate, isEstateLine, keyRecord } from "../../snapshot/key-record.js";
import type { KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import { ExceptionBook } from "../../trust/exceptions.js";
import { assumeOwnOrganization, zoneOf } from "../../trust/zone.js";
import type { CheckFlags } from "../check/flags.js";
import { findInputs, type Input } from "../check/inputs.js";
import { readPolicyFile } from "../check/policy-file.js";
import type { Io } from "../command.js";
import { EstateIam } from "../estate-iam.js";
import { loadConfigFile } from "../config-file.js";
import { EXIT, type ExitCode } from "../exit.js";
import { withoutEffect } from "../change/flags.js";
import { type CommonOptions, wantsColor } from "../options.js";
import { writeOutput } from "../output.js";
import type { LiveFlags } from "./live.js";

/** The flags of `keyward explain` beside the shared ones. */
export interface ExplainFlags extends CheckFlags, LiveFlags {
  /** Everything, however long. */
  readonly all: boolean;
  /** Ask AWS about the key, whatever it is called. */
  readonly live: boolean;
}

/** What is explained, and what is known around it. */
interface Subject {
  readonly line: KeyLine;
  readonly estate: Estate;
  readonly iam: EstateIam;
  readonly notes: string[];
  /** A bare policy: nothing but the policy is known. */
  readonly fromFile: boolean;
}

/** Explains one key. The exit code says what `check` would say of it. */
export async function runExplain(
  key: string,
  snapshot: string | undefined,
  flags: ExplainFlags,
  common: CommonOptions,
  io: Io,
): Promise<ExitCode> {
  const config = await loadConfigFile(common.config);
  const subject = await subjectOf(key, snapshot, flags, io);
  const { line, estate, iam, notes } = subject;
  const zone = zoneOf(config, estate.organizations);
  const read = keyRecord(line, estate);
  const own = assumeOwnOrganization(read.facts, zone, estate.listed);
  if (own.assumed !== undefined) {
    notes.push(`The account of the key was taken to be a member of ${own.assumed}, the only trusted one.`);
  }
  const record: KeyRecord = { ...read, facts: own.facts };
  const now = Math.floor(io.now() / 1000);
  const real: RealOrganizations = {
    treeOf: (organization) => estate.treeOf(organization),
    serviceControlOf: (account) => iam.serviceControlOf(account),
  };
  const trust: TrustContext = {
    zone,
    organizationOf: estate.organizationOf,
    resourceControlOf: (account) => estate.resourceControlPolicies(account),
  };
  const context: JudgeContext = {
    zone,
    organizationOf: estate.organizationOf,
    exceptions: new ExceptionBook(config.exceptions, now),
    now,
    real,
    iamOf: (account) => iam.viewOf(account, trust),
    reach: iam.reach(trust),
  };
  const opinion = opinionOf(record, context);
  const { report, disagreements } = judgement(record, opinion, context);
  const users = usersOf(record, opinion, context, subject);
  const others = fromOthers(record, opinion, subject, trust);
  const { matrix, policy } = everybody(record, zone, estate, now);
  const again = (changed: KeyRecord): AccessMatrix => everybody(changed, zone, estate, now).matrix;
  const closing = closings(record, matrix, zone, again);
  const guard = guards(record, matrix, policy, again);
  const shown = asTodayStands(matrix, real, {
    facts: record.facts,
    parsed: { policy, diagnostics: [] },
    zone,
    organizationOf: estate.organizationOf,
  });
  const statements = policy?.statements ?? [];
  const variables = policy?.version === "2012-10-17";
  const color = wantsColor(common, io);
  const width = Math.min(io.stdout.columns ?? 80, 120);
  const text =
    common.format === "json"
      ? `${safeJson({
          schema: EXPLANATION_SCHEMA,
          key: report,
          facts: keyFacts(line),
          accesses: shown.accesses,
          undecided: matrix.undecided,
          weakConditions: weakConditions(matrix, statements, variables),
          closings: closing,
          guards: guard,
          ...(users === undefined ? {} : { inAccount: keyUsersJson(users) }),
          ...(others === undefined ? {} : { inOtherAccounts: otherUsersJson(others) }),
          notes,
        })}\n`
      : explainText({
          report,
          facts: keyFacts(line),
          matrix: shown,
          statements,
          variables,
          closings: closing,
          guards: guard,
          users,
          others,
          all: flags.all,
          notes,
          width,
          color,
        });
  await writeOutput([text], common.output, io);
  if (disagreements.length > 0) return EXIT.disagreement;
  if (report.verdict === "exposed") return EXIT.exposed;
  return report.verdict === "not-assessed" ? EXIT.incomplete : EXIT.clear;
}

async function subjectOf(
  key: string,
  snapshot: string | undefined,
  flags: ExplainFlags,
  io: Io,
): Promise<Subject> {
  const estate = new Estate();
  const iam = new EstateIam(estate);
  const notes: string[] = [];
  if (flags.live && snapshot !== undefined) {
    throw withoutEffect("--live", "a key that is read from AWS", `leave away --live, or ${snapshot}`);
  }
  if (flags.live || (snapshot === undefined && parseKeyArn(key) !== undefined)) {
    // Loads the SDK.
    const { readLiveKey } = await import("./live.js");
    const line = await readLiveKey(key, flags, io, { estate, iam, notes });
    return { line, estate, iam, notes, fromFile: false };
  }
  refuseIdle(flags);
  const inputs = await findInputs([snapshot ?? key], io.stdin ?? process.stdin);
  try {
    const [problem] = inputs.problems;
    if (problem !== undefined) {
      const next = `${problem.next ?? ""}; for a key in AWS add --live, or name it by its ARN`;
      throw new KeywardError(snapshot === undefined ? { ...problem, next } : problem);
    }
    const [input] = inputs.files;
    if (input === undefined) throw new KeywardError({ what: "there is no such file", got: snapshot ?? key });
    const line =
      input.kind === "policy"
        ? await policyLine(input, flags, notes)
        : await findKey(input, snapshot === undefined ? "" : key, estate, (l) => {
            if (isIamLine(l)) iam.add(l);
          });
    return { line, estate, iam, notes, fromFile: input.kind === "policy" };
  } finally {
    await inputs.dispose();
  }
}

/** Throws KeywardError for a flag about AWS where the key is read from a file. */
function refuseIdle(flags: ExplainFlags): void {
  const named = [
    ["--profile", flags.profile],
    ["--endpoint-url", flags.endpointUrl],
    ["--role", flags.role],
    ["--via", flags.via[0]],
  ] as const;
  const idle = named.find(([, value]) => value !== undefined);
  if (idle === undefined) return;
  throw withoutEffect(
    idle[0],
    "a key that is read from AWS",
    "leave it away, or add --live (with the key's ARN, id or alias) to read the key from AWS",
  );
}

const IAM_TYPES: ReadonlySet<string> = new Set([
  "organization",
  "service-control-policy",
  "account",
  "user",
  "role",
  "group",
  "managed-policy",
]);

/** Whether a line decides what IAM lets the principals of an account do. */
function isIamLine(line: SnapshotLine): line is Parameters<EstateIam["add"]>[0] {
  return IAM_TYPES.has(line.type);
}

/** Who in the account can use the key. A note says why, where that is not known. */
function usersOf(
  record: KeyRecord,
  opinion: Opinion,
  context: JudgeContext,
  { notes, fromFile }: Pick<Subject, "notes" | "fromFile">,
): KeyUsers | undefined {
  const view = context.iamOf?.(record.facts.account);
  if (view === undefined) {
    // A policy file holds neither grants nor IAM, and its reader says so.
    if (!fromFile) {
      notes.push(
        `IAM of account ${record.facts.account} was not read: who in it can use the key is not known.`,
      );
    }
    return undefined;
  }
  if (record.policy.kind !== "present") {
    notes.push("The key policy was not read: who in the account can use the key is not known.");
    return undefined;
  }
  if (record.grants.kind === "unreadable" || record.grants.kind === "unknown") {
    const some =
      itemsRead(record.grants).length > 0 ? "Not all grants were read" : "The grants were not read";
    notes.push(`${some}: more users and roles of the account may be able to use the key.`);
  }
  return keyUsers({ ...opinion.document, facts: record.facts }, view, context.reach);
}

/** Who in other accounts can use the key: those of which the snapshot has IAM, and those that it only knows of. */
function fromOthers(
  record: KeyRecord,
  opinion: Opinion,
  { estate, iam, fromFile }: Pick<Subject, "estate" | "iam" | "fromFile">,
  trust: TrustContext,
): OtherUsers | undefined {
  if (record.policy.kind !== "present" || fromFile) return undefined;
  const members = [...estate.organizationOf.keys()];
  const key = { ...opinion.document, facts: record.facts };
  return otherUsers(
    key,
    iam.all(trust),
    [...members, ...trust.zone.accounts],
    estate.organizationOf,
    iam.reach(trust),
  );
}

function everybody(
  record: KeyRecord,
  zone: ReturnType<typeof zoneOf>,
  estate: Estate,
  now: number,
): { matrix: AccessMatrix; policy: Policy | undefined } {
  const text =
    record.policy.kind === "present" ? record.policy.value : '{"Version":"2012-10-17","Statement":[]}';
  const parsed = parsePolicy(text, { kind: "key", partition: record.facts.partition });
  const matrix = analyze({
    facts: record.facts,
    policy: parsed,
    grants: itemsRead(record.grants),
    resourceControlPolicies: record.resourceControlPolicies.flatMap(
      (t) => parsePolicy(t, { kind: "rcp" }).policy ?? [],
    ),
    zone,
    organizationOf: estate.organizationOf,
    now,
    scope: "all",
  });
  return { matrix, policy: parsed.policy };
}

export async function policyLine(input: Input, flags: CheckFlags, notes: string[]): Promise<KeyLine> {
  const file = await readPolicyFile(input, flags);
  if (!file.ok) throw new KeywardError(file.error);
  notes.push(`The policy was taken to be that of a key of account ${file.value.account}.`);
  notes.push("A policy file holds no grants: somebody may have access to the key through grants.");
  return file.value.line;
}

/** The key of a snapshot by ARN, id or alias; every other line that matters for it is taken in on the way. */
export async function findKey(
  input: Input,
  name: string,
  estate: Estate,
  /** Sees every line, for what else the caller wants of the snapshot. */
  look: (line: SnapshotLine) => void = () => undefined,
): Promise<KeyLine> {
  // Only now: a bare policy needs neither zod nor gzip.
  const { snapshotLines } = await import("../check/snapshot-file.js");
  const found: KeyLine[] = [];
  const others: string[] = [];
  for await (const line of snapshotLines(input)) {
    look(line);
    if (isEstateLine(line)) estate.add(line);
    if (line.type !== "key") continue;
    const aliases = line.aliases ?? [];
    if (
      line.arn === name ||
      line.arn.endsWith(`:key/${name}`) ||
      aliases.some((a) => a === name || a === `alias/${name}`)
    ) {
      found.push(line);
    } else if (others.length < 5) others.push(aliases[0] ?? line.arn);
  }
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  throw new KeywardError(
    only === undefined
      ? {
          what:
            name === "" ? "say which key of the snapshot to explain" : "there is no such key in the snapshot",
          where: input.name,
          expected: "the ARN, key id or alias of a key",
          got: name,
          next: `keyward explain KEY ${input.name}, where KEY is for example ${others.map((k) => inert(k, { max: 100 })).join(", ")}`,
        }
      : {
          what: "several keys have this name",
          where: input.name,
          got: found.map((k) => k.arn).join(", "),
          next: "name the key by its ARN",
        },
  );
}

import type { Who } from "../../access/matrix.js";
import type { Exposure } from "../../domain/verdict.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import type { KeyRecord } from "../../domain/key.js";
import type { AccountId, OrganizationId } from "../../domain/ids.js";
import type { Zone } from "../../domain/zone.js";
import type { KeyChange, PlanFile, StrategyChoice } from "../../repair/plan-file.js";
import { PLAN_SCHEMA } from "../../repair/plan-file.js";
import { disagreement, type KeyOutcome, type PlanContext, plannedKey } from "../../repair/outcome.js";
import { planKey } from "../../repair/plan-key.js";
import { planText } from "../../repair/plan-text.js";
import { planReadd } from "../../repair/readd.js";
import { judgeKey } from "../../rules/judge.js";
import { keyRecord } from "../../snapshot/key-record.js";
import type { Config } from "../../trust/config.js";
import { ExceptionBook, speaksOf } from "../../trust/exceptions.js";
import { assumeOwnOrganization, zoneOf } from "../../trust/zone.js";
import { findInputs } from "../check/inputs.js";
import type { Io } from "../command.js";
import { loadConfigFile } from "../config-file.js";
import { EXIT, type ExitCode } from "../exit.js";
import { wantsColor } from "../options.js";
import { writeOutput } from "../output.js";
import { toolVersion } from "../version.js";
import { type Evidence, readEvidence } from "./evidence.js";
import type { PlanFlags } from "./flags.js";
import { type Around, type PlanKey, planKeys } from "./keys.js";
import { planSummary } from "./summary.js";

/** Makes a plan for the keys of the files. Throws KeywardError for what cannot be read. */
export async function runPlan(paths: readonly string[], flags: PlanFlags, io: Io): Promise<ExitCode> {
  if (flags.readd && flags.usage === undefined) {
    throw new KeywardError({
      what: "--readd needs the denials that it shall lift",
      expected: "--usage FILE",
      next: "make one from the time since the change: keyward usage --cloudtrail … --output FILE",
    });
  }
  const config = await loadConfigFile(flags.config);
  const evidence = await readEvidence(flags.usage);
  const inputs = await findInputs(paths, io.stdin ?? process.stdin);
  const now = Math.floor(io.now() / 1000);
  try {
    const [problem] = inputs.problems;
    if (problem !== undefined) throw new KeywardError(problem);
    if (inputs.files.length === 0) {
      throw new KeywardError({
        what: "there is nothing to plan for",
        next: "name a snapshot or a key policy",
      });
    }
    const around: Around = { notes: [], incomplete: 0 };
    const planning = new Planning(config, flags, evidence, now);
    for await (const key of planKeys(inputs.files, flags, flags.keys, around)) planning.add(key);
    if (around.incomplete > 0) {
      around.notes.push(
        `The snapshot says of ${around.incomplete} things that they could not be read: keys may be missing here.`,
      );
    }
    const plan = planning.finish(
      paths,
      around,
      new Date(now * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
      toolVersion(),
    );
    await write(plan, flags, io);
    for (const text of planning.disagreements) {
      io.stderr.write(`keyward's two engines disagree; please report it: ${inert(text)}\n`);
    }
    if (planning.disagreements.length > 0) return EXIT.disagreement;
    if (plan.refused.some((r) => r.kind === "safety")) return EXIT.refused;
    return plan.refused.length > 0 || around.incomplete > 0 ? EXIT.incomplete : EXIT.clear;
  } finally {
    await inputs.dispose();
  }
}

async function write(plan: PlanFile, flags: PlanFlags, io: Io): Promise<void> {
  if (flags.output !== undefined) {
    const text = planText(plan, /\.json$/i.test(flags.output) ? "json" : "yaml");
    await writeOutput([text], flags.output, io);
  }
  const shown =
    flags.format === "table"
      ? planSummary(plan, {
          width: Math.min(Math.max(io.stdout.columns ?? 80, 60), 120),
          color: wantsColor({ color: flags.color, output: undefined }, io),
          output: flags.output,
        })
      : planText(plan, flags.format);
  await writeOutput([shown], undefined, io);
}

/** What exceptions make of the zone of one key. */
type Waived =
  | {
      readonly kind: "some";
      readonly zone: Zone;
      readonly notes: readonly string[];
      /** By the zone alone. */
      readonly exposure: Exposure;
    }
  | { readonly kind: "disagreement"; readonly disagreements: readonly string[] }
  /** `all`: nothing else is wrong with the key. */
  | { readonly kind: "everybody"; readonly exposure: Exposure; readonly all: boolean };

/** Whether an open finding is about somebody who would become trusted with another finding's who. */
function touches(open: Who, waived: Who): boolean {
  if (waived.kind === "account" && open.kind === "principal") return open.account === waived.id;
  if (waived.kind === "organization") return open.kind !== "anyone" && open.kind !== "service";
  if (waived.kind === "service") return open.kind === "service" && open.name === waived.name;
  return JSON.stringify(open) === JSON.stringify(waived);
}

const zoneJson = (zone: Zone): PlanFile["zone"] => ({
  organizations: [...zone.organizations],
  accounts: [...zone.accounts],
  principals: [...zone.principals],
  services: [...zone.services],
});

/** The plan as it grows key by key. */
class Planning {
  readonly disagreements: string[] = [];
  /** Each with the zone of its snapshot. */
  private readonly changes: (readonly [KeyChange, Zone])[] = [];
  private readonly unchanged: PlanFile["unchanged"] = [];
  private readonly refused: PlanFile["refused"] = [];
  private readonly notes = new Set<string>();
  /** What some snapshot trusts. */
  private zone: Zone;

  constructor(
    private readonly config: Config,
    private readonly flags: PlanFlags,
    private readonly evidence: Evidence,
    private readonly now: number,
  ) {
    this.zone = zoneOf(config, []);
  }

  add({ line, estate, iam, file }: PlanKey): void {
    const zone = zoneOf(this.config, estate.organizations);
    this.zone = {
      ...zone,
      organizations: [...new Set([...this.zone.organizations, ...zone.organizations])],
    };
    const read = keyRecord(line, estate);
    const own = assumeOwnOrganization(read.facts, zone, estate.listed);
    if (own.assumed !== undefined) {
      this.notes.add(`Accounts of keys were taken to be members of ${own.assumed}, the only trusted one.`);
    }
    const record: KeyRecord = { ...read, facts: own.facts };
    const waived = this.waived(record, zone, estate.organizationOf);
    if (waived.kind === "disagreement") {
      this.take(disagreement(plannedKey(record, file), waived), zone);
      return;
    }
    if (waived.kind === "everybody") {
      const key = plannedKey(record, file);
      const { exposure } = waived;
      if (waived.all) {
        const reason = "exceptions of keyward.yaml cover everybody who can use it";
        this.unchanged.push({ key, exposure, reason });
      } else {
        this.refused.push({
          key,
          exposure,
          kind: "unplanned",
          obligation: null,
          reason: "an exception lets everybody in, and others of its findings are not covered",
          next: "remove the exception, or repair the key by hand",
          tried: [],
        });
      }
      return;
    }
    for (const note of waived.notes) this.notes.add(note);
    const view = iam.viewOf(record.facts.account, { zone, organizationOf: estate.organizationOf });
    const context: PlanContext = {
      own:
        view === undefined
          ? undefined
          : { analysis: view.analysis, exists: (kind, name) => view.exists(kind, name) },
      trust: {
        facts: record.facts,
        zone: waived.zone,
        organizationOf: estate.organizationOf,
        ownOrganizationAssumed: own.assumed !== undefined,
      },
      now: this.now,
      strategy: this.strategyFor(record),
      usage: this.evidence(record.facts.arn),
      weak: this.flags.weak || this.flags.keys.length > 0,
      ...(file === undefined ? {} : { file }),
      ...(waived.notes.length === 0 ? {} : { zoneWithoutExceptions: zone }),
    };
    const outcome = this.flags.readd ? planReadd(record, context) : planKey(record, context);
    if (outcome.kind !== "unchanged" || waived.notes.length === 0) this.take(outcome, zone);
    else {
      const reason = `${outcome.key.reason}, but for those whom exceptions of keyward.yaml let stay`;
      this.unchanged.push({ ...outcome.key, exposure: waived.exposure, reason });
    }
  }

  private take(outcome: KeyOutcome, zone: Zone): void {
    switch (outcome.kind) {
      case "change":
        this.changes.push([outcome.change, zone]);
        break;
      case "unchanged":
        this.unchanged.push(outcome.key);
        break;
      case "refused":
        this.refused.push(outcome.key);
        break;
      case "disagreement":
        this.disagree(outcome.key, outcome.details);
    }
  }

  /** The key stands among those that are not changed, so that the plan leaves none out. */
  private disagree(key: PlanFile["refused"][number], details: readonly string[]): void {
    this.refused.push(key);
    this.disagreements.push(`${key.key.arn}: ${details.join("; ")}`);
  }

  private strategyFor({ facts }: KeyRecord): StrategyChoice {
    if (this.flags.strategy !== undefined) return this.flags.strategy;
    const key = { arn: facts.arn, aliases: facts.aliases ?? [] };
    return this.config.repair?.find((r) => speaksOf(r, key))?.strategy ?? "auto";
  }

  /** Whom exceptions let stay belongs to the zone as far as this key is concerned. */
  private waived(
    record: KeyRecord,
    zone: Zone,
    organizationOf: PlanContext["trust"]["organizationOf"],
  ): Waived {
    if (this.config.exceptions.length === 0) return { kind: "some", zone, notes: [], exposure: "unknown" };
    const { report, disagreements } = judgeKey(record, {
      zone,
      organizationOf,
      exceptions: new ExceptionBook(this.config.exceptions, this.now),
      now: this.now,
    });
    if (disagreements.length > 0) return { kind: "disagreement", disagreements };
    const add = {
      organizations: new Set(zone.organizations),
      accounts: new Set(zone.accounts),
      principals: new Set(zone.principals),
      services: new Set(zone.services),
    };
    const notes: string[] = [];
    const open = report.findings.filter((f) => f.waiver === null && f.exposure !== "none");
    for (const { waiver, who, exposure } of report.findings) {
      if (waiver === null || who === null || exposure === "none") continue;
      // Somebody whose access is covered in part only does not become trusted.
      if (who.kind !== "anyone" && open.some((f) => f.who !== null && touches(f.who, who))) continue;
      const stays = (name: string): void => {
        notes.push(
          `${name} keeps its access to ${record.facts.arn}: exception of ${inert(waiver.owner)} until ${waiver.expires}.`,
        );
      };
      switch (who.kind) {
        case "anyone":
          return { kind: "everybody", exposure: report.exposure, all: open.length === 0 };
        case "account":
          // Ids in findings come from the engine, which made them of parsed documents.
          add.accounts.add(who.id as AccountId);
          stays(who.id);
          break;
        case "organization":
          add.organizations.add(who.id as OrganizationId);
          stays(who.id);
          break;
        case "principal":
          add.principals.add(who.arn);
          stays(who.arn);
          break;
        case "service":
          if (who.name !== undefined) {
            add.services.add(who.name);
            stays(who.name);
          }
          break;
        case "pattern":
        case "unresolved":
          break;
      }
    }
    return {
      kind: "some",
      exposure: report.exposure,
      zone: {
        organizations: [...add.organizations],
        accounts: [...add.accounts],
        principals: [...add.principals],
        services: [...add.services],
      },
      notes,
    };
  }

  finish(paths: readonly string[], around: Around, createdAt: string, version: string): PlanFile {
    const { zone } = this;
    return {
      schema: PLAN_SCHEMA,
      tool: { name: "keyward", version },
      createdAt,
      purpose: this.flags.readd ? "readd" : "close",
      inputs: {
        estate: [...paths],
        config: this.config.where ?? null,
        usage: this.flags.usage ?? null,
        strategy: this.flags.strategy ?? "auto",
      },
      zone: zoneJson(zone),
      summary: {
        changes: this.changes.length,
        unchanged: this.unchanged.length,
        refused: this.refused.length,
      },
      changes: this.changes.map(([change, own]) =>
        own.organizations.length === zone.organizations.length ? change : { ...change, zone: zoneJson(own) },
      ),
      unchanged: this.unchanged,
      refused: this.refused,
      notes: [...around.notes, ...this.notes],
    };
  }
}

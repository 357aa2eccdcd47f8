import type { Connection } from "../../aws/connect.js";
import { connect } from "../../aws/connect.js";
import { permissionOf } from "../../aws/least-privilege.js";
import type { CloudPort } from "../../collect/ports.js";
import { canBeDisabled } from "../../collect/regions.js";
import { Workers } from "../../collect/workers.js";
import { partitionOfRegion } from "../../domain/ids.js";
import { inert } from "../../domain/inert.js";
import type { CloudFlags } from "../change/flags.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import type { ScopeFlags } from "../scan/flags.js";
import { resolveScope } from "../scan/scope.js";
import { toolVersion } from "../version.js";
import type { Probe } from "./probe.js";
import { probeAccount, probeOrganization, probeRegion } from "./probe.js";

/** Where the doctor looks. */
export interface DoctorFlags extends CloudFlags {
  readonly scope: ScopeFlags;
  /** Empty: all Regions of each account. */
  readonly regions: readonly string[];
}

/** Accounts and Regions that are looked at together. */
const AT_ONCE = 8;

/** Tries each read once in every place. Nothing is written. 0: all can be read; 3: something cannot, or is not known. */
export async function runDoctor(flags: DoctorFlags, io: Io): Promise<ExitCode> {
  const scope = await resolveScope(flags.scope);
  const connection = await connect({
    profile: flags.profile,
    region: flags.regions.find((region) => !canBeDisabled(region)),
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
    role: flags.role,
    externalId: flags.externalId,
    via: flags.via,
  });
  try {
    const probes: Probe[] = [];
    const { signal } = new AbortController();
    const identity = await connection.identity(signal);
    const own = identity.ok ? identity.value.account : undefined;
    const partition = identity.ok ? identity.value.partition : partitionOfRegion(connection.homeRegion);
    probes.push({
      action: "sts:GetCallerIdentity",
      where: own ?? "the credentials",
      ...(identity.ok ? { outcome: "can" } : { outcome: "cannot", detail: identity.error.code }),
    });
    let accounts: readonly string[];
    if (scope.kind === "organization") {
      const read = await probeOrganization(await connection.organization(), signal);
      probes.push(...read.probes);
      accounts = read.accounts.filter((a) => (a.status ?? "ACTIVE") === "ACTIVE").map((a) => a.id);
    } else accounts = scope.kind === "accounts" ? scope.ids : [own ?? "the account"];
    const workers = new Workers(AT_ONCE);
    for (const account of accounts) {
      await workers.start(async () => {
        const entered = await enter(connection, account, own, partition, flags, signal);
        probes.push(...entered.probes);
        if (entered.cloud !== undefined) {
          probes.push(...(await lookAt(entered.cloud, account, flags.regions, signal)));
        }
      });
    }
    await workers.settled();
    for (const text of summary(probes)) io.stdout.write(text);
    const untried = triedNowhere(probes);
    if (untried.length > 0) {
      io.stdout.write(
        `Not known: ${untried.join(" and ")} could be tried nowhere, and verdicts need them.\n    next: look at a Region that has a key (--region), or at an account that has one\n`,
      );
    }
    const refused = probes.some((p) => p.outcome === "cannot" && !isSpare(p, probes));
    return refused || untried.length > 0 ? EXIT.incomplete : EXIT.clear;
  } finally {
    connection.close();
  }
}

interface Entered {
  readonly cloud: CloudPort | undefined;
  readonly probes: readonly Probe[];
}

/** Gets into an account as a scan does: through the role, or with the credentials themselves where it is theirs. */
async function enter(
  connection: Connection,
  account: string,
  own: string | undefined,
  partition: string,
  flags: DoctorFlags,
  signal: AbortSignal,
): Promise<Entered> {
  const isOwn = account === own || flags.scope.kind === "own";
  if (flags.role === undefined) {
    if (isOwn) return { cloud: connection, probes: [] };
    const detail = "the account is not that of the credentials; name a role with --role";
    return {
      cloud: undefined,
      probes: [{ action: "sts:AssumeRole", outcome: "cannot", where: account, detail }],
    };
  }
  const assumed = await connection.accounts.assume(account, partition, signal);
  const probe = { action: "sts:AssumeRole", where: account } as const;
  if (assumed.ok) return { cloud: assumed.value.cloud, probes: [{ ...probe, outcome: "can" }] };
  const refused: Probe = { ...probe, outcome: "cannot", detail: assumed.error.code };
  return { cloud: isOwn ? connection : undefined, probes: [refused] };
}

async function lookAt(
  cloud: CloudPort,
  account: string,
  named: readonly string[],
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const found = await probeAccount(cloud, account, signal);
  const wanted = named.length > 0 ? named : found.regions;
  const probes: Probe[] = [...found.probes];
  const workers = new Workers(AT_ONCE);
  for (const region of wanted.length > 0 ? wanted : [cloud.homeRegion]) {
    await workers.start(async () => {
      probes.push(...(await probeRegion(cloud.kms(region), `${account}/${region}`, signal)));
      cloud.done?.(region);
    });
  }
  await workers.settled();
  return probes;
}

/** Reads that verdicts need and that no place had anything to try with: that nothing was refused says nothing of them. */
export function triedNowhere(probes: readonly Probe[]): readonly string[] {
  const tried = new Set(probes.filter((p) => p.outcome !== "not-tried").map((p) => p.action));
  const needed = (action: string): boolean => permissionOf(action)?.need === "verdict";
  return [...new Set(probes.map((p) => p.action))].filter((action) => needed(action) && !tried.has(action));
}

/** Either of the two calls that list Regions does. */
function isSpare(probe: Probe, all: readonly Probe[]): boolean {
  const other = {
    "ec2:DescribeRegions": "account:ListRegions",
    "account:ListRegions": "ec2:DescribeRegions",
  };
  const instead = new Map(Object.entries(other)).get(probe.action);
  return all.some((p) => p.action === instead && p.where === probe.where && p.outcome === "can");
}

const LABEL = { can: "ok", cannot: "no", "not-tried": "--" } as const;
/** Places that are listed one by one. */
const LISTED = 5;

/** For each action and outcome a line, and for what is missing its cost and the next step. */
function summary(probes: readonly Probe[]): string[] {
  const groups = new Map<string, Probe[]>();
  for (const p of probes) {
    const id = JSON.stringify([p.action, p.outcome, p.detail ?? ""]);
    groups.set(id, [...(groups.get(id) ?? []), p]);
  }
  const all = [...groups.values()];
  const order = [...new Set(probes.map((p) => p.action))];
  all.sort((a, b) => order.indexOf(a[0]?.action ?? "") - order.indexOf(b[0]?.action ?? ""));
  return all.map((group) => line(group, probes));
}

function line(group: readonly Probe[], all: readonly Probe[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const { action, outcome, detail } = first;
  const places = [...new Set(group.map((p) => p.where))].sort();
  const shown = places.slice(0, outcome === "can" ? 1 : LISTED).map((p) => inert(p, { max: 100 }));
  const left = places.length - shown.length;
  const where = `${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
  const why = detail === undefined ? "" : `: ${inert(detail, { max: 200 })}`;
  return `${LABEL[outcome]}  ${action}  ${where}${why}\n${outcome === "cannot" ? cost(action, group, all) : ""}`;
}

function cost(action: string, group: readonly Probe[], all: readonly Probe[]): string {
  const permission = permissionOf(action);
  if (permission === undefined) return "";
  if (group.every((p) => isSpare(p, all))) return "    the other call that lists Regions does\n";
  const purpose = /^(organizations|sts):/.test(action) ? "organization" : "scan";
  const verdict = permission.need === "verdict" ? "; keys are not assessed" : "";
  return `    not known without it: ${permission.gives}${verdict}\n    next: keyward doctor --for ${purpose} prints the policy to attach\n`;
}

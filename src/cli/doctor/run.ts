import type { Connection } from "../../aws/connect.js";
import { connect } from "../../aws/connect.js";
import { permissionOf } from "../../aws/least-privilege.js";
import { awsUnreachable, credentialsRefused } from "../../collect/cannot-begin.js";
import type { CloudPort, ListedAccount } from "../../collect/ports.js";
import { canBeDisabled } from "../../collect/regions.js";
import { Workers } from "../../collect/workers.js";
import { partitionOfRegion } from "../../domain/ids.js";
import type { CloudFlags } from "../change/flags.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import type { ScopeFlags } from "../scan/flags.js";
import { resolveScope } from "../scan/scope.js";
import { toolVersion } from "../version.js";
import type { Probe } from "./probe.js";
import { isSpare, probeAccount, probeOf, probeOrganization, probeRegion } from "./probe.js";
import { summary } from "./summary.js";

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
    sessionName: flags.sessionName,
    via: flags.via,
  });
  try {
    const probes: Probe[] = [];
    const { signal } = new AbortController();
    const identity = await connection.identity(signal);
    const own = identity.ok ? identity.value.account : undefined;
    const partition = identity.ok ? identity.value.partition : partitionOfRegion(connection.homeRegion);
    if (!identity.ok && identity.error.kind === "credentials") throw credentialsRefused(identity.error);
    if (!identity.ok && identity.error.kind === "unreachable") throw awsUnreachable(identity.error);
    probes.push(probeOf("sts:GetCallerIdentity", identity, own ?? "the credentials"));
    let accounts: readonly string[];
    if (scope.kind === "organization") {
      const read = await probeOrganization(await connection.organization(), signal);
      probes.push(...read.probes);
      const isOpen = ({ status = "ACTIVE" }: ListedAccount): boolean => status === "ACTIVE";
      probes.push(...read.accounts.filter((a) => !isOpen(a)).map(closedAccount));
      accounts = read.accounts.filter(isOpen).map((a) => a.id);
    } else accounts = scope.kind === "accounts" ? scope.ids : [own ?? "the account"];
    const workers = new Workers(AT_ONCE);
    for (const account of accounts) {
      await workers.start(async () => {
        const entered = await enter(connection, account, own, partition, flags, signal);
        probes.push(...entered.probes);
        if (entered.cloud !== undefined) {
          probes.push(...(await lookAt(entered.cloud, account, flags, signal)));
        }
      });
    }
    await workers.settled();
    const untried = triedNowhere(probes);
    for (const text of summary(probes, untried, io.stdout.columns)) io.stdout.write(text);
    const refused = probes.some((p) => p.outcome === "cannot" && !isSpare(p, probes));
    return refused || untried.length > 0 ? EXIT.incomplete : EXIT.clear;
  } finally {
    connection.close();
  }
}

/** As a scan says of it: nobody can sign in to it, so nothing in it is tried. */
function closedAccount({ id, status = "" }: ListedAccount): Probe {
  const detail = `Organizations says that the account is ${status}`;
  const next = "reopen the account through AWS Support, or let it be closed for good";
  return { action: "sts:AssumeRole", outcome: "cannot", where: id, detail, next };
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
    const detail = "the account is not that of the credentials";
    const next = "name the role that keyward may assume in each account with --role";
    return {
      cloud: undefined,
      probes: [{ action: "sts:AssumeRole", outcome: "cannot", where: account, detail, next }],
    };
  }
  const assumed = await connection.accounts.assume(account, partition, signal);
  const probes = [probeOf("sts:AssumeRole", assumed, account)];
  if (assumed.ok) return { cloud: assumed.value.cloud, probes };
  return { cloud: isOwn ? connection : undefined, probes };
}

async function lookAt(
  cloud: CloudPort,
  account: string,
  { regions: named, scope }: DoctorFlags,
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const found = await probeAccount(cloud, account, signal, scope.kind !== "organization");
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

import { connect } from "../../aws/connect.js";
import { permissionOf } from "../../aws/least-privilege.js";
import type { Asked, CloudPort } from "../../collect/ports.js";
import { inert } from "../../domain/inert.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { toolVersion } from "../version.js";

/** Where the doctor looks. */
export interface DoctorFlags {
  readonly profile: string | undefined;
  readonly region: string | undefined;
  readonly endpointUrl: string | undefined;
}

/** Tries each read once. Nothing is written. 0: all can be read; 3: something cannot. */
export async function runDoctor(flags: DoctorFlags, io: Io): Promise<ExitCode> {
  const connection = await connect({ ...flags, version: toolVersion(), env: io.env });
  try {
    const region = flags.region ?? connection.homeRegion;
    const probes = await probe(connection, region, new AbortController().signal);
    for (const p of probes) io.stdout.write(line(p));
    return probes.every((p) => p.outcome === "can" || p.outcome === "not-tried")
      ? EXIT.clear
      : EXIT.incomplete;
  } finally {
    connection.close();
  }
}

/** One read that was tried. */
export interface Probe {
  readonly action: string;
  readonly outcome: "can" | "cannot" | "not-tried";
  /** Account and Region, or why it was not tried, or AWS's error code. */
  readonly detail: string;
}

/** Tries the reads of a scan in one Region; those that are about a key, with the first key that is listed. */
export async function probe(
  cloud: CloudPort,
  region: string,
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const out: Probe[] = [];
  const put = <T>(action: string, answer: Asked<T>, where: string): T | undefined => {
    out.push(
      answer.ok
        ? { action, outcome: "can", detail: where }
        : { action, outcome: "cannot", detail: `${where}: ${answer.error.code}` },
    );
    return answer.ok ? answer.value : undefined;
  };
  const identity = put("sts:GetCallerIdentity", await cloud.identity(signal), "the credentials");
  const account = identity?.account ?? "the account";
  const place = `${account}/${region}`;
  put("ec2:DescribeRegions", await cloud.describeRegions(signal), account);
  const kms = cloud.kms(region);
  const keys = put("kms:ListKeys", await kms.listKeys(undefined, signal), place);
  put("kms:ListAliases", await kms.listAliases(undefined, signal), place);
  const key = keys?.items[0]?.id;
  if (key === undefined) {
    for (const action of ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"]) {
      out.push({ action, outcome: "not-tried", detail: `${place}: no key was listed to try it with` });
    }
  } else {
    put("kms:DescribeKey", await kms.describeKey(key, signal), place);
    put("kms:GetKeyPolicy", await kms.getKeyPolicy(key, signal), place);
    put("kms:ListGrants", await kms.listGrants(key, undefined, signal), place);
  }
  if (cloud.iam !== undefined) {
    const iam = await cloud.iam();
    put("iam:GetAccountAuthorizationDetails", await iam.authorizationDetails(undefined, signal), account);
  }
  return out;
}

const LABEL = { can: "ok", cannot: "no", "not-tried": "--" } as const;

function line({ action, outcome, detail }: Probe): string {
  const permission = permissionOf(action);
  const cost =
    outcome !== "cannot" || permission === undefined
      ? ""
      : `\n    not known without it: ${permission.gives}${permission.need === "verdict" ? "; keys are not assessed" : ""}\n    next: keyward doctor --for scan prints the policy to attach`;
  return `${LABEL[outcome]}  ${action}  ${inert(detail, { max: 200 })}${cost}\n`;
}

import type { KeyPorts } from "../../apply/context.js";
import type { WritableCloud } from "../../apply/ports.js";
import type { Connection } from "../../aws/connect.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { toolVersion } from "../version.js";
import type { Io } from "../command.js";
import type { CloudFlags } from "./flags.js";

/** KMS for every key that can be reached. */
export interface ChangeCloud {
  readonly portsOf: (arn: string) => Promise<KeyPorts | string>;
  readonly close: () => void;
}

/** Connects with the user's credentials; with `--role`, to each key's account through that role. */
export async function openCloud(
  flags: CloudFlags,
  io: Io,
  regionOf: string | undefined,
): Promise<ChangeCloud> {
  // Loads the SDK.
  const { connect } = await import("../../aws/connect.js");
  const connection = await connect({
    profile: flags.profile,
    region: regionOf,
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
    role: flags.role,
    externalId: flags.externalId,
    sessionName: flags.sessionName,
    via: flags.via,
  });
  const accounts = new Map<string, Promise<WritableCloud | string>>();
  return {
    portsOf: async (arn) => {
      const key = parseKeyArn(arn);
      if (key === undefined) return "This is no ARN of a key. Next: make a new plan.";
      const { account, region, partition } = keyArnParts(key);
      const known = accounts.get(account) ?? reach(connection, flags.role, account, partition);
      accounts.set(account, known);
      const cloud = await known;
      return typeof cloud === "string" ? cloud : portsIn(cloud, region);
    },
    close: () => connection.close(),
  };
}

async function reach(
  connection: Connection,
  role: string | undefined,
  account: string,
  partition: string,
): Promise<WritableCloud | string> {
  if (role === undefined) return connection;
  const assumed = await connection.accounts.assume(account, partition, new AbortController().signal);
  if (assumed.ok) return assumed.value.cloud;
  const { code, message, help } = assumed.error;
  return `The role ${role} cannot be assumed in account ${account}: ${code}: ${message} Next: ${help ?? "check --role, --external-id and --via."}`;
}

/** One port for a Region however many keys it has: a client keeps its connections. */
const regions = new WeakMap<WritableCloud, Map<string, KeyPorts>>();

export function portsIn(cloud: WritableCloud, region: string): KeyPorts {
  const known = regions.get(cloud) ?? new Map<string, KeyPorts>();
  regions.set(cloud, known);
  const ports = known.get(region) ?? { read: cloud.kms(region), write: cloud.kmsWriter(region) };
  known.set(region, ports);
  return ports;
}

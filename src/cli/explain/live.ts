import { connect } from "../../aws/connect.js";
import { readIam } from "../../collect/iam.js";
import { askMembership } from "../../collect/membership.js";
import { allPages, gatheredPages } from "../../collect/paging.js";
import type { Asked, CallFailure, CloudPort, KmsPort } from "../../collect/ports.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { KeywardError } from "../../domain/result.js";
import type { Estate } from "../../snapshot/key-record.js";
import type { AccountLine, IdentityLine, KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import type { CloudFlags } from "../change/flags.js";
import type { Io } from "../command.js";
import type { EstateIam } from "../estate-iam.js";
import { toolVersion } from "../version.js";

/** How AWS is reached for one key. */
export interface LiveFlags extends CloudFlags {
  /** Of a key id or alias. Undefined: the home Region. */
  readonly region: string | undefined;
}

/** Where what is read beside the key goes. */
interface Around {
  readonly estate: Estate;
  readonly iam: EstateIam;
  readonly notes: string[];
}

/** What one read needs. */
interface Asking {
  readonly signal: AbortSignal;
  readonly notes: string[];
}

/**
 * Reads one key and the IAM of its account from AWS. Nothing is written. What could not be read is unreadable in the
 * line, or a note.
 * @param key ARN, key id or alias
 * @throws KeywardError where the key cannot be found
 */
export async function readLiveKey(
  key: string,
  flags: LiveFlags,
  io: Io,
  { estate, iam, notes }: Around,
): Promise<KeyLine> {
  const named = parseKeyArn(key);
  const parts = named === undefined ? undefined : keyArnParts(named);
  const connection = await connect({
    profile: flags.profile,
    region: parts?.region ?? flags.region,
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
    role: flags.role,
    externalId: flags.externalId,
    sessionName: flags.sessionName,
    via: flags.via,
  });
  try {
    const asking: Asking = { signal: new AbortController().signal, notes };
    const own = needed(await connection.identity(asking.signal), "the credentials");
    const account = parts?.account ?? own.account;
    const partition = parts?.partition ?? own.partition;
    const region = parts?.region ?? flags.region ?? connection.homeRegion;
    let cloud: CloudPort = connection;
    if (flags.role !== undefined) {
      cloud = needed(
        await connection.accounts.assume(account, partition, asking.signal),
        `account ${account}`,
      ).cloud;
    } else if (account !== own.account) {
      throw new KeywardError({
        what: "the key belongs to another account than the credentials",
        where: key,
        got: `credentials of account ${own.account}`,
        next: "name the role to assume in the key's account with --role, or use credentials of that account",
      });
    }
    const kms = cloud.kms(region);
    const aliases = await allPages("kms:ListAliases", (marker) => kms.listAliases(marker, asking.signal));
    const id = parts?.keyId ?? keyIdOf(key, aliases, `${account}/${region}`);
    const line = await readKeyLine(kms, id, `arn:${partition}:kms:${region}:${account}:key/${id}`, asking);
    const names = aliases.ok ? aliases.value.filter((a) => a.keyId === id).map((a) => a.name) : undefined;
    if (!aliases.ok) note(asking, aliases.error, "the names of the key are not known");
    await readAccountIam(cloud, account, iam, asking);
    const organization = await askMembership({ ask: asked(asking) }, cloud);
    if (organization !== undefined) {
      const said: AccountLine = { type: "account", id: account, organization };
      estate.add(said);
      iam.add(said);
    }
    const unread = unreadPolicies(organization, account);
    if (unread !== undefined) notes.push(unread);
    return names === undefined ? line : { ...line, aliases: names };
  } finally {
    connection.close();
  }
}

/** The id of the key that an alias (with or without `alias/`) or a key id means. */
function keyIdOf(
  key: string,
  aliases: Asked<readonly { readonly name: string; readonly keyId: string | undefined }[]>,
  where: string,
): string {
  if (/^(mrk-)?[0-9a-f-]{32,36}$/.test(key)) return key;
  if (!aliases.ok) throw failed(aliases.error, where);
  const found = aliases.value.find((a) => a.name === key || a.name === `alias/${key}`)?.keyId;
  if (found !== undefined) return found;
  throw new KeywardError({
    what: "there is no such alias",
    where,
    expected: "the ARN, key id or alias of a key",
    got: key,
    next: "name its Region with --region, or the key by its ARN; for a key of a snapshot name the file as well",
  });
}

async function readKeyLine(kms: KmsPort, id: string, arn: string, asking: Asking): Promise<KeyLine> {
  const { signal } = asking;
  const [described, policy, grants, tags] = await Promise.all([
    kms.describeKey(id, signal),
    kms.getKeyPolicy(id, signal),
    gatheredPages("kms:ListGrants", (marker) => kms.listGrants(id, marker, signal)),
    allPages("kms:ListResourceTags", (marker) => kms.listResourceTags(id, marker, signal)),
  ]);
  for (const asked of [described, policy]) {
    if (!asked.ok && asked.error.kind === "not-found") throw failed(asked.error, arn);
  }
  if (!described.ok) note(asking, described.error, "state and type of the key are not known");
  if (!policy.ok) note(asking, policy.error, "the key policy is not known");
  if (grants.failure !== undefined) note(asking, grants.failure, "not all grants are known");
  if (!tags.ok) {
    note(asking, tags.error, "the tags are not known; IAM policies that ask for them are taken to fit");
  }
  const facts = described.ok
    ? Object.fromEntries(Object.entries(described.value).filter(([, value]) => value !== undefined))
    : {};
  return {
    type: "key",
    arn,
    ...facts,
    ...(tags.ok ? { tags: Object.fromEntries(tags.value) } : {}),
    policy: policy.ok
      ? policy.value === undefined
        ? { kind: "absent" }
        : { kind: "present", text: policy.value }
      : { kind: "unreadable", code: policy.error.code },
    grants:
      grants.failure === undefined
        ? { kind: "present", items: grants.items }
        : { kind: "unreadable", code: grants.failure.code, items: grants.items },
  };
}

async function readAccountIam(
  cloud: CloudPort,
  account: string,
  iam: EstateIam,
  asking: Asking,
): Promise<void> {
  if (cloud.iam === undefined) return;
  const run = {
    ask: asked(asking),
    emit: (line: SnapshotLine) => {
      if (isIam(line)) iam.add(line);
      return Promise.resolve();
    },
    emitIncomplete: (_where: string, failure: CallFailure) => {
      note(asking, failure, "who in the account can use the key through IAM policies is not known");
      return Promise.resolve();
    },
  };
  await readIam(run, await cloud.iam(), account);
}

function asked({ signal }: Asking) {
  return <T>(_call: string, send: (signal: AbortSignal) => Promise<Asked<T>>) => send(signal);
}

/** What is not known of the organization of an account that was asked for it alone; undefined: nothing of it matters. */
function unreadPolicies(organization: AccountLine["organization"], account: string): string | undefined {
  const next =
    "keyward scan --organization --snapshot FILE reads them, and keyward explain KEY FILE then counts them.";
  if (organization?.kind === "absent") return undefined;
  if (organization?.kind === "present") {
    return organization.managementAccountId === account
      ? undefined
      : `The resource and service control policies of organization ${organization.id} were not read; they may take away some of this. ${next}`;
  }
  const code = organization?.code;
  return `Whether account ${account} is in an organization is not known${code === undefined ? "" : ` (organizations:DescribeOrganization: ${code})`}: resource and service control policies may take away some of this. ${next}`;
}

function isIam(line: SnapshotLine): line is AccountLine | IdentityLine {
  return ["account", "user", "role", "group", "managed-policy"].includes(line.type);
}

function note({ notes }: Asking, failure: CallFailure, cost: string): void {
  notes.push(
    `${failure.call} failed (${failure.code}): ${cost}.${failure.help === undefined ? "" : ` ${failure.help}`}`,
  );
}

function needed<T>(asked: Asked<T>, where: string): T {
  if (asked.ok) return asked.value;
  throw failed(asked.error, where);
}

function failed(failure: CallFailure, where: string): KeywardError {
  return new KeywardError({
    what: `${failure.call} failed`,
    where,
    got: `${failure.code}: ${failure.message}`,
    ...(failure.help === undefined ? {} : { next: failure.help }),
  });
}

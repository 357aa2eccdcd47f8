import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreatePolicyCommand as CreateManagedPolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateGrantCommand, CreateKeyCommand, DisableKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  AttachPolicyCommand,
  CreateAccountCommand,
  CreateOrganizationCommand,
  CreateOrganizationalUnitCommand,
  CreatePolicyCommand,
  EnablePolicyTypeCommand,
  ListRootsCommand,
  MoveAccountCommand,
  OrganizationsClient,
} from "@aws-sdk/client-organizations";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { KeyLine, RoleLine, SnapshotLine } from "../../src/snapshot/lines.js";

/** The management account. moto takes any; the other tests have an organization in the default one. */
export const MANAGEMENT = "111122223333";
export const STRANGER = "999988887777";
export const REGIONS = ["us-east-1", "eu-west-1"] as const;
export type Owner = "management" | "pay" | "logs";

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What moto made up: the ids that the same estate has to have elsewhere. */
export interface Ids {
  readonly organization: string;
  readonly root: string;
  readonly prod: string;
  readonly shared: string;
  readonly logging: string;
  readonly accounts: Readonly<Record<Owner, string>>;
}

/** A key before it exists. */
export interface PlannedKey {
  readonly name: string;
  readonly owner: Owner;
  readonly region: (typeof REGIONS)[number];
  readonly statements?: (ids: Ids) => readonly unknown[];
  readonly grantee?: (ids: Ids) => string;
  readonly disabled?: boolean;
}

/** The estate as it was made: who scans it, and its lines, written from the plan and not read back from moto. */
export interface MadeEstate {
  readonly ids: Ids;
  readonly auditor: Credentials;
  readonly lines: readonly SnapshotLine[];
  /** Name of each key by its ARN. */
  readonly names: ReadonlyMap<string, string>;
}

const policy = (...statements: readonly unknown[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const allow = (action: unknown): string => policy({ Effect: "Allow", Action: action, Resource: "*" });
const trust = (arn: string, condition?: unknown): string =>
  policy({
    Effect: "Allow",
    Principal: { AWS: arn },
    Action: "sts:AssumeRole",
    ...(condition === undefined ? {} : { Condition: condition }),
  });
const root = (account: string): string => `arn:aws:iam::${account}:root`;
const FULL_SCP = allow("*");
const FULL_RCP = policy({ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" });

/** Makes the organization, its IAM and its keys in moto. `scan`: the actions that the scanning role and user need. */
export async function makeEstate(
  url: string,
  keys: readonly PlannedKey[],
  scan: { readonly role: readonly string[]; readonly user: readonly string[] },
): Promise<MadeEstate> {
  const config = (credentials: Credentials, region: string = REGIONS[0]) => ({
    endpoint: url,
    region,
    credentials,
  });
  // moto lets everybody assume every role of every account: that is how its accounts are entered.
  const enter = async (account: string): Promise<Credentials> => {
    const sts = new STSClient(config({ accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "any" }));
    const RoleArn = `arn:aws:iam::${account}:role/Maker`;
    const made = (await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "make" }))).Credentials;
    return {
      accessKeyId: made?.AccessKeyId ?? "",
      secretAccessKey: made?.SecretAccessKey ?? "",
      sessionToken: made?.SessionToken ?? "",
    };
  };
  const { ids, lines } = await makeOrganization(new OrganizationsClient(config(await enter(MANAGEMENT))));
  const auditorArn = `arn:aws:iam::${MANAGEMENT}:user/auditor`;
  let auditor: Credentials | undefined;
  for (const owner of ["management", "pay", "logs"] as const) {
    const iam = new IAMClient(config(await enter(ids.accounts[owner])));
    const maker = new IamMaker(iam, ids.accounts[owner]);
    if (owner === "management") auditor = await maker.user("auditor", allow(scan.user));
    await maker.role("KeywardReader", trust(auditorArn), allow(scan.role));
    if (owner === "pay") {
      await maker.role("Sharer", trust(root(ids.accounts.pay)), allow("kms:CreateGrant"));
      const limit = await maker.managed("OnlyS3", allow("s3:*"));
      await maker.role("Bounded", trust(root(ids.accounts.pay)), allow("kms:*"), limit);
      await maker.userInGroup("ann", "crypt", await maker.managed("ReadAll", allow("kms:Decrypt")));
    }
    if (owner === "logs") {
      const vendor = trust(root(STRANGER), { StringEquals: { "sts:ExternalId": "e-1" } });
      await maker.role("Vendor", vendor, allow(["kms:Decrypt", "kms:CreateGrant"]));
      await maker.role("Admin", trust(root(ids.accounts.logs)), allow("kms:*"));
    }
    // moto gives each account that it makes this role, as AWS does.
    if (owner !== "management") maker.known("OrganizationAccountAccessRole", trust(root(MANAGEMENT)));
    lines.push(...maker.lines, { type: "account", id: ids.accounts[owner], iam: { kind: "present" } });
  }
  const names = new Map<string, string>();
  for (const planned of keys) {
    const credentials = await enter(ids.accounts[planned.owner]);
    const line = await makeKey(new KMSClient(config(credentials, planned.region)), planned, ids);
    names.set(line.arn, planned.name);
    lines.push(line);
  }
  if (auditor === undefined) throw new Error("there is no auditor");
  return { ids, auditor, lines, names };
}

async function makeOrganization(
  client: OrganizationsClient,
): Promise<{ readonly ids: Ids; readonly lines: SnapshotLine[] }> {
  const made = await client.send(new CreateOrganizationCommand({ FeatureSet: "ALL" }));
  const organization = made.Organization?.Id ?? "";
  const top = (await client.send(new ListRootsCommand({}))).Roots?.[0]?.Id ?? "";
  const unit = async (ParentId: string, Name: string): Promise<string> => {
    const { OrganizationalUnit } = await client.send(new CreateOrganizationalUnitCommand({ ParentId, Name }));
    return OrganizationalUnit?.Id ?? "";
  };
  const prod = await unit(top, "prod");
  const shared = await unit(top, "shared");
  const logging = await unit(shared, "logging");
  const member = async (AccountName: string, parent: string): Promise<string> => {
    const command = new CreateAccountCommand({ AccountName, Email: `${AccountName}@example.com` });
    const id = (await client.send(command)).CreateAccountStatus?.AccountId ?? "";
    await client.send(
      new MoveAccountCommand({ AccountId: id, SourceParentId: top, DestinationParentId: parent }),
    );
    return id;
  };
  const accounts = {
    management: MANAGEMENT,
    pay: await member("pay", prod),
    logs: await member("logs", logging),
  };
  const ids: Ids = { organization, root: top, prod, shared, logging, accounts };
  const path = `${organization}/${top}/`;
  const lines: SnapshotLine[] = [
    {
      type: "organization",
      id: organization,
      managementAccountId: MANAGEMENT,
      accounts: [
        { id: MANAGEMENT, name: "master", path, status: "ACTIVE" },
        { id: accounts.pay, name: "pay", path: `${path}${prod}/`, status: "ACTIVE" },
        { id: accounts.logs, name: "logs", path: `${path}${shared}/${logging}/`, status: "ACTIVE" },
      ],
      units: [
        { id: prod, name: "prod", path: `${path}${prod}/` },
        { id: shared, name: "shared", path: `${path}${shared}/` },
        { id: logging, name: "logging", path: `${path}${shared}/${logging}/` },
      ],
      policyTypes: ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"],
    },
  ];
  const SCP = "SERVICE_CONTROL_POLICY";
  const RCP = "RESOURCE_CONTROL_POLICY";
  const attach = async (
    type: typeof SCP | typeof RCP,
    id: string,
    name: string,
    text: string,
    targets: readonly string[],
  ): Promise<void> => {
    for (const target of targets) {
      await client.send(new AttachPolicyCommand({ PolicyId: id, TargetId: target }));
      const line = type === SCP ? "service-control-policy" : "resource-control-policy";
      lines.push({ type: line, target, id, name, text });
    }
  };
  const create = async (Type: typeof SCP | typeof RCP, Name: string, Content: string): Promise<string> => {
    const command = new CreatePolicyCommand({ Type, Name, Content, Description: "" });
    return (await client.send(command)).Policy?.PolicySummary?.Id ?? "";
  };
  for (const PolicyType of [SCP, RCP] as const) {
    await client.send(new EnablePolicyTypeCommand({ RootId: top, PolicyType }));
  }
  // AWS attaches these two to every unit and account by itself; moto only to the root and the management account.
  const everywhere = [top, prod, shared, logging, MANAGEMENT, accounts.pay, accounts.logs];
  await attach(SCP, "p-FullAWSAccess", "FullAWSAccess", FULL_SCP, everywhere);
  await attach(RCP, "p-RCPFullAWSAccess", "RCPFullAWSAccess", FULL_RCP, everywhere);
  const noSharing = policy({
    Effect: "Deny",
    Action: ["kms:CreateGrant", "kms:PutKeyPolicy"],
    Resource: "*",
  });
  await attach(SCP, await create(SCP, "no-sharing", noSharing), "no-sharing", noSharing, [shared]);
  const perimeter = policy({
    Effect: "Deny",
    Principal: "*",
    Action: "kms:*",
    Resource: "*",
    Condition: {
      StringNotEqualsIfExists: { "aws:PrincipalOrgID": organization },
      BoolIfExists: { "aws:PrincipalIsAWSService": "false" },
    },
  });
  const rcp = await create(RCP, "perimeter", perimeter);
  // On the management account it is without effect.
  await attach(RCP, rcp, "perimeter", perimeter, [prod, MANAGEMENT]);
  return { ids, lines };
}

/** Makes entities of one account in moto, and their lines. */
class IamMaker {
  readonly lines: SnapshotLine[] = [];

  constructor(
    private readonly iam: IAMClient,
    private readonly account: string,
  ) {}

  async user(name: string, text: string): Promise<Credentials> {
    await this.iam.send(new CreateUserCommand({ UserName: name }));
    await this.iam.send(
      new PutUserPolicyCommand({ UserName: name, PolicyName: "own", PolicyDocument: text }),
    );
    const { AccessKey } = await this.iam.send(new CreateAccessKeyCommand({ UserName: name }));
    this.lines.push({
      type: "user",
      arn: `arn:aws:iam::${this.account}:user/${name}`,
      groups: [],
      inlinePolicies: [{ name: "own", text }],
      attachedPolicies: [],
      boundary: null,
    });
    return {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    };
  }

  async userInGroup(name: string, group: string, managed: string): Promise<void> {
    await this.iam.send(new CreateGroupCommand({ GroupName: group }));
    await this.iam.send(new AttachGroupPolicyCommand({ GroupName: group, PolicyArn: managed }));
    await this.iam.send(new CreateUserCommand({ UserName: name }));
    await this.iam.send(new AddUserToGroupCommand({ UserName: name, GroupName: group }));
    this.lines.push(
      {
        type: "group",
        arn: `arn:aws:iam::${this.account}:group/${group}`,
        inlinePolicies: [],
        attachedPolicies: [managed],
      },
      {
        type: "user",
        arn: `arn:aws:iam::${this.account}:user/${name}`,
        groups: [group],
        inlinePolicies: [],
        attachedPolicies: [],
        boundary: null,
      },
    );
  }

  async managed(name: string, text: string): Promise<string> {
    await this.iam.send(new CreateManagedPolicyCommand({ PolicyName: name, PolicyDocument: text }));
    const arn = `arn:aws:iam::${this.account}:policy/${name}`;
    this.lines.push({ type: "managed-policy", arn, text });
    return arn;
  }

  async role(name: string, trusts: string, text: string, boundary?: string): Promise<void> {
    await this.iam.send(
      new CreateRoleCommand({
        RoleName: name,
        AssumeRolePolicyDocument: trusts,
        ...(boundary === undefined ? {} : { PermissionsBoundary: boundary }),
      }),
    );
    await this.iam.send(
      new PutRolePolicyCommand({ RoleName: name, PolicyName: "own", PolicyDocument: text }),
    );
    this.known(name, trusts, [{ name: "own", text }], boundary);
  }

  /** A role that is there already. */
  known(
    name: string,
    trusts: string,
    inlinePolicies: NonNullable<RoleLine["inlinePolicies"]> = [],
    boundary?: string,
  ): void {
    this.lines.push({
      type: "role",
      arn: `arn:aws:iam::${this.account}:role/${name}`,
      trustPolicy: { kind: "present", text: trusts },
      inlinePolicies,
      attachedPolicies: [],
      boundary: boundary ?? null,
    });
  }
}

async function makeKey(kms: KMSClient, planned: PlannedKey, ids: Ids): Promise<KeyLine> {
  const account = ids.accounts[planned.owner];
  const own = { Effect: "Allow", Principal: { AWS: root(account) }, Action: "kms:*", Resource: "*" };
  const text = policy(own, ...(planned.statements?.(ids) ?? []));
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ Policy: text, KeyUsage: "ENCRYPT_DECRYPT", MultiRegion: false }),
  );
  const id = KeyMetadata?.KeyId ?? "";
  const grantee = planned.grantee?.(ids);
  const items = [];
  if (grantee !== undefined) {
    const command = new CreateGrantCommand({
      KeyId: id,
      GranteePrincipal: grantee,
      Operations: ["Decrypt"],
    });
    const { GrantId } = await kms.send(command);
    items.push({ GrantId: GrantId ?? "", GranteePrincipal: grantee, Operations: ["Decrypt"] });
  }
  if (planned.disabled === true) await kms.send(new DisableKeyCommand({ KeyId: id }));
  return {
    type: "key",
    arn: `arn:aws:kms:${planned.region}:${account}:key/${id}`,
    manager: "CUSTOMER",
    state: planned.disabled === true ? "Disabled" : "Enabled",
    policy: { kind: "present", text },
    grants: { kind: "present", items },
  };
}

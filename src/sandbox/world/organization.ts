import type { AccountId } from "../../domain/ids.js";
import { parseAccountId } from "../../domain/ids.js";
import type {
  OrganizationLine,
  ResourceControlPolicyLine,
  ServiceControlPolicyLine,
} from "../../snapshot/lines.js";
import { compare } from "./grants.js";

export type PolicyType = "SERVICE_CONTROL_POLICY" | "RESOURCE_CONTROL_POLICY";

/** A root, an organizational unit or an account of an organization. */
export interface OrgNode {
  readonly kind: "ROOT" | "ORGANIZATIONAL_UNIT" | "ACCOUNT";
  readonly id: string;
  readonly name: string;
  /** Undefined for a root. */
  readonly parent: string | undefined;
  /** `o-…/r-…/ou-…/`: the path down to the node; of an account, to its parent. */
  readonly path: string;
}

/** A member account. */
export interface MemberAccount {
  readonly id: AccountId;
  readonly name: string;
  /** `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`. */
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A policy of an organization. */
export interface OrgPolicy {
  readonly id: string;
  readonly name: string;
  readonly type: PolicyType;
  readonly text: string;
  readonly awsManaged: boolean;
  /** Ids of nodes, in order of attachment. */
  readonly targets: readonly string[];
}

type PolicyLine = ServiceControlPolicyLine | ResourceControlPolicyLine;

const TYPE_OF_LINE: Readonly<Record<PolicyLine["type"], PolicyType>> = {
  "service-control-policy": "SERVICE_CONTROL_POLICY",
  "resource-control-policy": "RESOURCE_CONTROL_POLICY",
};

/** A root for organizations whose snapshot has no paths. */
const INVENTED_ROOT = "r-root";

/** One organization as Organizations shows it: its tree, accounts and policies. */
export class OrgTree {
  readonly id: string;
  readonly managementAccount: AccountId | undefined;
  readonly delegatedAdministrators: ReadonlySet<string>;
  readonly policyTypes: ReadonlySet<string>;
  readonly #nodes = new Map<string, OrgNode>();
  readonly #children = new Map<string, OrgNode[]>();
  readonly #accounts = new Map<string, MemberAccount>();
  readonly #policies: readonly OrgPolicy[];
  readonly #policiesAt = new Map<string, OrgPolicy[]>();

  /** `lines`: those of policies that are attached somewhere in this organization, or anywhere. */
  constructor(line: OrganizationLine, lines: readonly PolicyLine[]) {
    this.id = line.id;
    this.managementAccount =
      line.managementAccountId === undefined ? undefined : parseAccountId(line.managementAccountId);
    this.delegatedAdministrators = new Set(line.delegatedAdministrators ?? []);
    this.#grow(line);
    const attached = lines.filter((l) => this.#nodes.has(l.target) || l.target === line.id);
    this.policyTypes = new Set(line.policyTypes ?? attached.map((l) => TYPE_OF_LINE[l.type]));
    this.#policies = policiesOf(attached, this.id, this.root.id);
    for (const policy of this.#policies) {
      for (const target of policy.targets) push(this.#policiesAt, target, policy);
    }
  }

  /** The only root. */
  get root(): OrgNode {
    const root = [...this.#nodes.values()].find((n) => n.kind === "ROOT");
    if (root === undefined) throw new Error("an organization has a root");
    return root;
  }

  /** The node of this id. */
  node(id: string): OrgNode | undefined {
    return this.#nodes.get(id);
  }

  /** The member account of this id. */
  account(id: string): MemberAccount | undefined {
    return this.#accounts.get(id);
  }

  /** All member accounts, in order of id. */
  accounts(): readonly MemberAccount[] {
    return [...this.#accounts.values()].sort((a, b) => compare(a.id, b.id));
  }

  /** What hangs directly below a node, in order of id. */
  children(id: string, kind: OrgNode["kind"]): readonly OrgNode[] {
    return (this.#children.get(id) ?? []).filter((n) => n.kind === kind).sort((a, b) => compare(a.id, b.id));
  }

  /** All policies of a type, in order of id. */
  policies(type: PolicyType): readonly OrgPolicy[] {
    return this.#policies.filter((p) => p.type === type);
  }

  /** The policy of this id. */
  policy(id: string): OrgPolicy | undefined {
    return this.#policies.find((p) => p.id === id);
  }

  /** The policies of a type that are attached to a node itself. */
  attached(id: string, type: PolicyType): readonly OrgPolicy[] {
    return (this.#policiesAt.get(id) ?? []).filter((p) => p.type === type);
  }

  /** The nodes from the root down to a node, both included. */
  lineage(id: string): readonly OrgNode[] {
    const up: OrgNode[] = [];
    for (let at: string | undefined = id; at !== undefined; ) {
      const node = this.#nodes.get(at);
      if (node === undefined) break;
      up.push(node);
      at = node.parent;
    }
    return up.reverse();
  }

  #grow(line: OrganizationLine): void {
    const paths = [
      ...(line.units ?? []).map((u) => u.path),
      ...(line.accounts ?? []).flatMap((a) => a.path ?? []),
    ];
    const names = new Map((line.units ?? []).map((u) => [u.id, u.name ?? u.id]));
    for (const path of paths) this.#branch(path, names);
    if (this.#nodes.size === 0) this.#branch(`${line.id}/${INVENTED_ROOT}/`, names);
    const listed = line.accounts ?? [];
    const management = this.managementAccount;
    const all =
      management === undefined || listed.some((a) => a.id === management)
        ? listed
        : [...listed, { id: management, name: "management" }];
    const root = this.root;
    for (const listedAccount of all) {
      const id = parseAccountId(listedAccount.id);
      if (id === undefined) continue;
      const path = "path" in listedAccount ? listedAccount.path : undefined;
      const parent = this.#nodes.get(lastStep(path ?? "") ?? "") ?? root;
      const name = listedAccount.name ?? id;
      this.#accounts.set(id, {
        id,
        name,
        status: ("status" in listedAccount ? listedAccount.status : undefined) ?? "ACTIVE",
        tags: ("tags" in listedAccount ? listedAccount.tags : undefined) ?? {},
      });
      this.#add({ kind: "ACCOUNT", id, name, parent: parent.id, path: parent.path });
    }
  }

  /** Makes the root and units of a path `o-…/r-…/ou-…/`; one that belongs to another organization is left out. */
  #branch(path: string, names: ReadonlyMap<string, string>): void {
    const [organization, ...steps] = path.split("/").filter((s) => s !== "");
    if (organization !== this.id) return;
    let parent: OrgNode | undefined;
    for (const id of steps) {
      const known = this.#nodes.get(id);
      const node: OrgNode = known ?? {
        kind: parent === undefined ? "ROOT" : "ORGANIZATIONAL_UNIT",
        id,
        name: parent === undefined ? "Root" : (names.get(id) ?? id),
        parent: parent?.id,
        path: `${parent?.path ?? `${this.id}/`}${id}/`,
      };
      if (known === undefined) this.#add(node);
      parent = node;
    }
  }

  #add(node: OrgNode): void {
    this.#nodes.set(node.id, node);
    if (node.parent !== undefined) push(this.#children, node.parent, node);
  }
}

function lastStep(path: string): string | undefined {
  return path
    .split("/")
    .filter((s) => s !== "")
    .at(-1);
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Policies from their attachments. A line without an id gets one from its text, so that equal texts are one policy. */
function policiesOf(lines: readonly PolicyLine[], organization: string, root: string): readonly OrgPolicy[] {
  const found = new Map<string, OrgPolicy & { readonly targets: string[] }>();
  for (const line of lines) {
    const type = TYPE_OF_LINE[line.type];
    const id = line.id ?? inventedId(line.text);
    const target = line.target === organization ? root : line.target;
    const known = found.get(`${type}/${id}`);
    if (known !== undefined) {
      if (!known.targets.includes(target)) known.targets.push(target);
      continue;
    }
    found.set(`${type}/${id}`, {
      id,
      name: line.name ?? id,
      type,
      text: line.text,
      awsManaged: id === "p-FullAWSAccess" || id === "p-RCPFullAWSAccess",
      targets: [target],
    });
  }
  return [...found.values()].sort((a, b) => compare(a.id, b.id));
}

function inventedId(text: string): string {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) >>> 0;
  return `p-${hash.toString(36).padStart(10, "0")}`;
}

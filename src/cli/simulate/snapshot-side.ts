import type { AccountIam, IamPrincipal } from "../../domain/iam.js";
import type { AccountId } from "../../domain/ids.js";
import { inert } from "../../domain/inert.js";
import { Documents } from "../../iam/documents.js";
import type { Policy } from "../../policy/ast.js";
import type { NamedPolicy } from "../../report/policy-answers.js";
import type { OpenPart } from "../../report/simulate.js";
import { baseName, principalArn } from "../../semantics/arn.js";
import type { AccessRequest, Caller, Limit } from "../../semantics/request.js";
import { IamLines } from "../../snapshot/iam.js";
import type { EstateContext } from "../../snapshot/key-record.js";
import type { ServiceControlPolicyLine, SnapshotLine } from "../../snapshot/lines.js";
import { ServiceControlLines } from "../../snapshot/service-control.js";
import type { Prepared } from "./request.js";

/** A request with everything on the caller's side: what was given, and for the rest what the snapshot knows. */
export interface WithCallerSide {
  readonly request: AccessRequest;
  /** The policies beside the key's, by name. */
  readonly policies: readonly NamedPolicy[];
  /** What neither the request nor the snapshot tells. */
  readonly open: readonly OpenPart[];
  readonly notes: readonly string[];
}

interface Account {
  readonly state: AccountIam["state"];
  /** By `user NAME` and `role NAME`, without paths: names are unique in an account. */
  readonly byName: ReadonlyMap<string, IamPrincipal>;
}

/**
 * What a snapshot says about callers: identity policies, permissions boundary, tags and unique id from the lines about
 * IAM, service control policies, organization. All its lines must have come before anybody is asked for.
 */
export class SnapshotSide {
  private readonly iam = new IamLines();
  private readonly serviceControl: ServiceControlLines;
  private readonly names = new Map<string, ServiceControlPolicyLine>();
  private readonly accounts = new Map<AccountId, Account>();
  private readonly documents = new Documents();

  constructor(private readonly estate: Pick<EstateContext, "organizationOf">) {
    this.serviceControl = new ServiceControlLines(estate);
  }

  add(line: SnapshotLine): void {
    switch (line.type) {
      case "organization":
        this.serviceControl.add(line);
        return;
      case "service-control-policy":
        this.serviceControl.add(line);
        this.names.set(`${line.target} ${line.text}`, line);
        return;
      case "account":
        this.serviceControl.add(line);
        this.iam.add(line);
        return;
      case "user":
      case "role":
      case "group":
      case "managed-policy":
        this.iam.add(line);
        return;
      case "snapshot":
      case "key":
      case "resource-control-policy":
      case "incomplete":
      case "region":
      case "coverage":
        return;
    }
  }

  /** Whether an organization names the account as its management account. */
  isManagement(account: AccountId): boolean {
    return this.serviceControl.isManagement(account);
  }

  /** Fills in what the request leaves out. */
  fill(p: Prepared, keyAccount: AccountId): WithCallerSide {
    const { caller } = p.request;
    if (caller.kind === "service") return { request: p.request, policies: p.policies, open: [], notes: [] };
    const policies = [...p.policies];
    const open: OpenPart[] = [];
    const notes: string[] = [];
    const account = this.account(caller.account);
    const principal = find(account, caller);
    if (principal === undefined && account.state.kind === "complete" && named(caller)) {
      notes.push(
        `The snapshot lists all users and roles of account ${caller.account}, and ${inert(principalArn(caller) ?? "", { max: 200 })} is none of them.`,
      );
    }
    const levels = this.levels(p, caller, policies, open, notes);
    const identity = this.identity(p, principal, policies, open, notes);
    return {
      request: {
        ...p.request,
        caller: principal === undefined ? caller : known(caller, principal),
        context: { ...this.facts(caller, principal, keyAccount, p.request.context), ...p.request.context },
        identity,
        boundary: p.given.boundary ? p.request.boundary : this.boundary(principal, policies, open, notes),
        serviceControlPolicies: levels,
      },
      policies,
      open,
      notes,
    };
  }

  private account(id: AccountId): Account {
    const known = this.accounts.get(id);
    if (known !== undefined) return known;
    const { state, principals } = this.iam.of(id);
    this.iam.forget(id);
    const byName = new Map(principals.map((p) => [`${p.kind} ${baseName(p.name)}`, p]));
    const account = { state, byName };
    this.accounts.set(id, account);
    return account;
  }

  private identity(
    p: Prepared,
    principal: IamPrincipal | undefined,
    policies: NamedPolicy[],
    open: OpenPart[],
    notes: string[],
  ): AccessRequest["identity"] {
    if (p.given.identity) return p.request.identity;
    if (principal === undefined) {
      // The root user has no identity policies; of anybody else they are not known.
      if (p.request.caller.kind !== "root") open.push("identity");
      return { kind: "none" };
    }
    const read = principal.documents.map((d) => ({ d, kms: this.documents.read(d.text, "identity") }));
    for (const { d, kms } of read) {
      const at = d.group === undefined ? {} : { at: d.group };
      policies.push({ kind: "identity", name: d.name, ...at, policy: kms.policy });
    }
    const unclear = read.filter(({ kms }) => kms.unclear).map(({ d }) => d.name);
    const lacking = [...principal.missing, ...unclear];
    if (lacking.length > 0) {
      open.push("identity");
      notes.push(
        `Of the caller's identity policies, these were not read or not understood: ${inert(lacking.join(", "), { max: 300 })}.`,
      );
    }
    return { kind: "policies", policies: read.map(({ kms }) => kms.policy) };
  }

  private boundary(
    principal: IamPrincipal | undefined,
    policies: NamedPolicy[],
    open: OpenPart[],
    notes: string[],
  ): Limit {
    if (principal === undefined || principal.boundary.kind === "absent") return { kind: "absent" };
    const text = principal.boundary.kind === "present" ? principal.boundary.value : undefined;
    const read = text === undefined ? undefined : this.documents.read(text, "identity");
    if (read === undefined || read.unclear) {
      open.push("boundary");
      notes.push("The permissions boundary of the caller was not read or not understood.");
    }
    if (read === undefined) return { kind: "absent" };
    policies.push({ kind: "boundary", name: "of the caller", policy: read.policy });
    return { kind: "policy", policy: read.policy };
  }

  /** One policy for each level of the organization: an action is allowed there if one of those attached allows it. */
  private levels(
    p: Prepared,
    caller: Exclude<Caller, { kind: "service" }>,
    policies: NamedPolicy[],
    open: OpenPart[],
    notes: string[],
  ): readonly Policy[] {
    if (p.given.serviceControlPolicies) return p.request.serviceControlPolicies;
    const membership = this.estate.organizationOf.get(caller.account);
    const control = this.serviceControl.of(caller.account);
    if (control.kind === "none") {
      if (this.serviceControl.isManagement(caller.account)) {
        notes.push(
          `Account ${caller.account} is the management account: service control policies do not bind it.`,
        );
      }
      return [];
    }
    if (control.kind === "unknown") {
      // Of an account that no organization lists nothing is assumed, as for a bare policy.
      if (membership === undefined || membership === null) return [];
      if (this.names.size > 0) open.push("service-control-policies");
      notes.push(`The service control policies above account ${caller.account} are not all in the snapshot.`);
      return [];
    }
    return control.levels.map((texts, i) => {
      const at = control.targets?.[i] ?? "";
      const read = texts.map((text) => {
        const line = this.names.get(`${at} ${text}`);
        const kms = this.documents.read(text, "scp");
        if (kms.unclear && !open.includes("service-control-policies")) {
          open.push("service-control-policies");
          notes.push(`A service control policy at ${inert(at, { max: 80 })} was not understood.`);
        }
        policies.push({
          kind: "service-control-policy",
          name: line?.name ?? line?.id ?? "without a name",
          at,
          policy: kms.policy,
        });
        return kms.policy;
      });
      return { version: "2012-10-17", id: undefined, statements: read.flatMap((r) => r.statements) };
    });
  }

  /** Condition keys that follow from what the snapshot says of the caller; those that the request states win. */
  private facts(
    caller: Exclude<Caller, { kind: "service" }>,
    principal: IamPrincipal | undefined,
    keyAccount: AccountId,
    stated: AccessRequest["context"],
  ): AccessRequest["context"] {
    const lower = new Set(Object.keys(stated).map((k) => k.toLowerCase()));
    const out: Record<string, string | readonly string[]> = {};
    const put = (key: string, value: string | readonly string[]): void => {
      if (!lower.has(key.toLowerCase())) out[key] = value;
    };
    for (const [tag, value] of Object.entries(principal?.tags ?? {})) put(`aws:PrincipalTag/${tag}`, value);
    const membership = this.estate.organizationOf.get(caller.account);
    // Of the key's own account the reference knows it.
    if (caller.account !== keyAccount && membership !== undefined && membership !== null) {
      put("aws:PrincipalOrgID", membership.id);
      if (membership.path !== undefined) put("aws:PrincipalOrgPaths", [membership.path]);
    }
    return out;
  }
}

/** Whether a caller is a user or a role: only those have lines. */
function named(caller: Caller): boolean {
  return caller.kind === "user" || caller.kind === "session";
}

function find(account: Account, caller: Caller): IamPrincipal | undefined {
  if (caller.kind !== "user" && caller.kind !== "session") return undefined;
  const name = caller.kind === "user" ? caller.name : caller.role;
  const found = account.byName.get(`${caller.kind === "user" ? "user" : "role"} ${baseName(name)}`);
  const bare = caller.kind === "session" && caller.rolePathUnknown === true;
  return found !== undefined && (bare || found.name === name) ? found : undefined;
}

/** The caller with its unique id, and a role with its path. */
function known<C extends Caller>(caller: C, { name, uniqueId }: IamPrincipal): Caller {
  const id = uniqueId === undefined ? {} : { uniqueId };
  if (caller.kind === "user") return { ...caller, ...id };
  if (caller.kind !== "session") return caller;
  const { account, partition, session } = caller;
  return { kind: "session", account, partition, role: name, session, ...id };
}

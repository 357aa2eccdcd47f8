import type { Fetched } from "../domain/fetched.js";
import { present, unknown } from "../domain/fetched.js";
import type { AccountIam, IamPrincipal, IdentityDocument } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { AccountLine, GroupLine, IdentityLine, RoleLine, UserLine } from "./lines.js";

interface Drawer {
  state: AccountIam["state"];
  /** By ARN: a resumed scan writes a line again. */
  readonly members: Map<string, UserLine | RoleLine>;
  readonly groups: Map<string, GroupLine>;
}

/** `arn:P:iam::ACCOUNT:KIND/path/name`. */
const ENTITY = /^arn:(aws[a-z0-9-]*):iam::([0-9]{12}):(user|role|group)\/(.+)$/;

/** Collects the lines of a snapshot about IAM, and gives them back account by account, each reference resolved. */
export class IamLines {
  private readonly drawers = new Map<AccountId, Drawer>();
  private readonly managed = new Map<string, string>();

  /** Adds a line. Lines of an account may come in any order, and all must have come before {@link of} is asked. */
  add(line: AccountLine | IdentityLine): void {
    switch (line.type) {
      case "account": {
        const account = parseAccountId(line.id);
        if (account === undefined || line.iam === undefined) return;
        this.drawer(account).state =
          line.iam.kind === "present" ? { kind: "complete" } : { kind: "unreadable", code: line.iam.code };
        return;
      }
      case "managed-policy":
        this.managed.set(line.arn, line.text);
        return;
      case "group": {
        const parts = entity(line.arn);
        if (parts !== undefined) this.drawer(parts.account).groups.set(baseName(parts.name), line);
        return;
      }
      case "user":
      case "role": {
        const parts = entity(line.arn);
        if (parts !== undefined) this.drawer(parts.account).members.set(line.arn, line);
      }
    }
  }

  /** Drops the lines of an account, once nobody will ask again. */
  forget(account: AccountId): void {
    this.drawers.delete(account);
  }

  /** The users and roles of an account. */
  of(account: AccountId): AccountIam {
    const drawer = this.drawers.get(account);
    if (drawer === undefined) return { state: { kind: "unknown" }, principals: [] };
    const principals = [...drawer.members.values()].flatMap((line) => this.principal(line, drawer) ?? []);
    return { state: drawer.state, principals };
  }

  private drawer(account: AccountId): Drawer {
    const known = this.drawers.get(account);
    if (known !== undefined) return known;
    const drawer: Drawer = { state: { kind: "unknown" }, members: new Map(), groups: new Map() };
    this.drawers.set(account, drawer);
    return drawer;
  }

  private principal(line: UserLine | RoleLine, drawer: Drawer): IamPrincipal | undefined {
    const parts = entity(line.arn);
    if (parts === undefined) return undefined;
    const documents: IdentityDocument[] = [];
    const missing: string[] = [];
    this.take(line, undefined, documents, missing);
    if (line.type === "user") {
      if (line.groups === undefined) missing.push("the groups of the user");
      for (const name of line.groups ?? []) {
        const group = drawer.groups.get(name);
        if (group === undefined) missing.push(`the group ${name}`);
        else this.take(group, name, documents, missing);
      }
    }
    return {
      kind: line.type,
      arn: line.arn,
      ...parts,
      ...(line.id === undefined ? {} : { uniqueId: line.id }),
      ...(line.tags === undefined ? {} : { tags: line.tags }),
      documents,
      missing,
      boundary: this.boundary(line),
      trust: trust(line),
    };
  }

  private take(
    line: UserLine | RoleLine | GroupLine,
    group: string | undefined,
    documents: IdentityDocument[],
    missing: string[],
  ): void {
    const of = group === undefined ? {} : { group };
    if (line.inlinePolicies === undefined) missing.push("inline policies");
    for (const { name, text } of line.inlinePolicies ?? []) {
      documents.push({ kind: "inline", name, ...of, text });
    }
    if (line.attachedPolicies === undefined) missing.push("attached policies");
    for (const arn of line.attachedPolicies ?? []) {
      const text = this.managed.get(arn);
      if (text === undefined) missing.push(arn);
      else documents.push({ kind: "managed", name: arn, ...of, text });
    }
  }

  private boundary(line: UserLine | RoleLine): Fetched<string> {
    if (line.boundary === undefined) return unknown;
    if (line.boundary === null) return { kind: "absent" };
    const text = this.managed.get(line.boundary);
    return text === undefined ? unknown : present(text);
  }
}

function trust(line: UserLine | RoleLine): Fetched<string> {
  if (line.type === "user") return { kind: "absent" };
  if (line.trustPolicy === undefined) return unknown;
  return line.trustPolicy.kind === "present" ? present(line.trustPolicy.text) : line.trustPolicy;
}

function entity(
  arn: string,
): { readonly partition: string; readonly account: AccountId; readonly name: string } | undefined {
  const [, partition = "", digits = "", , name = ""] = ENTITY.exec(arn) ?? [];
  const account = parseAccountId(digits);
  return account === undefined ? undefined : { partition, account, name };
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

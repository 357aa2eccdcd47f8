import type { AccountIam, IamPrincipal, ServiceControl } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { AccountAnalysis } from "../iam/account.js";
import type { Outsider, TrustContext } from "../iam/trust.js";
import { outsidersOf } from "../iam/trust.js";
import { baseName } from "../semantics/arn.js";

/** A role that somebody outside the zone of trust can assume. */
export interface OpenRole {
  readonly role: IamPrincipal;
  readonly outsiders: readonly Outsider[];
}

/** What the rules ask about the IAM of one account. Everything is worked out when it is first asked for. */
export class IamView {
  private made: AccountAnalysis | undefined;
  private open: readonly OpenRole[] | undefined;
  private unclear: IamPrincipal[] = [];
  private arns: ReadonlySet<string> | undefined;

  constructor(
    readonly account: AccountId,
    readonly iam: AccountIam,
    private readonly serviceControl: ServiceControl,
    private readonly trust: TrustContext,
  ) {}

  /** Of the account's principals; `aws` where there are none. */
  get partition(): string {
    return this.iam.principals[0]?.partition ?? "aws";
  }

  get analysis(): AccountAnalysis {
    return (this.made ??= new AccountAnalysis(this.iam, this.serviceControl));
  }

  /** Roles that outsiders can assume. */
  get openRoles(): readonly OpenRole[] {
    if (this.open !== undefined) return this.open;
    const open: OpenRole[] = [];
    for (const role of this.iam.principals) {
      const { outsiders, unclear } = outsidersOf(role, this.trust);
      if (unclear) this.unclear.push(role);
      if (outsiders.length > 0) open.push({ role, outsiders });
    }
    return (this.open = open);
  }

  /** Roles of which the trust policy was not read or not understood. */
  get unclearRoles(): readonly IamPrincipal[] {
    return this.openRoles.length >= 0 ? this.unclear : [];
  }

  /** Whether there is a user or role of this name; undefined where not all of them were read. */
  exists(kind: "user" | "role", name: string): boolean | undefined {
    if (this.iam.state.kind !== "complete") return undefined;
    this.arns ??= new Set(this.iam.principals.map((p) => `${p.kind} ${baseName(p.name)}`));
    return this.arns.has(`${kind} ${baseName(name)}`);
  }
}

/** The IAM of an account as far as a snapshot has it; undefined where it says nothing about it. */
export type IamViewOf = (account: AccountId) => IamView | undefined;

import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { ServiceControl } from "../domain/iam.js";
import type { TrustContext } from "../iam/outsider.js";
import { IamView } from "../rules/iam-view.js";
import { IamLines } from "../snapshot/iam.js";
import type { EstateContext } from "../snapshot/key-record.js";
import type {
  AccountLine,
  IdentityLine,
  OrganizationLine,
  ServiceControlPolicyLine,
} from "../snapshot/lines.js";
import { ServiceControlLines } from "../snapshot/service-control.js";

/** What the lines of one snapshot say about IAM, account by account. */
export class EstateIam {
  private readonly lines = new IamLines();
  private readonly serviceControl: ServiceControlLines;
  private readonly mentioned = new Set<AccountId>();
  private readonly ids = new Map<string, string>();
  private readonly made = new Map<AccountId, IamView>();

  constructor(estate: Pick<EstateContext, "organizationOf">) {
    this.serviceControl = new ServiceControlLines(estate);
  }

  /** Takes a line in. The account, where it comes too late: keys of it were judged before. */
  add(line: AccountLine | IdentityLine | ServiceControlPolicyLine | OrganizationLine): AccountId | undefined {
    if (line.type === "service-control-policy" || line.type === "organization" || line.type === "account") {
      this.serviceControl.add(line);
      if (line.type !== "account") return undefined;
    }
    this.lines.add(line);
    if ((line.type === "user" || line.type === "role") && line.id !== undefined)
      this.ids.set(line.id, line.arn);
    if (line.type === "managed-policy" || (line.type === "account" && line.iam === undefined))
      return undefined;
    const account = parseAccountId(line.type === "account" ? line.id : (line.arn.split(":")[4] ?? ""));
    if (account === undefined) return undefined;
    this.mentioned.add(account);
    return this.made.has(account) ? account : undefined;
  }

  /** The IAM of an account; undefined where no line tells of it. */
  viewOf(account: AccountId, trust: TrustContext): IamView | undefined {
    const known = this.made.get(account);
    if (known !== undefined) return known;
    if (!this.mentioned.has(account)) return undefined;
    const view = new IamView(account, this.lines.of(account), this.serviceControl.of(account), {
      ...trust,
      principalOf: (id) => this.principalOf(id),
    });
    this.lines.forget(account);
    this.made.set(account, view);
    return view;
  }

  /** The user or role that has a unique id. */
  private principalOf(id: string): { readonly arn: string; readonly account: string } | undefined {
    const arn = this.ids.get(id);
    return arn === undefined ? undefined : { arn, account: arn.split(":")[4] ?? "" };
  }

  /** The service control policies above an account, whether or not anything of its IAM was read. */
  serviceControlOf(account: AccountId): ServiceControl {
    return this.serviceControl.of(account);
  }

  /** Every account that some line tells of. */
  all(trust: TrustContext): readonly IamView[] {
    return [...this.mentioned].sort().flatMap((account) => this.viewOf(account, trust) ?? []);
  }
}

import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { ServiceControl } from "../domain/iam.js";
import type { TrustContext } from "../iam/outsider.js";
import { TrustBook } from "../iam/trust-policy.js";
import { EstateReach } from "../rules/estate-reach.js";
import { IamView } from "../rules/iam-view.js";
import { UnreadAccounts } from "../rules/unread-accounts.js";
import { IamLines } from "../snapshot/iam.js";
import type { EstateContext } from "../snapshot/key-record.js";
import type {
  AccountLine,
  IdentityLine,
  OrganizationLine,
  ServiceControlPolicyLine,
} from "../snapshot/lines.js";
import { ServiceControlLines } from "../snapshot/service-control.js";

/** Users and roles whose policies are held as read; some ten kilobytes each. */
const MOST_READ = 4000;
const TRIM_EVERY = 32;

/** What the lines of one snapshot say about IAM, account by account. */
export class EstateIam {
  private readonly lines = new IamLines();
  private readonly serviceControl: ServiceControlLines;
  private readonly mentioned = new Set<AccountId>();
  private readonly ids = new Map<string, string>();
  private readonly made = new Map<AccountId, IamView>();
  private readonly trusts = new TrustBook();
  private asked = 0;
  private reached: EstateReach | undefined;
  private unreadAccounts: UnreadAccounts | undefined;

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
    if (line.type === "managed-policy") return undefined;
    if (line.type === "account" && line.iam === undefined) {
      const told = parseAccountId(line.id);
      return line.organization !== undefined && told !== undefined && this.made.has(told) ? told : undefined;
    }
    const account = parseAccountId(line.type === "account" ? line.id : (line.arn.split(":")[4] ?? ""));
    if (account === undefined) return undefined;
    this.mentioned.add(account);
    // Ways lead through all accounts: once they are known, every account is late.
    return this.made.has(account) || this.reached !== undefined ? account : undefined;
  }

  /** The IAM of an account; undefined where no line tells of it. */
  viewOf(account: AccountId, trust: TrustContext): IamView | undefined {
    const known = this.made.get(account);
    if (known !== undefined) return known;
    if (!this.mentioned.has(account)) return undefined;
    const control = this.serviceControl.of(account);
    const view = new IamView(account, this.lines.of(account), control, this.withIds(trust));
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

  /** Ways of outsiders through roles of several accounts. Every line about IAM must have been added before it is asked. */
  reach(trust: TrustContext): EstateReach {
    return (this.reached ??= new EstateReach(() => this.all(trust), this.withIds(trust)));
  }

  /** Accounts of the zone of trust of which not all of IAM was read. As {@link reach}. */
  unread(trust: TrustContext): UnreadAccounts {
    return (this.unreadAccounts ??= new UnreadAccounts(this.all(trust), this.withIds(trust)));
  }

  /**
   * To be called for each key that was judged, with its account: once a while what was worked out about other accounts
   * is forgotten, where it is too much for all of them together.
   */
  trim(current: AccountId): void {
    if (++this.asked % TRIM_EVERY !== 0) return;
    const views = [...this.made.values()];
    let weight = views.reduce((sum, view) => sum + view.weight, 0);
    if (weight <= MOST_READ) return;
    for (const view of views) {
      if (view.account === current || view.weight === 0) continue;
      weight -= view.weight;
      view.release();
      if (weight <= MOST_READ / 2) return;
    }
  }

  private withIds(trust: TrustContext): TrustContext {
    return { ...trust, trusts: this.trusts, principalOf: (id) => this.principalOf(id) };
  }
}

import type { AccountIam, IamPrincipal, ServiceControl } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import type { Candidates } from "../iam/account.js";
import { AccountAnalysis } from "../iam/account.js";
import { Documents } from "../iam/documents.js";
import { Hops } from "../iam/assume.js";
import type { Chain, ChainLimits } from "../iam/chains.js";
import { CHAIN_LIMITS, ChainSearch } from "../iam/chains.js";
import type { Outsider, TrustContext } from "../iam/outsider.js";
import { outsidersOf } from "../iam/trust.js";
import { baseName } from "../semantics/arn.js";

/** A role that somebody outside the zone of trust can assume. */
export interface OpenRole {
  readonly role: IamPrincipal;
  readonly outsiders: readonly Outsider[];
}

/** Roles that are reached from an open role over others. */
export interface ReachedRoles {
  /** The chains that end at a role: the shortest, and where that is not certain perhaps one that is. */
  readonly byRole: ReadonlyMap<IamPrincipal, readonly Chain[]>;
  readonly candidates: Candidates;
  /** Where the search ended because of its bounds. */
  readonly cut: readonly IamPrincipal[];
}

/** What the rules ask about the IAM of one account. Everything is worked out when it is first asked for. */
export class IamView {
  private made: AccountAnalysis | undefined;
  private open: readonly OpenRole[] | undefined;
  private unclear: IamPrincipal[] = [];
  private readonly reached = new Map<IamPrincipal, ReachedRoles>();
  private search: ChainSearch | undefined;
  private readonly among = new Map<readonly IamPrincipal[], Candidates>();
  private arns: ReadonlySet<string> | undefined;

  constructor(
    readonly account: AccountId,
    readonly iam: AccountIam,
    readonly serviceControl: ServiceControl,
    private readonly trust: TrustContext,
    private readonly limits: ChainLimits = CHAIN_LIMITS,
  ) {}

  /** Of the account's principals; `aws` where there are none. */
  get partition(): string {
    return this.iam.principals[0]?.partition ?? "aws";
  }

  get analysis(): AccountAnalysis {
    return (this.made ??= new AccountAnalysis(
      this.iam,
      this.serviceControl,
      new Documents(),
      this.trust.organizationOf.get(this.account),
    ));
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

  /** Principals whose policies are held as read: what {@link release} would give back. */
  get weight(): number {
    return this.made?.read ?? 0;
  }

  /** Roles of the account ready for `analysis.usesAmong`, remembered by the list. */
  candidates(roles: readonly IamPrincipal[]): Candidates {
    const known = this.among.get(roles);
    if (known !== undefined) return known;
    const made = this.analysis.candidates(roles);
    this.among.set(roles, made);
    return made;
  }

  /** Forgets what was worked out: it is worked out again where it is asked for. */
  release(): void {
    this.made = undefined;
    this.among.clear();
    this.open = undefined;
    this.unclear = [];
    this.reached.clear();
    this.search = undefined;
  }

  /** Roles that can be reached from an open role over others, ready to be asked about keys. */
  chainsFrom(open: OpenRole): ReachedRoles {
    const known = this.reached.get(open.role);
    if (known !== undefined) return known;
    this.search ??= new ChainSearch(new Hops(this.iam, this.serviceControl, this.trust), this.limits);
    const { chains, cut } = this.search.from(open.role);
    const byRole = new Map<IamPrincipal, Chain[]>();
    for (const chain of chains) {
      const last = chain.hops.at(-1)?.to;
      if (last === undefined) continue;
      const before = byRole.get(last);
      if (before === undefined) byRole.set(last, [chain]);
      else before.push(chain);
    }
    const made = { byRole, candidates: this.analysis.candidates([...byRole.keys()]), cut };
    this.reached.set(open.role, made);
    return made;
  }

  /** Roles at which the search for chains of roles ended because of its bounds. */
  get cutChains(): readonly IamPrincipal[] {
    return [...new Set(this.openRoles.flatMap((open) => this.chainsFrom(open).cut))];
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

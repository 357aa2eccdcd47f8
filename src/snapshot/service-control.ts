import type { ServiceControl } from "../domain/iam.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { EstateContext } from "./key-record.js";
import type { AccountLine, OrganizationLine, ServiceControlPolicyLine } from "./lines.js";

/**
 * Collects service control policies and says which of them stand above an account. Source: AWS Organizations User
 * Guide, "SCP evaluation": an action must be allowed at every level from the root to the account.
 */
export class ServiceControlLines {
  private readonly byTarget = new Map<string, string[]>();
  private readonly management = new Set<AccountId>();
  private readonly enabled = new Map<OrganizationId, boolean>();
  private readonly refused = new Map<AccountId, string>();

  constructor(private readonly estate: Pick<EstateContext, "organizationOf">) {}

  add(line: OrganizationLine | ServiceControlPolicyLine | AccountLine): void {
    if (line.type === "service-control-policy") {
      const texts = this.byTarget.get(line.target) ?? [];
      texts.push(line.text);
      this.byTarget.set(line.target, texts);
      return;
    }
    if (line.type === "account") {
      this.own(line);
      return;
    }
    const id = parseOrganizationId(line.id);
    const management = parseAccountId(line.managementAccountId ?? "");
    if (management !== undefined) this.management.add(management);
    if (id !== undefined && line.policyTypes !== undefined) {
      this.enabled.set(id, line.policyTypes.includes("SERVICE_CONTROL_POLICY"));
    }
  }

  /** Whether some organization names the account as its management account: these policies do not bind it. */
  isManagement(account: AccountId): boolean {
    return this.management.has(account);
  }

  /**
   * The policies above an account. Unknown where its place in the tree is, and where a level has none at all: AWS keeps
   * at least one at each, so that level was not read. The levels that were read are there all the same.
   */
  of(account: AccountId): ServiceControl {
    if (this.management.has(account)) return { kind: "none" };
    const membership = this.estate.organizationOf.get(account);
    if (membership === undefined) {
      const refused = this.refused.get(account);
      return { ...this.some([account]), ...(refused === undefined ? {} : { refused }) };
    }
    if (membership === null || this.enabled.get(membership.id) === false) return { kind: "none" };
    const steps = membership.path?.split("/").filter((step) => step !== "");
    if (steps === undefined) return this.some([account], membership.id);
    const targets = [...steps.slice(1), account];
    const levels = targets.map((target) => this.byTarget.get(target) ?? []);
    return levels.some((texts) => texts.length === 0)
      ? this.some(targets, membership.id)
      : { kind: "levels", levels, targets };
  }

  /**
   * What an account says of the organization that it is in. One that only shares its bill has no service control
   * policies. Source: AWS Organizations User Guide, "Enabling all features in your organization".
   */
  private own({ id: account, organization }: AccountLine): void {
    const parsed = parseAccountId(account);
    if (parsed !== undefined && organization?.kind === "unreadable")
      this.refused.set(parsed, organization.code);
    if (organization?.kind !== "present") return;
    const management = parseAccountId(organization.managementAccountId ?? "");
    if (management !== undefined) this.management.add(management);
    const id = parseOrganizationId(organization.id);
    if (id !== undefined && organization.featureSet === "CONSOLIDATED_BILLING") this.enabled.set(id, false);
  }

  /** Of some places at which policies stand that are not all known. */
  private some(
    targets: readonly string[],
    id?: OrganizationId,
  ): Extract<ServiceControl, { kind: "unknown" }> {
    const levels = targets.flatMap((target) => {
      const texts = this.byTarget.get(target);
      return texts === undefined ? [] : [texts];
    });
    return {
      kind: "unknown",
      ...(levels.length === 0 ? {} : { levels }),
      ...(id === undefined ? {} : { organization: id }),
    };
  }
}

import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { RuleId } from "../domain/rule-id.js";

/** keyward.yaml, checked. Format: docs/configuration.md. */
export interface Config {
  /** The file, as the user named it; undefined where there is none. */
  readonly where: string | undefined;
  readonly trust: Trust;
  readonly exceptions: readonly Exception[];
  /** How a plan closes single keys; the first that fits a key counts. Absent: none is named. */
  readonly repair?: readonly KeyStrategy[];
}

/** The strategy of a plan for the keys that a pattern names. */
export interface KeyStrategy {
  /** Key ARN with `*` and `?`, or `alias/NAME` with the same. */
  readonly key: string;
  readonly strategy: "auto" | "remove" | "narrow" | "bound";
}

/** The zone of trust as it is written down. */
export interface Trust {
  /** `auto`: the organizations of the snapshot. */
  readonly organizations: "auto" | readonly OrganizationId[];
  readonly accounts: readonly { readonly id: AccountId; readonly name?: string }[];
  /** ARNs of users, roles and sessions. */
  readonly principals: readonly string[];
  /** Services that are allowed without a source condition. */
  readonly services: readonly string[];
}

/** A finding that somebody has decided to live with. */
export interface Exception {
  /** Key ARN with `*` and `?`, or `alias/NAME` with the same. */
  readonly key: string;
  readonly rule: RuleId;
  /** The account, organization, principal ARN, pattern or service that it is about; undefined: whoever. */
  readonly who: string | undefined;
  readonly reason: string;
  readonly owner: string;
  /** YYYY-MM-DD, the last day on which it holds (UTC). */
  readonly expires: string;
  /** File, line and column. */
  readonly where: string;
}

/** Without a keyward.yaml nobody is trusted but each key's own account. */
export const NO_CONFIG: Config = {
  where: undefined,
  trust: { organizations: [], accounts: [], principals: [], services: [] },
  exceptions: [],
};

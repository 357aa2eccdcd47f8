import type { AccountLine, GroupLine, ManagedPolicyLine, RoleLine, UserLine } from "../snapshot/lines.js";
import type { Asked, Page } from "./ports.js";

/** A user, role, group or managed policy, as a snapshot has it. */
export type IamEntity = UserLine | RoleLine | GroupLine | ManagedPolicyLine;

/** IAM of one account. */
export interface IamPort {
  /** iam:GetAccountAuthorizationDetails. Texts of policies are plain JSON, not URL-encoded. */
  authorizationDetails(marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<IamEntity>>>;
}

/** The account line that says whether the identity lines are all there are. */
export type IamState = NonNullable<AccountLine["iam"]>;

import type {
  GroupDetail,
  ManagedPolicyDetail,
  PolicyDetail,
  RoleDetail,
  UserDetail,
} from "@aws-sdk/client-iam";
import { GetAccountAuthorizationDetailsCommand, IAMClient } from "@aws-sdk/client-iam";
import type { IamEntity, IamPort } from "../collect/ports.js";
import type { GroupLine, ManagedPolicyLine, NamedPolicy, RoleLine, UserLine } from "../snapshot/lines.js";
import type { Ask } from "./ask.js";
import { page, UnexpectedAnswer } from "./ask.js";
import type { Clients } from "./session.js";

/** The command of IAM that keyward sends, beside its action. */
export const IAM_COMMANDS = {
  "iam:GetAccountAuthorizationDetails": GetAccountAuthorizationDetailsCommand,
} as const;

/** Largest page. Source: IAM API reference, GetAccountAuthorizationDetails, MaxItems. */
const PAGE = 1000;

/** IAM, which belongs to no Region. */
export function iamPort(session: Clients, ask: Ask): IamPort {
  const client = new IAMClient(session.clientConfig(session.homeRegion));
  return {
    authorizationDetails: (marker, signal) =>
      ask("iam:GetAccountAuthorizationDetails", signal, async (options) => {
        const command = new IAM_COMMANDS["iam:GetAccountAuthorizationDetails"]({
          MaxItems: PAGE,
          ...(marker === undefined ? {} : { Marker: marker }),
        });
        const answer = await client.send(command, options);
        // IAM always says whether there is more; what says nothing is not from IAM, and not an account without anybody.
        if (typeof answer.IsTruncated !== "boolean") {
          throw new UnexpectedAnswer("The answer does not hold the identities that were asked for.");
        }
        const entities: IamEntity[] = [
          ...(answer.Policies ?? []).map(managedPolicy),
          ...(answer.GroupDetailList ?? []).map(group),
          ...(answer.UserDetailList ?? []).map(user),
          ...(answer.RoleDetailList ?? []).map(role),
        ];
        return page(entities, answer.IsTruncated, answer.Marker, (e) => e);
      }),
  };
}

/** Documents come URL-encoded (RFC 3986). Source: IAM API reference, GetAccountAuthorizationDetails. */
function decoded(document: string | undefined): string {
  if (document === undefined) throw new UnexpectedAnswer("IAM left out the text of a policy.");
  try {
    return decodeURIComponent(document);
  } catch {
    throw new UnexpectedAnswer("IAM returned a policy that is not URL-encoded.");
  }
}

function arnOf(arn: string | undefined): string {
  if (arn === undefined) throw new UnexpectedAnswer("IAM left out an ARN.");
  return arn;
}

function managedPolicy(p: ManagedPolicyDetail): ManagedPolicyLine {
  const current = p.PolicyVersionList?.find((v) => v.IsDefaultVersion === true);
  return {
    type: "managed-policy",
    arn: arnOf(p.Arn),
    text: decoded(current?.Document),
    ...(p.PolicyId === undefined ? {} : { id: p.PolicyId }),
    ...(current?.VersionId === undefined ? {} : { version: current.VersionId }),
  };
}

function group(g: GroupDetail): GroupLine {
  return { type: "group", ...entity(g.Arn, g.GroupId, g.CreateDate), ...policies(g.GroupPolicyList, g) };
}

function user(u: UserDetail): UserLine {
  return {
    type: "user",
    ...entity(u.Arn, u.UserId, u.CreateDate),
    ...policies(u.UserPolicyList, u),
    groups: u.GroupList ?? [],
    ...limits(u),
  };
}

function role(r: RoleDetail): RoleLine {
  const used = r.RoleLastUsed?.LastUsedDate;
  return {
    type: "role",
    ...entity(r.Arn, r.RoleId, r.CreateDate),
    ...policies(r.RolePolicyList, r),
    trustPolicy: { kind: "present", text: decoded(r.AssumeRolePolicyDocument) },
    ...limits(r),
    ...(used === undefined ? {} : { lastUsedAt: used.toISOString() }),
  };
}

function entity(
  arn: string | undefined,
  id: string | undefined,
  created: Date | undefined,
): Pick<GroupLine, "arn" | "id" | "createdAt"> {
  return {
    arn: arnOf(arn),
    ...(id === undefined ? {} : { id }),
    ...(created === undefined ? {} : { createdAt: created.toISOString() }),
  };
}

/** A list that IAM leaves out is empty. */
function policies(
  inline: readonly PolicyDetail[] | undefined,
  of: Pick<UserDetail, "AttachedManagedPolicies">,
): Pick<GroupLine, "inlinePolicies" | "attachedPolicies"> {
  return {
    inlinePolicies: (inline ?? []).map(
      (p): NamedPolicy => ({ name: p.PolicyName ?? "", text: decoded(p.PolicyDocument) }),
    ),
    attachedPolicies: (of.AttachedManagedPolicies ?? []).map((p) => arnOf(p.PolicyArn)),
  };
}

function limits(of: Pick<UserDetail, "PermissionsBoundary" | "Tags">): Pick<UserLine, "boundary" | "tags"> {
  const tags = (of.Tags ?? []).map((t) => [t.Key ?? "", t.Value ?? ""] as const);
  return {
    boundary: of.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
    tags: Object.fromEntries(tags),
  };
}

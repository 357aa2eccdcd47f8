import type { GroupLine, ManagedPolicyLine, NamedPolicy, RoleLine, UserLine } from "../../snapshot/lines.js";
import { uniqueId } from "../identity.js";
import type { Xml } from "../xml.js";
import {
  attachedList,
  boundaryOf,
  createDate,
  elements,
  encodeDocument,
  members,
  pathAndName,
  tagList,
} from "./call.js";

/** The inline policies of an entity, as GetAccountAuthorizationDetails lists them. */
function inlineList(policies: readonly NamedPolicy[] | undefined): Xml {
  return members(
    (policies ?? []).map((p) => [
      ["PolicyName", p.name],
      ["PolicyDocument", encodeDocument(p.text)],
    ]),
  );
}

/** UserDetail of the API. */
export function userDetail(line: UserLine): Xml {
  const { path, name } = pathAndName(line.arn);
  return elements([
    ["Path", path],
    ["UserName", name],
    ["UserId", line.id ?? uniqueId("AIDA", line.arn)],
    ["Arn", line.arn],
    ["CreateDate", createDate(line.createdAt)],
    ["UserPolicyList", inlineList(line.inlinePolicies)],
    ["GroupList", members(line.groups ?? [])],
    ["AttachedManagedPolicies", attachedList(line.attachedPolicies)],
    ["PermissionsBoundary", boundaryOf(line.boundary)],
    ["Tags", tagList(line.tags)],
  ]);
}

/** GroupDetail of the API. */
export function groupDetail(line: GroupLine): Xml {
  const { path, name } = pathAndName(line.arn);
  return elements([
    ["Path", path],
    ["GroupName", name],
    ["GroupId", line.id ?? uniqueId("AGPA", line.arn)],
    ["Arn", line.arn],
    ["CreateDate", createDate(line.createdAt)],
    ["GroupPolicyList", inlineList(line.inlinePolicies)],
    ["AttachedManagedPolicies", attachedList(line.attachedPolicies)],
  ]);
}

const NOBODY = '{"Version":"2012-10-17","Statement":[]}';

function roleBasics(line: RoleLine): readonly (readonly [string, Xml | undefined])[] {
  const { path, name } = pathAndName(line.arn);
  const trust = line.trustPolicy?.kind === "present" ? line.trustPolicy.text : NOBODY;
  return [
    ["Path", path],
    ["RoleName", name],
    ["RoleId", line.id ?? uniqueId("AROA", line.arn)],
    ["Arn", line.arn],
    ["CreateDate", createDate(line.createdAt)],
    ["AssumeRolePolicyDocument", encodeDocument(trust)],
  ];
}

function lastUsed(line: RoleLine): Xml {
  return elements([["LastUsedDate", line.lastUsedAt]]);
}

/** RoleDetail of the API. */
export function roleDetail(line: RoleLine): Xml {
  return elements([
    ...roleBasics(line),
    ["InstanceProfileList", []],
    ["RolePolicyList", inlineList(line.inlinePolicies)],
    ["AttachedManagedPolicies", attachedList(line.attachedPolicies)],
    ["PermissionsBoundary", boundaryOf(line.boundary)],
    ["Tags", tagList(line.tags)],
    ["RoleLastUsed", lastUsed(line)],
  ]);
}

/** Role of the API. ListRoles shows neither boundary nor tags nor last use. */
export function role(line: RoleLine, whole: boolean): Xml {
  return elements([
    ...roleBasics(line),
    ["Description", line.description],
    ["MaxSessionDuration", String(line.maxSessionDuration ?? 3600)],
    ...(whole
      ? ([
          ["PermissionsBoundary", boundaryOf(line.boundary)],
          ["Tags", tagList(line.tags)],
          ["RoleLastUsed", lastUsed(line)],
        ] as const)
      : []),
  ]);
}

/** The default version of a managed policy. */
export function policyVersion(line: ManagedPolicyLine): Xml {
  return [
    ["Document", encodeDocument(line.text)],
    ["VersionId", line.version ?? "v1"],
    ["IsDefaultVersion", "true"],
    ["CreateDate", createDate(undefined)],
  ];
}

/** What Policy and ManagedPolicyDetail of the API have in common. */
export function policyBasics(
  line: ManagedPolicyLine,
  attachments: number,
): readonly (readonly [string, Xml])[] {
  const { path, name } = pathAndName(line.arn);
  return [
    ["PolicyName", name],
    ["PolicyId", line.id ?? uniqueId("ANPA", line.arn)],
    ["Arn", line.arn],
    ["Path", path],
    ["DefaultVersionId", line.version ?? "v1"],
    ["AttachmentCount", String(attachments)],
    ["IsAttachable", "true"],
    ["CreateDate", createDate(undefined)],
    ["UpdateDate", createDate(undefined)],
  ];
}

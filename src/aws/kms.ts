import type { GrantListEntry, KeyMetadata } from "@aws-sdk/client-kms";
import {
  DescribeKeyCommand,
  GetKeyLastUsageCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
} from "@aws-sdk/client-kms";
import type { KeyDescription, KmsPort, Page } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import { parseKeyArn } from "../domain/ids.js";
import type { Ask } from "./ask.js";
import { page, UnexpectedAnswer } from "./ask.js";
import { LeanKms } from "./lean.js";
import type { Clients } from "./session.js";
import { isGrant } from "../snapshot/key-line.js";

/** The commands of KMS that keyward sends, each beside the action that permits it. */
export const KMS_COMMANDS = {
  "kms:ListKeys": ListKeysCommand,
  "kms:ListAliases": ListAliasesCommand,
  "kms:DescribeKey": DescribeKeyCommand,
  "kms:GetKeyPolicy": GetKeyPolicyCommand,
  "kms:ListGrants": ListGrantsCommand,
  "kms:ListResourceTags": ListResourceTagsCommand,
  "kms:GetKeyRotationStatus": GetKeyRotationStatusCommand,
  "kms:GetKeyLastUsage": GetKeyLastUsageCommand,
} as const;

/** Largest pages that KMS gives. Source: KMS API reference, parameter Limit of each list. */
const PAGE = { keys: 1000, aliases: 100, grants: 100, tags: 50 } as const;

/** KMS in one Region. `ask` is to end calls whose signal is aborted. */
export function kmsPort(session: Clients, region: string, ask: Ask): KmsPort {
  const client = new LeanKms(session.clientConfig(region));
  return {
    listKeys: (marker, signal) =>
      ask("kms:ListKeys", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListKeys"]({ Limit: PAGE.keys, ...marked(marker) }),
        );
        return paged(answer, answer.Keys, (k) => ({ id: text(k.KeyId), arn: text(k.KeyArn) }));
      }),
    listAliases: (marker, signal) =>
      ask("kms:ListAliases", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListAliases"]({ Limit: PAGE.aliases, ...marked(marker) }),
        );
        return paged(answer, answer.Aliases, (a) => ({
          name: text(a.AliasName),
          keyId: a.TargetKeyId === undefined ? undefined : text(a.TargetKeyId),
        }));
      }),
    describeKey: (key, signal) =>
      ask("kms:DescribeKey", signal, async () => {
        const answer = await client.send(new KMS_COMMANDS["kms:DescribeKey"]({ KeyId: key }));
        const of = answer.KeyMetadata;
        // AWS always names the key. What is about another one must not decide that this one is left out.
        if (of === undefined || (of.KeyId !== key && of.Arn !== key)) {
          throw new UnexpectedAnswer("KMS described another key than the one that was asked for.");
        }
        return description(of);
      }),
    getKeyPolicy: (key, signal) =>
      ask("kms:GetKeyPolicy", signal, async () => {
        // The one name that a key policy can have. Source: KMS API reference, GetKeyPolicy.
        const input = { KeyId: key, PolicyName: "default" };
        const answer = await client.send(new KMS_COMMANDS["kms:GetKeyPolicy"](input));
        return answer.Policy === undefined ? undefined : text(answer.Policy);
      }),
    listGrants: (key, marker, signal) =>
      ask("kms:ListGrants", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListGrants"]({ KeyId: key, Limit: PAGE.grants, ...marked(marker) }),
        );
        return paged(answer, answer.Grants, (entry) => grant(entry, key));
      }),
    listResourceTags: (key, marker, signal) =>
      ask("kms:ListResourceTags", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListResourceTags"]({ KeyId: key, Limit: PAGE.tags, ...marked(marker) }),
        );
        return paged(answer, answer.Tags, (t) => [text(t.TagKey), text(t.TagValue ?? "")] as const);
      }),
    rotationEnabled: (key, signal) =>
      ask("kms:GetKeyRotationStatus", signal, async () => {
        const answer = await client.send(new KMS_COMMANDS["kms:GetKeyRotationStatus"]({ KeyId: key }));
        return answer.KeyRotationEnabled;
      }),
    lastUsage: (key, signal) =>
      ask("kms:GetKeyLastUsage", signal, async () => {
        const answer = await client.send(new KMS_COMMANDS["kms:GetKeyLastUsage"]({ KeyId: key }));
        return { at: time(answer.KeyLastUsage?.Timestamp), trackedSince: time(answer.TrackingStartDate) };
      }),
  };
}

function marked(marker: string | undefined): { Marker?: string } {
  return marker === undefined ? {} : { Marker: marker };
}

function paged<T, U>(
  answer: { readonly NextMarker?: string | undefined; readonly Truncated?: boolean | undefined },
  items: readonly T[] | undefined,
  convert: (item: T) => U,
): Page<U> {
  // KMS always says whether a list goes on; where it does not, a marker does.
  const goesOn = answer.Truncated ?? (answer.NextMarker !== undefined && answer.NextMarker !== "");
  return page(items, goesOn, answer.NextMarker, convert);
}

/** The SDK gives the members of an answer as they came, whatever their types say. */
function text(member: string | undefined): string {
  if (typeof member !== "string") throw new UnexpectedAnswer("KMS left out a member that is always there.");
  return member;
}

function description(metadata: KeyMetadata): KeyDescription {
  const manager = metadata.KeyManager;
  return {
    manager: manager === "AWS" || manager === "CUSTOMER" ? manager : undefined,
    state: metadata.KeyState,
    spec: metadata.KeySpec,
    usage: metadata.KeyUsage,
    origin: metadata.Origin,
    multiRegion: metadata.MultiRegion,
    multiRegionKeyType: metadata.MultiRegionConfiguration?.MultiRegionKeyType,
    relatedKeys: relatedKeys(metadata),
    description: metadata.Description,
    createdAt: time(metadata.CreationDate),
    deletionDate: time(metadata.DeletionDate),
  };
}

/** The rest of a multi-Region family. Undefined where KMS names no family: the key is no member of one. */
function relatedKeys(metadata: KeyMetadata): readonly string[] | undefined {
  const family = metadata.MultiRegionConfiguration;
  if (family === undefined) return undefined;
  const members = [
    ...(family.PrimaryKey === undefined ? [] : [family.PrimaryKey]),
    ...(family.ReplicaKeys ?? []),
  ];
  const arns = members.map((member) => parseKeyArn(text(member.Arn)));
  if (arns.includes(undefined))
    throw new UnexpectedAnswer("KMS names a related key by what is no ARN of a key.");
  return [...new Set(arns.filter((arn) => arn !== undefined))].filter((arn) => arn !== metadata.Arn).sort();
}

/**
 * A grant in the form of a snapshot. Members that AWS left out stay out; they are not known. Fails for a grant of another
 * key than the one that was asked for, and for members of the wrong type.
 */
function grant(entry: GrantListEntry, key: string): Grant {
  const constraints = entry.Constraints;
  const made: Grant = {
    GrantId: entry.GrantId ?? "",
    ...defined({
      KeyId: entry.KeyId,
      Name: entry.Name,
      CreationDate: time(entry.CreationDate),
      GranteePrincipal: entry.GranteePrincipal,
      GranteeServicePrincipal: entry.GranteeServicePrincipal,
      RetiringPrincipal: entry.RetiringPrincipal,
      RetiringServicePrincipal: entry.RetiringServicePrincipal,
      IssuingAccount: entry.IssuingAccount,
      Operations: entry.Operations,
      Constraints:
        constraints === undefined
          ? undefined
          : defined({
              EncryptionContextSubset: constraints.EncryptionContextSubset,
              EncryptionContextEquals: constraints.EncryptionContextEquals,
              SourceArn: constraints.SourceArn,
            }),
    }),
  };
  if (!isGrant(made)) throw new UnexpectedAnswer("KMS returned a grant that cannot be understood.");
  if (made.KeyId !== undefined && keyIdOf(made.KeyId) !== keyIdOf(key)) {
    throw new UnexpectedAnswer("KMS returned a grant of another key than the one that was asked for.");
  }
  return made;
}

/** Of a key's ARN or id. */
function keyIdOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

function time(date: Date | undefined): string | undefined {
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The object without the members that are undefined. */
function defined<T extends object>(object: T): Defined<T> {
  // Only members whose value is undefined are taken away, which is what the type says.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

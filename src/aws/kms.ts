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
import type { Ask } from "./ask.js";
import { page } from "./ask.js";
import { LeanKms } from "./lean.js";
import type { Clients } from "./session.js";

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
        return paged(answer, answer.Keys, (k) => ({ id: k.KeyId ?? "", arn: k.KeyArn ?? "" }));
      }),
    listAliases: (marker, signal) =>
      ask("kms:ListAliases", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListAliases"]({ Limit: PAGE.aliases, ...marked(marker) }),
        );
        return paged(answer, answer.Aliases, (a) => ({ name: a.AliasName ?? "", keyId: a.TargetKeyId }));
      }),
    describeKey: (key, signal) =>
      ask("kms:DescribeKey", signal, async () => {
        const answer = await client.send(new KMS_COMMANDS["kms:DescribeKey"]({ KeyId: key }));
        return description(answer.KeyMetadata);
      }),
    getKeyPolicy: (key, signal) =>
      ask("kms:GetKeyPolicy", signal, async () => {
        // The one name that a key policy can have. Source: KMS API reference, GetKeyPolicy.
        const input = { KeyId: key, PolicyName: "default" };
        const answer = await client.send(new KMS_COMMANDS["kms:GetKeyPolicy"](input));
        return answer.Policy;
      }),
    listGrants: (key, marker, signal) =>
      ask("kms:ListGrants", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListGrants"]({ KeyId: key, Limit: PAGE.grants, ...marked(marker) }),
        );
        return paged(answer, answer.Grants, grant);
      }),
    listResourceTags: (key, marker, signal) =>
      ask("kms:ListResourceTags", signal, async () => {
        const answer = await client.send(
          new KMS_COMMANDS["kms:ListResourceTags"]({ KeyId: key, Limit: PAGE.tags, ...marked(marker) }),
        );
        return paged(answer, answer.Tags, (t) => [t.TagKey ?? "", t.TagValue ?? ""] as const);
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
  return page(items, answer.Truncated === true, answer.NextMarker, convert);
}

function description(metadata: KeyMetadata | undefined): KeyDescription {
  const manager = metadata?.KeyManager;
  return {
    manager: manager === "AWS" || manager === "CUSTOMER" ? manager : undefined,
    state: metadata?.KeyState,
    spec: metadata?.KeySpec,
    usage: metadata?.KeyUsage,
    origin: metadata?.Origin,
    multiRegion: metadata?.MultiRegion,
    multiRegionKeyType: metadata?.MultiRegionConfiguration?.MultiRegionKeyType,
    description: metadata?.Description,
    createdAt: time(metadata?.CreationDate),
    deletionDate: time(metadata?.DeletionDate),
  };
}

/** A grant in the form of a snapshot. Members that AWS left out stay out; they are not known. */
function grant(entry: GrantListEntry): Grant {
  const constraints = entry.Constraints;
  return {
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

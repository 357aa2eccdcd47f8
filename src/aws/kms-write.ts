import type { GrantOperation } from "@aws-sdk/client-kms";
import { CreateGrantCommand, KMSClient, PutKeyPolicyCommand, RevokeGrantCommand } from "@aws-sdk/client-kms";
import type { KmsWritePort, Written } from "../apply/ports.js";
import type { Asked } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import { err } from "../domain/result.js";
import type { Ask } from "./ask.js";
import { UnexpectedAnswer } from "./ask.js";
import type { Clients } from "./session.js";

/** The commands of KMS that change something, each beside the action that permits it. */
export const KMS_WRITE_COMMANDS = {
  "kms:PutKeyPolicy": PutKeyPolicyCommand,
  "kms:RevokeGrant": RevokeGrantCommand,
  "kms:CreateGrant": CreateGrantCommand,
} as const;

/**
 * The writing half of KMS in one Region.
 * @param ask repeats only what surely did nothing
 */
export function kmsWritePort(session: Clients, region: string, ask: Ask): KmsWritePort {
  const client = new KMSClient(session.clientConfig(region));
  return {
    putKeyPolicy: (key, policy, signal) =>
      written((note) =>
        ask("kms:PutKeyPolicy", signal, (options) =>
          note(async () => {
            const input = { KeyId: key, PolicyName: "default", Policy: policy };
            await client.send(new KMS_WRITE_COMMANDS["kms:PutKeyPolicy"](input), options);
          }),
        ),
      ),
    revokeGrant: (key, grantId, signal) =>
      written((note) =>
        ask("kms:RevokeGrant", signal, (options) =>
          note(async () => {
            const input = { KeyId: key, GrantId: grantId };
            await client.send(new KMS_WRITE_COMMANDS["kms:RevokeGrant"](input), options);
          }),
        ),
      ),
    createGrant: (key, terms, signal) =>
      written((note) =>
        ask("kms:CreateGrant", signal, (options) =>
          note(async () => {
            const input = { KeyId: key, ...grantInput(terms) };
            const answer = await client.send(new KMS_WRITE_COMMANDS["kms:CreateGrant"](input), options);
            if (answer.GrantId === undefined) throw new UnexpectedAnswer("KMS named no grant.");
            return answer.GrantId;
          }),
        ),
      ),
  };
}

type Note = <T>(send: () => Promise<T>) => Promise<T>;

/** Says of a failure whether the call can have had an effect, by the status of the last attempt's answer. */
async function written<T>(call: (note: Note) => Promise<Asked<T>>): Promise<Written<T>> {
  let status: number | undefined;
  const answer = await call(async (send) => {
    status = undefined;
    try {
      return await send();
    } catch (error) {
      status = statusOf(error);
      throw error;
    }
  });
  if (answer.ok) return answer;
  const refused = status !== undefined && status >= 400 && status < 500;
  return err({ ...answer.error, effect: refused ? "none" : "unknown" });
}

/** HTTP status of the answer; undefined: there was none. */
function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

/** The parameters of CreateGrant that a grant was made with, as far as ListGrants tells them. */
function grantInput(terms: Grant): {
  readonly GranteePrincipal?: string;
  readonly GranteeServicePrincipal?: string;
  readonly RetiringPrincipal?: string;
  readonly RetiringServicePrincipal?: string;
  readonly Name?: string;
  readonly Operations: GrantOperation[];
  readonly Constraints?: {
    EncryptionContextSubset?: Record<string, string>;
    EncryptionContextEquals?: Record<string, string>;
    SourceArn?: string;
  };
} {
  const { Constraints: c } = terms;
  return {
    ...(terms.GranteePrincipal === undefined ? {} : { GranteePrincipal: terms.GranteePrincipal }),
    ...(terms.GranteeServicePrincipal === undefined
      ? {}
      : { GranteeServicePrincipal: terms.GranteeServicePrincipal }),
    ...(terms.RetiringPrincipal === undefined ? {} : { RetiringPrincipal: terms.RetiringPrincipal }),
    ...(terms.RetiringServicePrincipal === undefined
      ? {}
      : { RetiringServicePrincipal: terms.RetiringServicePrincipal }),
    ...(terms.Name === undefined || terms.Name === "" ? {} : { Name: terms.Name }),
    // What ListGrants has named CreateGrant takes; newer operations than the SDK's types know, too.
    Operations: [...(terms.Operations ?? [])] as GrantOperation[],
    ...(c === undefined
      ? {}
      : {
          Constraints: {
            ...(c.EncryptionContextSubset === undefined
              ? {}
              : { EncryptionContextSubset: { ...c.EncryptionContextSubset } }),
            ...(c.EncryptionContextEquals === undefined
              ? {}
              : { EncryptionContextEquals: { ...c.EncryptionContextEquals } }),
            ...(c.SourceArn === undefined ? {} : { SourceArn: c.SourceArn }),
          },
        }),
  };
}

import { keyDocument, findManager } from "../../repair/managers.js";
import { type ActionName, parseKmsAction } from "../../domain/ids.js";
import type { KeyRecord } from "../../domain/key.js";
import { callerArn, parseCaller } from "../../semantics/arn.js";
import { evaluate } from "../../semantics/evaluate.js";
import type { AccessRequest, Context } from "../../semantics/request.js";
import type { OrganizationOf } from "../../trust/zone.js";

/** Somebody who calls the local KMS, with what every request of theirs carries. */
export interface LocalCaller {
  /** ARN of a role (for a session of it), user or root user, or the name of a service. */
  readonly arn: string;
  readonly context: Context;
}

/** Access keys of a local KMS, one for each caller: what a callers file holds (docs/sandbox.md). */
export class LocalAccessKeys {
  private readonly ids = new Map<string, { readonly id: string; readonly caller: LocalCaller }>();

  /** The access key id of a caller. */
  of(caller: LocalCaller): string {
    const name = JSON.stringify([caller.arn, Object.entries(caller.context).sort()]);
    const known = this.ids.get(name);
    if (known !== undefined) return known.id;
    const id = `AKIAREHEARSAL${String(this.ids.size).padStart(7, "0")}`;
    this.ids.set(name, { id, caller });
    return id;
  }

  /** The callers file. What was seen to be allowed is taken to be allowed by the callers' own policies. */
  file(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      [...this.ids.values()].map(({ id, caller }) => [
        id,
        // As from a network that no policy names: the local KMS would say an address of its own.
        { ...caller, context: { "aws:SourceIp": [], ...caller.context }, identity: "allow" },
      ]),
    );
  }
}

/** What a change of a key takes. */
const CALLS: readonly ActionName[] = ["kms:GetKeyPolicy", "kms:ListGrants", "kms:PutKeyPolicy"].flatMap(
  (name) => parseKmsAction(name) ?? [],
);

/**
 * Somebody of the key's account who can carry a change out and undo it: an administrator by IAM where the key policy
 * hands control to IAM, else whom the policies name, with what their conditions ask for. The administrator where nobody
 * is found: AWS's refusal is then what the rehearsal shows.
 */
export function changerOf(
  record: KeyRecord,
  texts: readonly string[],
  organizationOf: OrganizationOf,
  now: number,
): LocalCaller {
  const { account, partition } = record.facts;
  const administrator = { arn: `arn:${partition}:iam::${account}:user/admin`, context: {} };
  const search = { record, organizationOf, now, own: undefined, exists: () => true };
  const found = texts.flatMap((text): LocalCaller[] => {
    const manager = findManager(text, search);
    if (manager.kind === "nobody" || manager.kind === "undecided") return [];
    const { caller, context } = manager.request;
    return [{ arn: callerArn(caller), context }];
  });
  const able = (caller: LocalCaller): boolean =>
    texts.every((text) => CALLS.every((action) => mayDo(caller, action, text, record, now)));
  return [administrator, ...found].find(able) ?? found[0] ?? administrator;
}

function mayDo(c: LocalCaller, action: ActionName, text: string, record: KeyRecord, now: number): boolean {
  const caller = parseCaller(c.arn);
  if (!caller.ok) return false;
  const request: AccessRequest = {
    caller: caller.value,
    action,
    context: c.context,
    time: now,
    identity: { kind: "allow" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
  return evaluate(request, keyDocument(record, text, []), { ignoreKeyState: true }).outcome === "allow";
}

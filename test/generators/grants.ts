import type { Grant } from "../../src/domain/grant.js";
import { KMS_KEY_ACTIONS } from "../../src/semantics/actions.js";
import type { Random } from "./random.js";
import { principalText } from "./statements.js";
import { CONTEXT_KEYS, NAMED_ACCOUNTS, OWN, PARTNER, type Place, SERVICES, valueOf } from "./vocabulary.js";

const OPERATIONS = KMS_KEY_ACTIONS.filter((a) => a.grantable).map((a) => a.name.slice("kms:".length));

function sourceArn(r: Random, { partition, region }: Place): string {
  const account = r.pick([OWN, PARTNER, "555566667777"]);
  return r.pick([
    `arn:${partition}:sns:${region}:${account}:topic`,
    `arn:${partition}:cloudtrail:${region}:${account}:trail/t`,
    `arn:${partition}:logs:${region}:${account}:log-group:/x:y`,
    `arn:${partition}:sns:${region}:${account}:top*`,
  ]);
}

function pairs(r: Random, place: Place): Readonly<Record<string, string>> {
  return Object.fromEntries(
    r.list(1, 2, () => {
      const key = r.pick(CONTEXT_KEYS);
      return [key, valueOf(r, `kms:encryptioncontext:${key.toLowerCase()}`, undefined, place)] as const;
    }),
  );
}

/** A grant as ListGrants returns it; `id` tells grants of one key apart. */
export function grant(r: Random, place: Place, id: number): Grant {
  const service = r.chance(25);
  const grantee = service
    ? r.chance(50)
      ? { GranteeServicePrincipal: r.pick(SERVICES) }
      : { GranteePrincipal: r.pick(SERVICES) as string }
    : r.weighted<Partial<Grant>>(
        [30, () => ({ GranteePrincipal: principalText(r, place) })],
        [1, () => ({ GranteePrincipal: "nobody at all" })],
        [1, () => ({})],
      );
  const constraints = {
    ...(r.chance(18) ? { EncryptionContextEquals: pairs(r, place) } : {}),
    ...(r.chance(18) ? { EncryptionContextSubset: pairs(r, place) } : {}),
    ...("GranteeServicePrincipal" in grantee || r.chance(8) ? { SourceArn: sourceArn(r, place) } : {}),
  };
  const retiring = r.weighted<Partial<Grant>>(
    [5, () => ({})],
    [3, () => ({ RetiringPrincipal: principalText(r, place) })],
    [1, () => ({ RetiringServicePrincipal: r.pick(SERVICES) })],
  );
  const operations = r.some(OPERATIONS, 30);
  return {
    GrantId: `g${id}`,
    ...grantee,
    ...retiring,
    ...(r.chance(93)
      ? { IssuingAccount: `arn:${place.partition}:iam::${r.chance(85) ? OWN : r.pick(NAMED_ACCOUNTS)}:root` }
      : {}),
    ...(r.chance(97) ? { Operations: operations.length === 0 ? ["Decrypt"] : operations } : {}),
    ...(Object.keys(constraints).length === 0 ? {} : { Constraints: constraints }),
  };
}

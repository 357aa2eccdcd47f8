import type { Fetched } from "../../src/domain/fetched.js";
import type { Grant } from "../../src/domain/grant.js";
import { type AccountId, keyArnParts, type OrganizationId, parseKeyArn } from "../../src/domain/ids.js";
import { KEY_STATES, type KeyFacts } from "../../src/domain/key.js";
import type { Zone } from "../../src/domain/zone.js";
import { grant } from "./grants.js";
import type { Random } from "./random.js";
import { keyArn, keyPolicy, principalText, resourceControlPolicy } from "./statements.js";
import {
  OTHER,
  OU_PATH,
  OWN,
  OWN_ORG,
  PARTNER,
  PARTNER_ORG,
  type Place,
  ROOT_PATH,
  SERVICES,
  TRUSTED,
} from "./vocabulary.js";

/** One key with everything that decides who can use it. Plain JSON, so that a world can be kept as a case. */
export interface World {
  /** The text of the key policy. */
  readonly policy: string;
  readonly resourceControlPolicies: readonly string[];
  readonly grants: readonly Grant[];
  readonly facts: KeyFacts;
  readonly zone: Zone;
  /** Organization of accounts, as far as it is known; `null`: in none. */
  readonly organizationOf: readonly (readonly [
    string,
    { readonly id: string; readonly path?: string } | null,
  ])[];
}

/** Specs with the usages that they can have; the first stands for nearly every key there is. */
const KINDS = [
  { spec: "SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT" },
  { spec: "RSA_2048", usage: "ENCRYPT_DECRYPT" },
  { spec: "RSA_2048", usage: "SIGN_VERIFY" },
  { spec: "ECC_NIST_P256", usage: "KEY_AGREEMENT" },
  { spec: "ECC_NIST_P256", usage: "SIGN_VERIFY" },
  { spec: "ML_KEM_768", usage: "ENCAPSULATE_DECAPSULATE" },
  { spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC" },
  {},
  { usage: "ENCRYPT_DECRYPT" },
] as const;

function organization(r: Random): KeyFacts["organization"] {
  return r.weighted<Fetched<{ id: OrganizationId; path?: string }>>(
    [6, () => ({ kind: "present", value: { id: OWN_ORG as OrganizationId } })],
    [4, () => ({ kind: "present", value: { id: OWN_ORG as OrganizationId, path: OWN_ORG + ROOT_PATH } })],
    [1, () => ({ kind: "absent" })],
    [1, () => ({ kind: "unknown" })],
    [1, () => ({ kind: "unreadable", code: "AccessDeniedException" })],
  );
}

/** The facts of a key; most often those of an ordinary one. */
export function keyFacts(r: Random, place: Place): KeyFacts {
  const arn = parseKeyArn(keyArn(place));
  if (arn === undefined) throw new Error("the generator's key ARN is wrong");
  const multiRegion = r.weighted<Partial<KeyFacts>>(
    [8, () => ({ multiRegion: false })],
    [1, () => ({})],
    [1, () => ({ multiRegion: true })],
    [2, () => ({ multiRegion: true, multiRegionKeyType: r.pick(["PRIMARY", "REPLICA"]) })],
  );
  return {
    arn,
    ...keyArnParts(arn),
    organization: organization(r),
    ...(r.chance(75) ? KINDS[0] : r.pick(KINDS)),
    ...(r.chance(80) ? { state: "Enabled" as const } : r.chance(20) ? {} : { state: r.pick(KEY_STATES) }),
    ...(r.chance(90) ? { origin: r.pick(["AWS_KMS", "AWS_KMS", "EXTERNAL"]) } : {}),
    ...multiRegion,
    ...(r.chance(90) ? { tags: r.pick<Record<string, string>>([{}, { team: "a" }, { Team: "b" }]) } : {}),
    ...(r.chance(90) ? { aliases: r.pick([[], ["alias/app"], ["alias/app", "alias/other"]]) } : {}),
  };
}

function zone(r: Random, place: Place): Zone {
  return {
    organizations: r
      .pick([[OWN_ORG], [OWN_ORG], [], [OWN_ORG, PARTNER_ORG]])
      .map((id) => id as OrganizationId),
    accounts: r.pick([[TRUSTED], [TRUSTED], [], [TRUSTED, OTHER]]).map((id) => id as AccountId),
    // Users, roles and sessions: whole accounts are listed as such.
    principals: r.chance(20)
      ? r.list(1, 2, () => principalText(r, place)).filter((text) => /:(user|role|assumed-role)\//.test(text))
      : [],
    services: r.chance(15) ? r.list(1, 2, () => r.pick(SERVICES) as string) : [],
  };
}

function organizations(r: Random): World["organizationOf"] {
  const known: [string, { id: string; path?: string } | null][] = [];
  if (r.chance(15))
    known.push([
      PARTNER,
      r.pick([{ id: PARTNER_ORG }, { id: PARTNER_ORG, path: PARTNER_ORG + OU_PATH }, null]),
    ]);
  if (r.chance(15)) known.push([OTHER, r.pick([{ id: OWN_ORG }, { id: PARTNER_ORG }, null])]);
  if (r.chance(10)) known.push([TRUSTED, r.pick([{ id: OWN_ORG }, null])]);
  return known;
}

/** Where the key of a world is. */
export function place(r: Random): Place {
  return r.weighted<Place>(
    [18, () => ({ partition: "aws", region: "us-east-1" })],
    [1, () => ({ partition: "aws-cn", region: "cn-north-1" })],
    [1, () => ({ partition: "aws-us-gov", region: "us-gov-west-1" })],
  );
}

/** A random world. */
export function world(r: Random): World {
  const where = place(r);
  return {
    policy: keyPolicy(r, where),
    resourceControlPolicies: r.chance(18) ? r.list(1, 2, () => resourceControlPolicy(r, where)) : [],
    grants: r.chance(30) ? r.list(1, 3, () => 0).map((_, id) => grant(r, where, id)) : [],
    facts: keyFacts(r, where),
    zone: zone(r, where),
    organizationOf: organizations(r),
  };
}

/** The account that owns the keys of all worlds. */
export const OWNER = OWN;

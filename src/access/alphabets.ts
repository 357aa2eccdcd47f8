import type { Alphabet, Segment } from "./views.js";

/**
 * What the parts of a caller's identity may be written with. Sources: IAM User Guide, "IAM and AWS STS quotas" (names,
 * paths, lengths); STS API reference (session names); Organizations API reference (ids of organizations).
 */
function alphabet(pattern: RegExp, fillers: string): Alphabet {
  return { has: (c) => pattern.test(c), fillers: Array.from(fillers) };
}

const LOWER = "xyzwvutsrqponmlkjihgfedcba";
const DIGITS = alphabet(/^[0-9]$/, "9876543210");
const NAME = alphabet(/^[\w+=,.@-]$/, `${LOWER}0123456789-_`);
const PATH = alphabet(/^[!-~]$/, `${LOWER}0123456789-_`);
const UPPER = alphabet(/^[A-Z0-9]$/, "XYZWVUTSRQPONMLKJIHGFEDCBA0123456789");
const LOWER_DIGITS = alphabet(/^[a-z0-9]$/, `${LOWER}0123456789`);
const ORG_PATH = alphabet(/^[a-z0-9/-]$/, `${LOWER}0123456789`);
const ARN_WORD = alphabet(/^[a-z0-9-]$/, `${LOWER}0123456789`);
const ARN_REST = alphabet(/^[!-~]$/, `${LOWER}0123456789-_`);
const ARN_REST_PLAIN = alphabet(/^[!-9;-~]$/, `${LOWER}0123456789-_`);

/** The name of the segments that hold an account id. */
export const ACCOUNT_SEGMENT_NAME = "account";

/** An account that nobody named, unless `guess` is one that somebody did. */
export function accountSegment(guess: string): Segment {
  return { name: ACCOUNT_SEGMENT_NAME, alphabet: DIGITS, min: 12, max: 12, guess };
}

export const NAME_SEGMENT: Segment = { name: "name", alphabet: NAME, min: 1, max: 64, guess: "outsider" };
export const PATH_SEGMENT: Segment = { name: "path", alphabet: PATH, min: 1, max: 510, guess: "x" };
export const SESSION_SEGMENT: Segment = {
  name: "session",
  alphabet: NAME,
  min: 2,
  max: 64,
  guess: "session",
};
export const FEDERATED_SEGMENT: Segment = {
  name: "name",
  alphabet: NAME,
  min: 2,
  max: 32,
  guess: "outsider",
};
/** What follows the four-letter prefix of a unique id: 21 characters in all, in every id that AWS has made so far. */
export const UNIQUE_ID_SEGMENT: Segment = {
  name: "unique id",
  alphabet: UPPER,
  min: 17,
  max: 17,
  guess: "ZZKEYWARDWITNESSZ",
};
/** What it may be: an id has 16 to 128 characters. Source: IAM API reference, data types User and Role (text of 2026). */
export const ANY_UNIQUE_ID_SEGMENT: Segment = { ...UNIQUE_ID_SEGMENT, min: 12, max: 124 };
/** Whether a unique id is as long as every id that AWS has made so far. */
export function hasUsualLength(uniqueId: string): boolean {
  return uniqueId.length === 4 + UNIQUE_ID_SEGMENT.max;
}
/** What follows `o-`. */
export const ORGANIZATION_SEGMENT: Segment = {
  name: "organization",
  alphabet: LOWER_DIGITS,
  min: 10,
  max: 32,
  guess: "zzkeyward0",
};
/** What follows `o-…/r-` in an organization path, up to the last slash. */
export const ORG_PATH_SEGMENT: Segment = {
  name: "organization path",
  alphabet: ORG_PATH,
  min: 4,
  max: 400,
  guess: "zz99",
};
const LETTERS = alphabet(/^[a-z]$/, LOWER);
const REGION_WORD = alphabet(/^[a-z-]$/, LOWER);

/** The service in the ARN of a source begins with a letter. */
export const SERVICE_LETTER: Segment = {
  name: "first letter of the source service",
  alphabet: LETTERS,
  min: 1,
  max: 1,
  guess: "s",
};
export const SERVICE_SEGMENT: Segment = {
  name: "source service",
  alphabet: ARN_WORD,
  min: 0,
  max: 39,
  guess: "3",
};
/** Names of Regions have digits at their end alone, few of them: never an account id. */
export const REGION_WORD_SEGMENT: Segment = {
  name: "source region",
  alphabet: REGION_WORD,
  min: 0,
  max: 28,
  guess: "us-east-",
};
export const REGION_NUMBER_SEGMENT: Segment = {
  name: "number of the source region",
  alphabet: DIGITS,
  min: 0,
  max: 2,
  guess: "1",
};
/** What follows `vpc-`. Source: EC2 User Guide, "Resource IDs". */
export const VPC_ID_SEGMENT: Segment = {
  name: "vpc id",
  alphabet: LOWER_DIGITS,
  min: 1,
  max: 17,
  guess: "0f0e0d0c0b0a09080",
};
export const REGION_SEGMENT: Segment = {
  name: "source region",
  alphabet: ARN_WORD,
  min: 0,
  max: 30,
  guess: "us-east-1",
};

/** The resource part of a source ARN; whether it may hold a colon depends on the service. */
export function sourceRest(colons: boolean): Segment {
  return {
    name: "source resource",
    alphabet: colons ? ARN_REST : ARN_REST_PLAIN,
    min: 1,
    max: 500,
    guess: "x",
  };
}

/** What follows `alias/`. Source: KMS API reference, AliasNameType. */
export const ALIAS_SEGMENT: Segment = {
  name: "alias",
  alphabet: alphabet(/^[a-zA-Z0-9/_-]$/, `${LOWER}0123456789-_`),
  min: 1,
  max: 250,
  guess: "x",
};

import type { Operator } from "../../policy/ast.js";
import { doubtful, tri } from "../tri.js";
import { negation, type OperatorRule } from "./rule.js";

/** Milliseconds since the epoch. `zoned` is false for a time of day without a time zone, which the profile wants. */
export interface Instant {
  readonly milliseconds: number;
  readonly zoned: boolean;
}

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[Tt](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?([Zz]|[+-]\d{2}:?\d{2})?)?)?)?$/;

/**
 * A date in a form of the W3C profile of ISO 8601 (`YYYY` to `YYYY-MM-DDThh:mm:ss.sTZD`) or in seconds since the
 * epoch; undefined for other text. Four digits are a year.
 * Source: IAM User Guide, "Date condition operators" (text of 2026); https://www.w3.org/TR/NOTE-datetime.
 */
export function parseInstant(text: string): Instant | undefined {
  const m = ISO.exec(text);
  if (m === null) {
    if (!/^-?\d{1,12}(\.\d+)?$/.test(text)) return undefined;
    return { milliseconds: Math.round(Number(text) * 1000), zoned: true };
  }
  const [, year = "", month = "01", day = "01", hour, minute = "00", second = "00", fraction = "0", zone] = m;
  const inRange = Number(hour ?? 0) <= 23 && Number(minute) <= 59 && Number(second) <= 59;
  const midnight = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (!inRange || Number.isNaN(midnight) || new Date(midnight).getUTCDate() !== Number(day)) return undefined;
  const seconds = Number(hour ?? 0) * 3600 + Number(minute) * 60 + Number(second);
  const milliseconds = midnight + seconds * 1000 + Math.trunc(Number(`0.${fraction}`) * 1000);
  return { milliseconds: milliseconds - offset(zone), zoned: hour === undefined || zone !== undefined };
}

/** Milliseconds that a zone such as `+02:00` is ahead of UTC. */
function offset(zone: string | undefined): number {
  const m = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? "");
  if (m === null) return 0;
  const [, sign, hours, minutes] = m;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** Compares instants. A time of day without a zone is outside the documented profile: the result is doubtful. */
function dateOperator(name: Operator, holds: (order: number) => boolean): OperatorRule {
  return {
    name,
    negated: false,
    wildcards: false,
    variables: false,
    compare: (value, operand) => {
      const a = parseInstant(value);
      const b = parseInstant(operand.text);
      if (a === undefined || b === undefined) return "wrong-type";
      if (!a.zoned || !b.zoned) return doubtful("wrong-type-value");
      return tri(holds(a.milliseconds - b.milliseconds));
    },
  };
}

const DateEquals = dateOperator("DateEquals", (order) => order === 0);

export const DATE_OPERATORS: readonly OperatorRule[] = [
  DateEquals,
  negation(DateEquals, "DateNotEquals"),
  dateOperator("DateLessThan", (order) => order < 0),
  dateOperator("DateLessThanEquals", (order) => order <= 0),
  dateOperator("DateGreaterThan", (order) => order > 0),
  dateOperator("DateGreaterThanEquals", (order) => order >= 0),
];

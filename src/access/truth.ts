import type { DoubtId } from "../semantics/doubts.js";

/** Three-valued truth; `doubtful` carries why. */
export type Truth = "yes" | "no" | { readonly doubtful: DoubtId };

/** `certain`: doubts go against what is wanted. `possible`: doubts go in favour of it. */
export type Mode = "certain" | "possible";

/** The other way round. */
export function negate(t: Truth): Truth {
  return t === "yes" ? "no" : t === "no" ? "yes" : t;
}

/** True if any is; doubtful if none is but one may be. */
export function anyOf(ts: Iterable<Truth>): Truth {
  let out: Truth = "no";
  for (const t of ts) {
    if (t === "yes") return "yes";
    if (t !== "no") out = t;
  }
  return out;
}

/** True if all are; doubtful if none fails but one may. */
export function allOf(ts: Iterable<Truth>): Truth {
  let out: Truth = "yes";
  for (const t of ts) {
    if (t === "no") return "no";
    if (t !== "yes") out = t;
  }
  return out;
}

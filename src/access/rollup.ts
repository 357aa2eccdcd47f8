import { EXPOSURES, type Exposure } from "../domain/verdict.js";
import type { PolicyDoubts } from "../policy/doubtful.js";
import { INPUT_DOUBTS, REFUSED_DOUBTS } from "../semantics/doubts.js";
import type { Access, Undecided } from "./matrix.js";

/**
 * The exposure of a key: the worst that is known. What rests on something that keyward did not understand, or that
 * KMS would not store, is no knowledge: it makes the answer `unknown` or `invalid` where it would be worse.
 */
export function overallExposure(
  accesses: readonly Access[],
  undecided: readonly Undecided[],
  reading: PolicyDoubts,
): Exposure {
  let worst = at("none");
  let unclear = at("none");
  let refused = reading.refusedByKms;
  for (const a of accesses) {
    const r = at(a.exposure);
    if (a.doubts.some((d) => INPUT_DOUBTS.has(d.id))) unclear = Math.min(unclear, r);
    else if (a.doubts.some((d) => REFUSED_DOUBTS.has(d.id))) refused = true;
    else worst = Math.min(worst, r);
  }
  let open = reading.wholePolicy;
  for (const u of undecided) {
    if (u.doubts.length > 0 && u.doubts.every((d) => REFUSED_DOUBTS.has(d.id))) refused = true;
    else open = true;
  }
  const exposed = worst <= at("external");
  if (exposed) return EXPOSURES[worst] ?? "unknown";
  if (open || unclear < worst) return "unknown";
  if (refused && worst === at("none")) return "invalid";
  return EXPOSURES[worst] ?? "unknown";
}

function at(e: Exposure): number {
  return EXPOSURES.indexOf(e);
}

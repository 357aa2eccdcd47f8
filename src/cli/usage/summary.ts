import { inert } from "../../domain/inert.js";
import type { KeyUsageData } from "../../usage/aggregate.js";
import { DENIED_ELSEWHERE, generalCaveats, keyCaveats } from "../../usage/coverage.js";
import { hang } from "../../report/wrap.js";
import type { UsageCoverage, UsageEntry, UsagePrincipal } from "../../usage/types.js";

/** Calls that are shown of one key, and gaps that are shown in all; the file has all of them. */
const SHOWN = 12;

/**
 * Pieces of the text that a person reads. Everything that comes from records goes through {@link inert}.
 * @param width columns of the terminal; undefined: there is none, and lines stay whole, so that they can be searched
 */
export function* summary(
  coverage: UsageCoverage,
  keys: Iterable<KeyUsageData>,
  width: number | undefined,
): Generator<string, void, undefined> {
  for (const piece of pieces(coverage, keys)) {
    yield width === undefined
      ? piece
      : piece
          .split("\n")
          .flatMap((line) => hang(line, width))
          .join("\n");
  }
}

function* pieces(coverage: UsageCoverage, keys: Iterable<KeyUsageData>): Generator<string, void, undefined> {
  let count = 0;
  for (const key of keys) {
    count++;
    yield keyText(coverage, key);
  }
  if (count === 0) yield "No use of any key is in the evidence.\n\n";
  yield coverageText(coverage);
}

function keyText(coverage: UsageCoverage, { key, entries, omitted }: KeyUsageData): string {
  const lines = [inert(key)];
  const order = [...entries].sort((a, b) => b.count - a.count);
  for (const entry of order.slice(0, SHOWN)) lines.push(`  ${entryText(entry)}`);
  if (order.length > SHOWN)
    lines.push(`  and ${order.length - SHOWN} more kinds of calls; --output writes all`);
  for (const caveat of keyCaveats(coverage, key, omitted)) lines.push(`  ! ${inert(caveat)}`);
  return `${lines.join("\n")}\n\n`;
}

function entryText(entry: UsageEntry): string {
  const context = entry.contextKeys.length === 0 ? "" : ` context ${entry.contextKeys.join(", ")}`;
  const words = [
    `${entry.count} x ${entry.action}`,
    outcomeText(entry),
    `by ${principalText(entry.principal)}`,
    ...(entry.via === undefined ? [] : [`via ${entry.via}`]),
    `${entry.firstSeen.slice(0, 10)} to ${entry.lastSeen.slice(0, 10)}`,
  ];
  return inert(`${words.join(" ")}${context}`, { max: 400 });
}

function outcomeText({ outcome }: UsageEntry): string {
  switch (outcome.kind) {
    case "allowed":
      return "allowed";
    case "denied":
      return outcome.policy === "unknown" ? "DENIED" : `DENIED (${outcome.effect}, ${outcome.policy} policy)`;
    case "failed":
      return `failed (${outcome.code})`;
  }
}

/** A principal in words, not yet safe to print. */
export function principalText(principal: UsagePrincipal): string {
  switch (principal.kind) {
    case "role":
    case "user":
    case "federated-user":
      return principal.arn;
    case "root":
      return `the root user of ${principal.account}`;
    case "service":
      return principal.name === "unknown" ? "a service of AWS" : principal.name;
    case "foreign":
      return principal.id === undefined
        ? `somebody of account ${principal.account}`
        : `${principal.id} of account ${principal.account}`;
    case "identity-center-user":
      return `IAM Identity Center user ${principal.userId ?? "(unknown)"} of ${principal.account}`;
    case "other":
      return principal.id === undefined ? principal.type : `${principal.type} ${principal.id}`;
  }
}

function coverageText(coverage: UsageCoverage): string {
  const span =
    coverage.from === undefined || coverage.to === undefined
      ? "no day at all"
      : `${coverage.from.slice(0, 10)} to ${coverage.to.slice(0, 10)}`;
  const lines = [
    `Evidence: ${coverage.kmsEvents} events of KMS from ${coverage.files} files or pages, ${coverage.trails.length} accounts and Regions, ${span}.`,
  ];
  for (const caveat of [...generalCaveats(coverage), DENIED_ELSEWHERE]) lines.push(`! ${inert(caveat)}`);
  for (const gap of coverage.gaps.slice(0, SHOWN)) {
    const lost = gap.records === undefined ? "" : ` (${gap.records} records)`;
    lines.push(
      `! ${inert(gap.where, { max: 200 })}: ${gap.problem}${lost}: ${inert(gap.detail, { max: 200 })}`,
    );
  }
  if (coverage.gapCount > SHOWN) lines.push(`! and ${coverage.gapCount - SHOWN} more gaps`);
  if (coverage.notDeduplicated > 0) {
    lines.push(
      `! ${coverage.notDeduplicated} events were not compared for duplicates: counts can be too high.`,
    );
  }
  return `${lines.join("\n")}\n`;
}

import { createTwoFilesPatch } from "diff";
import type { Proposal } from "../../apply/context.js";
import type { Grant } from "../../domain/grant.js";
import { inert } from "../../domain/inert.js";
import { hang } from "../../report/wrap.js";
import { spread } from "../spread.js";

/**
 * A change as a person reads it before saying yes. Everything that stands in AWS is made inert, line by line.
 * @param width columns of the terminal; undefined: lines stay whole
 */
export function proposalText(proposal: Proposal, width?: number): string {
  const { task, live, newPolicy, revoke, create, before, after, index, of } = proposal;
  const lines = [``, `Key ${index} of ${of}: ${inert(task.key)}`];
  lines.push(
    `  now:   ${before.exposure} (${before.verdict})`,
    `  after: ${after.exposure} (${after.verdict})`,
  );
  for (const sentence of task.foreseen) lines.push(`  ! ${inert(sentence, { max: 600 })}`);
  if (newPolicy !== undefined) lines.push(...policyDiff(live.policy, newPolicy));
  for (const grant of revoke) lines.push(`  - revoke grant ${grantWords(grant)}`);
  for (const grant of create) lines.push(`  + create grant with the terms of ${grantWords(grant)}`);
  const shown = width === undefined ? lines : lines.flatMap((line) => hang(line, width, SIGN));
  return `${shown.join("\n")}\n`;
}

/** What a line of a difference begins with: its sign, and the white space of the policy. */
const SIGN = /^ {2}[+-] *| */;

/** The difference of two policies as text, line by line; of policies on one line it would tell nothing, and be cut off. */
export function policyDiff(from: string, to: string): readonly string[] {
  const [older, newer] = [spread(from), spread(to)];
  const apart = older !== undefined && newer !== undefined;
  const patch = createTwoFilesPatch(
    "now",
    "new",
    apart ? older : from,
    apart ? newer : to,
    undefined,
    undefined,
    {
      context: 3,
    },
  );
  const lines = patch
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("====="))
    .map((line) => `  ${inert(line.replace(/\r$/, ""), { max: 2_000 })}`);
  return apart ? ["  (the policy is on one line in fact, and stays so)", ...lines] : lines;
}

function grantWords(grant: Grant): string {
  const who = grant.GranteePrincipal ?? grant.GranteeServicePrincipal ?? "nobody known";
  const operations = (grant.Operations ?? []).join(", ");
  return inert(`${grant.GrantId}: ${who}: ${operations}`, { max: 600 });
}

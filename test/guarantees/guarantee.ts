import { test } from "vitest";
import type { GuaranteeId } from "./registry.js";

/**
 * The name of a test that holds several guarantees, or that is run for each of many cases. Ids and name are written as
 * plain text here, too: `it(holds(["repair-closes", "backup-first"], "…"), () => …)`.
 */
export function holds(ids: readonly GuaranteeId[], name: string): string {
  return `${ids.map((id) => `[${id}]`).join(" ")} ${name}`;
}

/**
 * A test that holds a guarantee. The id and the name are written as plain text, so that the table can find them:
 * `guarantee("order", "…", () => …)`.
 */
export function guarantee(id: GuaranteeId, name: string, run: () => void | Promise<void>): void {
  test(holds([id], name), run);
}

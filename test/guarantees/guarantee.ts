import { test } from "vitest";
import type { GuaranteeId } from "./registry.js";

/**
 * A test that holds a guarantee. The id and the name are written as plain text, so that the table can find them:
 * `guarantee("order", "…", () => …)`.
 */
export function guarantee(id: GuaranteeId, name: string, run: () => void | Promise<void>): void {
  test(`[${id}] ${name}`, run);
}

import { ServiceError } from "../errors.js";
import type { Input } from "../input.js";

/**
 * Ends a request that only asks whether it would succeed, after every check and before any change.
 * @throws ServiceError DryRunOperationException.
 */
export function refuseDryRun(input: Input): void {
  if (!input.flag("DryRun")) return;
  throw new ServiceError(
    "DryRunOperationException",
    "The request would have succeeded, but the DryRun option is set.",
  );
}

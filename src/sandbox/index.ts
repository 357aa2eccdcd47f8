/** A local KMS over HTTP that enforces key policies and grants: rehearse against a copy of the estate. */
export { startSandbox } from "./sandbox.js";
export type { RequestEvent, Sandbox, SandboxOptions } from "./sandbox.js";
export type { OperationStats, SandboxStats } from "./stats.js";

/** A local KMS over HTTP that enforces key policies and grants: rehearse against a copy of the estate. */
export { startSandbox } from "./sandbox.js";
export type { RequestEvent, SandboxOptions } from "./desk.js";
export type { Sandbox } from "./sandbox.js";
export type { OperationStats, PlaceStats, SandboxStats } from "./stats.js";

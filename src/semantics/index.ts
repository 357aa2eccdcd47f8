/** The reference: one request, one answer. It is keyward's specification of AWS's rules. */
export * from "./actions.js";
export * from "./arn.js";
export * from "./condition-keys.js";
export { contextEntry, deriveContext, knownContext } from "./derive-context.js";
export type { ContextEntry, RequestContext } from "./derive-context.js";
export * from "./doubts.js";
export * from "./request.js";
export * from "./evaluate.js";
export { inconsistencies } from "./consistency.js";

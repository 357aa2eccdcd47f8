/** The reference: one request, one answer. It is keyward's specification of AWS's rules. */
export * from "./actions.js";
export * from "./condition-keys.js";
export * from "./doubts.js";
export * from "./request.js";
export * from "./evaluate.js";

/** Policies: bytes to AST with positions, canonical text, and the lint of the text. */
export * from "./ast.js";
export * from "./canonical.js";
export * from "./codes.js";
export type { PolicyKind } from "./context.js";
export * from "./doubtful.js";
export * from "./locate.js";
export { isNegated, operatorForm } from "./operators.js";
export type { OperatorForm } from "./operators.js";
export * from "./parse.js";

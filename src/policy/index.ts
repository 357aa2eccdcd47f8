/** Policies: bytes to AST with positions, canonical text, and the lint of the text. */
export * from "./ast.js";
export * from "./codes.js";
export * from "./operators.js";
export * from "./parse.js";

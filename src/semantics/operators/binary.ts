import { tri } from "../tri.js";
import type { OperatorRule } from "./rule.js";

/** Base64 text in its canonical spelling, or undefined. Equal results mean equal bytes. */
export function parseBase64(text: string): string | undefined {
  const m = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text);
  const [, body = "", padding = ""] = m ?? [];
  if (m === null || body.length % 4 === 1) return undefined;
  if (padding !== "" && (body.length + padding.length) % 4 !== 0) return undefined;
  return Buffer.from(body, "base64").toString("base64");
}

/** Source: IAM User Guide, "Binary condition operators" (text of 2026): byte by byte with base64 text. */
const BinaryEquals: OperatorRule = {
  name: "BinaryEquals",
  negated: false,
  wildcards: false,
  variables: false,
  compare: (value, operand) => {
    const a = parseBase64(value);
    const b = parseBase64(operand.text);
    return a === undefined || b === undefined ? "wrong-type" : tri(a === b);
  },
};

export const BINARY_OPERATORS: readonly OperatorRule[] = [BinaryEquals];

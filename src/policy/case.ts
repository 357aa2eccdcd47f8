/**
 * Lower case of the letters A to Z alone. AWS compares names without case, but whether it also folds letters such as
 * the Kelvin sign (which JavaScript lower-cases to `k`) is not known: such a name stays unlike every known one.
 */
export function asciiLower(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

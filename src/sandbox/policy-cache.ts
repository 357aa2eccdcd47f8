import type { ParsedPolicy } from "../policy/ast.js";
import { type ParseOptions, parsePolicy } from "../policy/parse.js";

/** Policies repeat across an estate: the same text is parsed once. Holds at most `capacity` texts. */
export class PolicyCache {
  readonly #parsed = new Map<string, ParsedPolicy>();
  readonly #options: ParseOptions;
  readonly #capacity: number;

  constructor(options: ParseOptions, capacity = 4096) {
    this.#options = options;
    this.#capacity = capacity;
  }

  /** The parsed form of a text. */
  parse(text: string): ParsedPolicy {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    if (this.#parsed.size >= this.#capacity) this.#parsed.clear();
    const parsed = parsePolicy(text, this.#options);
    this.#parsed.set(text, parsed);
    return parsed;
  }
}

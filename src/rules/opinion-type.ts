import type { Grant } from "../domain/grant.js";
import type { Exposure } from "../domain/verdict.js";
import type { Policy } from "../policy/ast.js";
import type { KeyDocument } from "../semantics/request.js";
import type { FindingSource } from "./finding.js";
import type { Draft } from "./rule.js";

/** What a finding says, and where in the key's documents. */
export interface PlacedDraft {
  readonly draft: Draft;
  readonly source: FindingSource;
  /** Names the source for the finding's id: see identity.ts. */
  readonly sourceName: string;
}

/** Everything about a key but what needs its ARN: two keys with the same documents and facts share one. */
export interface Opinion {
  readonly exposure: Exposure;
  readonly drafts: readonly PlacedDraft[];
  readonly policy: Policy;
  readonly grants: readonly Grant[];
  /** The key's documents, for questions that no rule asks. */
  readonly document: Omit<KeyDocument, "facts">;
  readonly disagreements: readonly string[];
  /** The documents say the same of every key, and the search was far from its bound: see report/key-template.ts. */
  readonly shareable: boolean;
}

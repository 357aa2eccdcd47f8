import { randomBytes } from "node:crypto";
import type { KeyArn } from "../../domain/ids.js";
import { ServiceError } from "../errors.js";

/** The grant that a token stands for. */
export interface GrantReference {
  readonly key: KeyArn;
  readonly grantId: string;
}

/**
 * The tokens that CreateGrant returned. In the sandbox a grant is in force at once, so a token is never needed; one
 * that does not exist is refused all the same.
 */
export class GrantTokens {
  readonly #tokens = new Map<string, GrantReference>();

  /** Makes a new token for a grant. */
  issue(reference: GrantReference): string {
    const token = randomBytes(48).toString("base64");
    this.#tokens.set(token, reference);
    return token;
  }

  /**
   * The grant of a token.
   * @throws ServiceError InvalidGrantTokenException.
   */
  resolve(token: string): GrantReference {
    const found = this.#tokens.get(token);
    if (found === undefined) throw new ServiceError("InvalidGrantTokenException", "Invalid grant token");
    return found;
  }

  /**
   * Checks the tokens of a request; at most ten.
   * @throws ServiceError InvalidGrantTokenException, ValidationException.
   */
  check(tokens: readonly string[] | undefined): void {
    if (tokens === undefined) return;
    if (tokens.length > 10) {
      throw new ServiceError("ValidationException", "At most 10 grant tokens can be sent");
    }
    for (const token of tokens) this.resolve(token);
  }
}

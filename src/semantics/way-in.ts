import type { KeyFacts } from "../domain/key.js";
import type { Says } from "./identity.js";
import type { Way } from "./principal-match.js";
import type { Caller } from "./request.js";
import { all, any, doubtful, YES, type Tri } from "./tri.js";

/** What the documents on the caller's side say. */
export interface CallerSide {
  readonly identity: Says;
  readonly boundary: Says;
  readonly session: Says;
}

/** What a caller needs beside an Allow of the key policy, and whether it has it. */
export interface WayIn {
  readonly open: Tri;
  /** Plain words. */
  readonly why: string;
}

/**
 * What an Allow of the key policy is worth to a caller, by how it names the caller.
 * Source: IAM User Guide, "Policy evaluation logic", "Identity-based policies and resource-based policies" (same
 * account: user, role, session, federated user; text of 2026); KMS Developer Guide, "Default key policy" (the
 * account principal only enables IAM policies) and "Allowing users in other accounts to use a KMS key" (both
 * sides; texts of 2023).
 */
export function wayIn(way: Way, caller: Caller, facts: KeyFacts, side: CallerSide): WayIn {
  if (caller.kind === "service") return { open: YES, why: "a service principal needs nothing else" };
  const chain = all([side.identity.allows, side.boundary.allows, side.session.allows]);
  const limits = all([side.boundary.allows, side.session.allows]);
  if (caller.kind === "root") return rootUser(caller.account === facts.account, side);
  if (caller.account !== facts.account) {
    return {
      open: chain,
      why: "a caller of another account also needs its own account's policies to allow it",
    };
  }
  switch (way) {
    case "account":
      return {
        open: chain,
        why: "the account principal only delegates: the caller's IAM policies must allow it too",
      };
    case "role":
    case "user-of-session":
      return { open: limits, why: "no IAM policy is needed, but a boundary or session policy must allow it" };
    case "user":
    case "session":
    case "federated-user":
    case "everyone":
    case "service":
      return { open: YES, why: "the key policy allows it directly; no IAM policy is needed" };
  }
}

/**
 * The root user of the key's account needs no IAM policy; the root user of another account has all rights there, but
 * that this replaces the identity policy is not documented.
 */
function rootUser(own: boolean, side: CallerSide): WayIn {
  if (own) return { open: YES, why: "the root user of the key's account needs no IAM policy" };
  return {
    open: any([side.identity.allows, doubtful("foreign-root-user")]),
    why: "what the root user of another account needs on its own side is not documented",
  };
}

import type { IamPrincipal } from "../domain/iam.js";
import { baseName, parsePrincipal } from "../semantics/arn.js";
import type { Caller, KeyDocument } from "../semantics/request.js";

/** The caller that a principal is. `session`: undefined where whoever assumes the role may choose the name. */
export function callerOf(principal: IamPrincipal, session?: string): Caller {
  const { account, partition, name, uniqueId } = principal;
  const id = uniqueId === undefined ? {} : { uniqueId };
  if (principal.kind === "user") return { kind: "user", account, partition, name, ...id };
  const called = session === undefined ? ({ session: "session", sessionChosen: true } as const) : { session };
  return { kind: "session", account, partition, role: name, ...called, ...id };
}

/** The caller with the session of this name. */
export function withSession(caller: Caller, session: string): Caller {
  if (caller.kind !== "session") return caller;
  const { kind, account, partition, role, uniqueId } = caller;
  const id = uniqueId === undefined ? {} : { uniqueId };
  return { kind, account, partition, role, session, ...id };
}

/** Sessions of the caller's role that the key policy or a grant names. */
export function sessionNames(caller: Caller, document: KeyDocument): readonly string[] {
  if (caller.kind !== "session") return [];
  const role = baseName(caller.role);
  const entries = [
    ...document.policy.statements.flatMap((s) => (s.principal.kind === "missing" ? [] : s.principal.entries)),
    ...document.grants.flatMap((g) => parsePrincipal(g.GranteePrincipal ?? "") ?? []),
  ];
  const names = entries.flatMap((e) =>
    e.kind === "session" && e.account === caller.account && e.role === role ? [e.session] : [],
  );
  return [...new Set(names)];
}

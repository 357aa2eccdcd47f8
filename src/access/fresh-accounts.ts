import type { AccountChoice, CallerClass, OrganizationChoice } from "./callers.js";
import type { Solution } from "./finish.js";
import type { Shape } from "./shape.js";
import { viewText } from "./views.js";

/** The account of a class that may be any of those that nobody knows. */
export function freshChoice(cls: CallerClass): Extract<AccountChoice, { kind: "fresh" }> | undefined {
  const choice = cls.kind === "service" ? cls.source.account : cls.account;
  return choice.kind === "fresh" ? choice : undefined;
}

/** The class without one more account. */
export function excluding(cls: CallerClass, id: string): CallerClass {
  const choice = freshChoice(cls);
  if (choice === undefined) return cls;
  const account: AccountChoice = { kind: "fresh", not: [...choice.not, id] };
  return cls.kind === "service" ? { ...cls, source: { ...cls.source, account } } : { ...cls, account };
}

/** The class narrowed to one account. */
export function only(
  cls: CallerClass,
  id: string,
  organizations: readonly OrganizationChoice[],
): CallerClass {
  const account: AccountChoice = { kind: "literal", id };
  if (cls.kind === "ordinary") return { ...cls, who: { kind: "account", id }, account, organizations };
  const source = { kind: "account", id } as const;
  return {
    ...cls,
    who: { ...cls.who, source },
    source: { kind: "account", account, organizations },
  };
}

/** The caller's account, or that of a service's source. */
export function accountOf(shape: Shape, solution: Solution): string | undefined {
  if (shape.kind !== "service") {
    const caller = shape.caller(solution.values);
    return caller.kind === "service" ? undefined : caller.account;
  }
  const source = shape.standing.find(([name]) => name === "aws:SourceAccount");
  return source === undefined ? undefined : viewText(source[1], solution.values);
}

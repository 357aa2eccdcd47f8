import type { PrincipalElement, PrincipalEntry } from "../policy/ast.js";
import type { CallerClass, NamedPrincipal, OrdinaryClass, ServiceClass } from "./callers.js";
import type { Shape } from "./shape.js";
import { anyOf, type Truth } from "./truth.js";

/** Whether an Allow for a principal element can cover callers of a class at all: a quick "no" before the search. */
export function namesOf(element: PrincipalElement): (cls: CallerClass) => boolean {
  if (element.kind === "missing") return () => false;
  const { entries } = element;
  const open = entries.some((e) => e.kind === "everyone" || (e.kind === "refused" && e.reach !== "nobody"));
  if (element.kind === "not-principal" || open) return () => true;
  const services = new Set<string>();
  const accounts = new Set<string>();
  const principals = new Map<string, NamedPrincipal[]>();
  for (const e of entries) {
    if (e.kind === "service") services.add(e.name.toLowerCase());
    else if (e.kind === "account") accounts.add(e.account);
    else if ("account" in e) {
      const list = principals.get(e.account);
      if (list === undefined) principals.set(e.account, [e]);
      else list.push(e);
    }
  }
  return (cls) => {
    if (cls.kind === "service") return services.has(cls.name);
    if (cls.account.kind !== "literal") return false;
    if (accounts.has(cls.account.id)) return true;
    // Which kind of principal calls is open: ask for the one that every kind of entry can name.
    const there = cls.principal === undefined ? undefined : principals.get(cls.account.id);
    return (
      there?.some((e) => namesPrincipal(e, cls, "federated-user", { withPath: false, maker: ANY_USER })) ===
      true
    );
  };
}

export function principalTruth(
  element: PrincipalElement,
  effect: "Allow" | "Deny",
  names: (e: PrincipalEntry, effect: "Allow" | "Deny") => Truth,
  cls: OrdinaryClass | undefined,
  kind: Shape["kind"],
): Truth {
  switch (element.kind) {
    case "missing":
      return "no";
    case "principal":
      return anyOf(element.entries.map((e) => names(e, effect)));
    case "not-principal": {
      // Whoever is in this list is left out, whatever the effect: it is read as a Deny reads its list.
      const entry = (e: PrincipalEntry): Truth => names(e, "Deny");
      if (effect === "Deny") return notPrincipalDeny(element.entries, entry, cls, kind);
      // Whether an account in the list spares its principals is one more thing that is not documented.
      const listed = anyOf(element.entries.filter((e) => e.kind !== "account").map(entry));
      return listed === "yes" ? "no" : { doubtful: "not-principal-allow" };
    }
  }
}

/** What a caller consists of; to be spared for sure, it must be listed with all of it. */
const CHAINS: Readonly<Record<Shape["kind"], readonly PrincipalEntry["kind"][]>> = {
  root: ["account"],
  user: ["account", "user"],
  session: ["account", "role", "session"],
  "federated-user": ["account", "user", "federated-user"],
  service: ["service"],
};

/**
 * NotPrincipal with Deny. Nobody of the caller's chain (account, role or user, session) is listed: denied. All are:
 * spared. Some are: AWS does not document it. Source: IAM User Guide, "NotPrincipal".
 */
function notPrincipalDeny(
  entries: readonly PrincipalEntry[],
  entry: (e: PrincipalEntry) => Truth,
  cls: OrdinaryClass | undefined,
  kind: Shape["kind"],
): Truth {
  if (entries.length === 0) return { doubtful: "not-understood" };
  if (entries.some((e) => e.kind === "everyone")) return "no";
  const listed = (what: PrincipalEntry["kind"]): Truth =>
    anyOf(entries.filter((e) => e.kind === what || e.kind === "refused").map(entry));
  const chain = cls === undefined ? [listed("service")] : CHAINS[kind].map(listed);
  if (chain.every((t) => t === "yes")) return "no";
  if (chain.every((t) => t === "no")) return "yes";
  return { doubtful: "not-principal-deny-account" };
}

/** Whether one entry names callers of a class. Names are settled by the class, so this is never open. */
export function ordinaryEntry(
  e: PrincipalEntry,
  cls: OrdinaryClass,
  kind: Shape["kind"],
  effect: "Allow" | "Deny",
  behind: Behind,
): Truth {
  switch (e.kind) {
    case "everyone":
      return "yes";
    case "service":
      return "no";
    case "unique-id":
      // AWS shows an id in place of a principal that was deleted: an Allow names nobody any more.
      return effect === "Deny" && cls.uniqueId === e.id ? "yes" : "no";
    case "refused":
      return e.reach === "nobody" ? "no" : { doubtful: "refused-principal" };
    case "account":
      return cls.account.kind === "literal" && cls.account.id === e.account ? "yes" : "no";
    case "user":
    case "role":
    case "session":
    case "federated-user":
      return namesPrincipal(e, cls, kind, behind) ? "yes" : "no";
  }
}

/** What is chosen of the role or user behind a session. */
export interface Behind {
  /** The role has a path that no document names. */
  readonly withPath: boolean;
  /** The user who made a federated session by another name; undefined: one that no document names. */
  readonly maker: string | undefined;
}

/** No name: whoever made the session. */
const ANY_USER = "*";

function namesPrincipal(
  e: Extract<PrincipalEntry, { kind: "user" | "role" | "session" | "federated-user" }>,
  cls: OrdinaryClass,
  kind: Shape["kind"],
  { withPath, maker }: Behind,
): boolean {
  const p = cls.principal;
  if (p === undefined || p.account !== e.account) return false;
  switch (e.kind) {
    case "user":
      // A user covers the sessions that it makes with GetFederationToken.
      if (p.kind === "federated-user") return maker === e.name || maker === ANY_USER;
      return p.kind === "user" && p.name === e.name;
    case "federated-user":
      return kind === "federated-user" && p.kind === "federated-user" && p.name === e.name;
    case "role":
      return (
        (p.kind === "role" && p.name === e.name) || (p.kind === "session" && !withPath && p.role === e.name)
      );
    case "session":
      return p.kind === "session" && (p.role.split("/").at(-1) ?? "") === e.role && p.session === e.session;
  }
}

export function serviceEntry(e: PrincipalEntry, cls: ServiceClass, effect: "Allow" | "Deny"): Truth {
  switch (e.kind) {
    case "everyone":
      return effect === "Deny" ? "yes" : { doubtful: "everyone-includes-services" };
    case "service":
      if (e.name === cls.name) return "yes";
      return e.name.toLowerCase() === cls.name ? { doubtful: "service-name-case" } : "no";
    case "account":
    case "user":
    case "role":
    case "session":
    case "federated-user":
    case "unique-id":
      return "no";
    case "refused":
      return e.reach === "nobody" ? "no" : { doubtful: "refused-principal" };
  }
}

import type { PrincipalElement, PrincipalEntry } from "../policy/ast.js";
import { baseName } from "./arn.js";
import type { AccessRequest, Caller } from "./request.js";
import { any, atMostDoubtful, doubtful, NO, tri, YES, type Tri } from "./tri.js";

/**
 * How a principal of a policy names a caller; it decides what else the caller needs (see way-in.ts).
 * `user-of-session`: the user who made a federated session.
 */
export type Way =
  | "everyone"
  | "account"
  | "user"
  | "user-of-session"
  | "role"
  | "session"
  | "federated-user"
  | "service";

/** One way in which a statement names the caller. */
export interface Named {
  readonly way: Way;
  readonly matches: Tri;
}

type Effect = "Allow" | "Deny";

/**
 * The ways in which a statement's `Principal` or `NotPrincipal` names the caller. Empty: it does not.
 * KMS refuses a key policy statement without either.
 */
export function waysNamed(
  element: PrincipalElement,
  effect: Effect,
  request: AccessRequest,
): readonly Named[] {
  switch (element.kind) {
    case "missing":
      return [{ way: "everyone", matches: doubtful("refused-principal") }];
    case "principal":
      return element.entries
        .map((entry) => entryNames(entry, effect, request.caller))
        .filter((named) => named.matches.value !== "no");
    case "not-principal": {
      const matches =
        effect === "Deny"
          ? notPrincipalDenies(element.entries, request)
          : notPrincipalAllows(element.entries, request);
      return matches.value === "no" ? [] : [{ way: "everyone", matches }];
    }
  }
}

/**
 * Whether one entry names the caller, and how.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal" (text of 2026).
 */
export function entryNames(entry: PrincipalEntry, effect: Effect, caller: Caller): Named {
  switch (entry.kind) {
    case "everyone":
      return { way: "everyone", matches: everyoneNames(effect, caller) };
    case "account":
      return { way: "account", matches: tri(caller.kind !== "service" && sameAccount(entry, caller)) };
    case "user":
      return caller.kind === "federated-user"
        ? { way: "user-of-session", matches: userOfSession(entry, caller) }
        : {
            way: "user",
            matches: tri(caller.kind === "user" && sameAccount(entry, caller) && caller.name === entry.name),
          };
    case "role":
      return {
        way: "role",
        matches: tri(caller.kind === "session" && sameAccount(entry, caller) && sameRole(entry, caller)),
      };
    case "session":
      return {
        way: "session",
        matches: tri(
          caller.kind === "session" &&
            sameAccount(entry, caller) &&
            baseName(caller.role) === entry.role &&
            caller.session === entry.session,
        ),
      };
    case "federated-user":
      return {
        way: "federated-user",
        matches: tri(
          caller.kind === "federated-user" && sameAccount(entry, caller) && caller.name === entry.name,
        ),
      };
    case "unique-id":
      return uniqueIdNames(entry.id, caller);
    case "service":
      return { way: "service", matches: serviceNames(entry.name, caller) };
    case "refused":
      return { way: "everyone", matches: entry.reach === "nobody" ? NO : doubtful("refused-principal") };
  }
}

/**
 * Names of services are "unique and case-sensitive" (IAM API reference, CreateServiceLinkedRole, text of 2026). All that
 * AWS documents are in lower case: whether one with capitals is refused or taken for that is not documented.
 */
function serviceNames(name: string, caller: Caller): Tri {
  if (caller.kind !== "service") return NO;
  if (caller.name === name) return YES;
  return caller.name === name.toLowerCase() ? doubtful("service-name-case") : NO;
}

/** `*` covers service principals in a Deny; for an Allow that is assumed, not documented. */
function everyoneNames(effect: Effect, caller: Caller): Tri {
  return effect === "Allow" && caller.kind === "service" ? doubtful("everyone-includes-services") : YES;
}

type Person = Exclude<Caller, { readonly kind: "service" }>;

/** Accounts do not span partitions; twelve bare digits leave the partition open. */
function sameAccount(entry: { account: string; partition: string | undefined }, caller: Person): boolean {
  return (
    entry.account === caller.account &&
    (entry.partition === undefined || entry.partition === caller.partition)
  );
}

/** A role covers all its sessions. Role names are unique in an account, so a bare name identifies the role. */
function sameRole(
  entry: { readonly name: string },
  caller: Extract<Caller, { readonly kind: "session" }>,
): boolean {
  return caller.rolePathUnknown === true
    ? baseName(entry.name) === baseName(caller.role)
    : entry.name === caller.role;
}

/** A user covers the sessions that it makes with GetFederationToken; who made this one may not be known. */
function userOfSession(
  entry: Extract<PrincipalEntry, { readonly kind: "user" | "role" }>,
  caller: Extract<Caller, { readonly kind: "federated-user" }>,
): Tri {
  if (!sameAccount(entry, caller)) return NO;
  return caller.user === undefined ? doubtful("caller-fact-unknown") : tri(caller.user === entry.name);
}

/**
 * A unique id names the one user or role that has it, never a later one of the same name.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal", deleted users and roles (text of 2026).
 */
function uniqueIdNames(id: string, caller: Caller): Named {
  const way = id.startsWith("AROA") ? "role" : "user";
  const fits = way === "role" ? caller.kind === "session" : caller.kind === "user";
  if (!fits || (caller.kind !== "session" && caller.kind !== "user")) return { way, matches: NO };
  return {
    way,
    matches: caller.uniqueId === undefined ? doubtful("unique-id-account") : tri(caller.uniqueId === id),
  };
}

/**
 * NotPrincipal with Allow: everybody who is not listed, if AWS honours it at all.
 * Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal": not supported (text of 2026).
 */
function notPrincipalAllows(entries: readonly PrincipalEntry[], request: AccessRequest): Tri {
  const byName = entries.filter((entry) => entry.kind !== "account");
  const listed = any(byName.map((entry) => entryNames(entry, "Deny", request.caller).matches));
  return listed.value === "yes" ? NO : doubtful("not-principal-allow");
}

/**
 * NotPrincipal with Deny: denies who is not listed, and always who has a permissions boundary. To be spared for sure,
 * a principal must be listed with all that it belongs to: account, role and session. In between, AWS says only that it
 * "might" be denied.
 * Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal" (text of 2026).
 */
function notPrincipalDenies(entries: readonly PrincipalEntry[], request: AccessRequest): Tri {
  const { caller } = request;
  if (entries.length === 0) return doubtful("not-understood");
  if (entries.some((entry) => entry.kind === "everyone")) return NO;
  if (hasBoundary(request)) return YES;
  const listed = chain(caller).map((ways) =>
    any(entries.map((entry) => namedBy(entryNames(entry, "Deny", caller), ways))),
  );
  if (listed.every((t) => t.value === "yes")) return NO;
  if (listed.every((t) => t.value === "no")) return YES;
  return atMostDoubtful(any(listed), "not-principal-deny-account");
}

function namedBy(named: Named, ways: readonly Way[]): Tri {
  return ways.includes(named.way) ? named.matches : NO;
}

/** What a caller consists of, each to be listed for itself. A refused entry (way `everyone`) could be any of it. */
function chain(caller: Caller): readonly (readonly Way[])[] {
  switch (caller.kind) {
    case "root":
      return [["account", "everyone"]];
    case "user":
      return [
        ["account", "everyone"],
        ["user", "everyone"],
      ];
    case "session":
      return [
        ["account", "everyone"],
        ["role", "everyone"],
        ["session", "everyone"],
      ];
    case "federated-user":
      return [
        ["account", "everyone"],
        ["user-of-session", "everyone"],
        ["federated-user", "everyone"],
      ];
    case "service":
      return [["service", "everyone"]];
  }
}

/** Only users and roles can have a permissions boundary. */
function hasBoundary(request: AccessRequest): boolean {
  const { caller, boundary } = request;
  return caller.kind !== "service" && caller.kind !== "root" && boundary.kind !== "absent";
}

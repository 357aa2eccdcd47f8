import type { ServiceSource, Who } from "../../src/access/matrix.js";
import type { PrincipalEntry } from "../../src/policy/ast.js";
import { baseName, parsePrincipal } from "../../src/semantics/arn.js";
import { globMatches, parseGlob } from "../../src/semantics/glob.js";
import type { AccessRequest, Caller } from "../../src/semantics/request.js";
import type { World } from "../generators/worlds.js";

type Person = Exclude<Caller, { readonly kind: "service" }>;

/** The only value of a key in a request's explicit context; undefined where it is absent or has several. */
export function stated(request: AccessRequest, name: string): string | undefined {
  const value = request.context[name];
  return typeof value === "string" ? value : value?.length === 1 ? value[0] : undefined;
}

/**
 * Whether somebody outside the zone of trust makes (or, for a service, is behind) the request. `rolesByName`: a role of
 * the name of a trusted one, under another path, is that role.
 */
export function isOutside(request: AccessRequest, world: World, rolesByName = true): boolean {
  const { caller } = request;
  if (caller.kind === "service") {
    if (world.zone.services.includes(caller.name)) return false;
    const account = sourceAccount(request);
    return account === undefined || outsideAccount(account, stated(request, "aws:SourceOrgID"), world);
  }
  if (!outsideAccount(caller.account, stated(request, "aws:PrincipalOrgID"), world)) return false;
  return !world.zone.principals.some((text) => {
    const entry = parsePrincipal(text);
    return entry !== undefined && (includes(entry, caller) || (rolesByName && sameRole(entry, caller)));
  });
}

function outsideAccount(account: string, organization: string | undefined, world: World): boolean {
  const { zone, facts } = world;
  const trusted = (id: string | undefined): boolean => zone.organizations.some((o) => o === id);
  if (account === facts.account || zone.accounts.some((a) => a === account)) return false;
  const known = world.organizationOf.find(([id]) => id === account)?.[1];
  return !trusted(organization) && !trusted(known?.id);
}

/** On whose behalf a service calls: as the source keys say, or the encryption context that the service fills. */
export function sourceAccount(request: AccessRequest): string | undefined {
  const account = stated(request, "aws:SourceAccount");
  if (account !== undefined) return account;
  const inArn = /^arn:[^:]*:[^:]*:[^:]*:([0-9]{12}):/.exec(stated(request, "aws:SourceArn") ?? "")?.[1];
  if (inArn !== undefined) return inArn;
  for (const [name, value] of Object.entries(request.encryptionContext ?? {})) {
    const found = /^aws:/i.test(name) ? /(?<![0-9])[0-9]{12}(?![0-9])/.exec(value)?.[0] : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a service would call for several accounts at once (it fills the encryption context for one resource), or for a resource in no Region. */
export function strangeSource(request: AccessRequest): boolean {
  if (request.caller.kind !== "service") return false;
  const region = stated(request, "aws:SourceArn")?.split(":")[3] ?? "";
  if (region.endsWith("-")) return true;
  // Whether a resource can have such a name depends on the service: the symbolic engine calls it possible alone.
  if (/^arn:([^:]*:){4}([^:]*:)*[0-9]{12}:/.test(stated(request, "aws:SourceArn") ?? "")) return true;
  const accounts = Object.entries(request.encryptionContext ?? {}).flatMap(([name, value]) =>
    /^aws:/i.test(name) ? (/(?<![0-9])[0-9]{12}(?![0-9])/.exec(value) ?? []) : [],
  );
  return new Set(accounts).size > 1;
}

/**
 * Whether a service has a name of another form than all that AWS documents (IAM User Guide, "AWS service principals"), which
 * no document gives or matches with a pattern: the symbolic engine makes up none of these.
 */
export function strangeService({ caller }: AccessRequest, world: World): boolean {
  if (caller.kind !== "service" || /\.amazonaws\.com(\.cn)?$/.test(caller.name)) return false;
  const texts = [world.policy, ...world.resourceControlPolicies];
  if ([...texts, JSON.stringify(world.grants)].some((text) => text.includes(`"${caller.name}"`)))
    return false;
  return !texts.some((text) =>
    [...text.matchAll(/"((?:[^"\\]|\\.)*[*?](?:[^"\\]|\\.)*)"/g)].some(
      ([, pattern = ""]) => pattern !== "*" && globMatches(parseGlob(pattern.toLowerCase()), caller.name),
    ),
  );
}

/** Whether what is said about a class of callers is said about this request, too. */
export function covers(who: Who, request: AccessRequest): boolean {
  const { caller } = request;
  switch (who.kind) {
    case "anyone":
      return true;
    case "pattern":
      return caller.kind !== "service";
    case "organization":
      return caller.kind !== "service" && stated(request, "aws:PrincipalOrgID") === who.id;
    case "account":
      return caller.kind !== "service" && caller.account === who.id;
    case "principal": {
      const entry = parsePrincipal(who.arn);
      return caller.kind !== "service" && entry !== undefined && includes(entry, caller);
    }
    case "unresolved":
      return (caller.kind === "user" || caller.kind === "session") && caller.uniqueId === who.id;
    case "service":
      return (
        caller.kind === "service" &&
        (who.name === undefined || globMatches(parseGlob(who.name), caller.name)) &&
        coversSource(who.source, request)
      );
  }
}

function coversSource(source: ServiceSource, request: AccessRequest): boolean {
  switch (source.kind) {
    case "any":
    case "pattern":
      return true;
    case "none":
      return request.context["aws:SourceAccount"] === undefined;
    case "account":
      return sourceAccount(request) === source.id;
    case "organization":
      return stated(request, "aws:SourceOrgID") === source.id;
  }
}

/** Names of roles are unique in an account, whatever their path: a session shows the name alone. */
function sameRole(entry: PrincipalEntry, c: Person): boolean {
  return (
    entry.kind === "role" &&
    c.kind === "session" &&
    entry.account === c.account &&
    baseName(entry.name) === baseName(c.role)
  );
}

/** Whether a principal is the caller, or the user or role behind it. */
function includes(entry: PrincipalEntry, c: Person): boolean {
  if (!("account" in entry) || entry.account !== c.account) return false;
  switch (entry.kind) {
    case "account":
      return c.kind === "root";
    case "user":
      return (
        (c.kind === "user" && c.name === entry.name) || (c.kind === "federated-user" && c.user === entry.name)
      );
    case "role":
      return c.kind === "session" && c.role === entry.name;
    case "session":
      return c.kind === "session" && baseName(c.role) === entry.role && c.session === entry.session;
    case "federated-user":
      return c.kind === "federated-user" && c.name === entry.name;
  }
}

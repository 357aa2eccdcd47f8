import type { AccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { PrincipalElement, PrincipalEntry } from "../policy/ast.js";
import type { ActionFacts } from "../semantics/actions.js";
import { type ConditionKeyFacts, conditionKeyFacts } from "../semantics/condition-keys.js";
import type { Caller } from "../semantics/request.js";
import {
  accountSegment,
  FEDERATED_SEGMENT,
  NAME_SEGMENT,
  ORG_PATH_SEGMENT,
  ORGANIZATION_SEGMENT,
  PATH_SEGMENT,
  REGION_SEGMENT,
  SERVICE_SEGMENT,
  SESSION_SEGMENT,
  sourceRest,
  UNIQUE_ID_SEGMENT,
} from "./alphabets.js";
import type {
  AccountChoice,
  CallerClass,
  NamedPrincipal,
  OrdinaryClass,
  OrganizationChoice,
  ServiceClass,
} from "./callers.js";
import { type Glob, literalGlob, plainGlob } from "./glob.js";
import { constantModel, type Environment, type KeyModel, scalarModel, timeModel } from "./key-models.js";
import { RESOURCE_KEY } from "./statements.js";
import { anyOf, type Mode, type Truth } from "./truth.js";
import { type Segment, type View, viewText, type WordConstraint } from "./words.js";

/**
 * One way in which a caller of a class can make a request: what kind of principal, by which route. A shape says of
 * every condition key what it can hold.
 */
export interface Shape {
  readonly kind: "root" | "user" | "session" | "federated-user" | "service";
  readonly route: Route;
  readonly segments: readonly Segment[];
  /** Always to be met: what makes the class what it is. */
  readonly base: readonly WordConstraint[];
  readonly model: (keyLower: string) => KeyModel;
  /** Whether a principal element covers this caller. */
  readonly principal: (element: PrincipalElement, effect: "Allow" | "Deny") => Truth;
  /** The caller under an assignment of the segments. */
  readonly caller: (values: readonly string[]) => Caller;
  /** The keys that a request of this shape carries beside those that a policy asks about. */
  readonly standing: readonly (readonly [string, View, boolean])[];
}

/** `internet`: through a public endpoint. `vpc-endpoint`. `via-service`: a service calls with the caller's rights. */
export type Route =
  | "internet"
  | "vpc-endpoint"
  | "vpc-endpoint-without-organization"
  | "via-service"
  | "service";

/** What the shapes of a class depend on. */
export interface ShapeContext {
  readonly facts: KeyFacts;
  readonly action: ActionFacts;
  readonly environment: Environment;
  readonly mode: Mode;
  /** Keys that occur in the documents, in lower case: kinds and routes that no key can tell apart are one. */
  readonly keys: ReadonlySet<string>;
  /** A statement with NotPrincipal tells the kinds of principals apart, too. */
  readonly notPrincipal: boolean;
  /** Beginnings of resources of source ARNs that documents name, up to a colon. */
  readonly sourcePrefixes: ReadonlySet<string>;
  /** Principals that are named; a caller that is not one of them must not bear their name. */
  readonly named: readonly PrincipalEntry[];
}

const KIND_KEYS = ["aws:principalarn", "aws:userid", "aws:username", "aws:principaltype"];
const NETWORK_KEYS = [
  "aws:sourceip",
  "aws:vpcsourceip",
  "aws:sourcevpc",
  "aws:sourcevpcarn",
  "aws:sourcevpce",
  "aws:vpceaccount",
  "aws:vpceorgid",
  "aws:vpceorgpaths",
];
const VIA_KEYS = [
  "kms:viaservice",
  "aws:viaawsservice",
  "aws:calledvia",
  "aws:calledviafirst",
  "aws:calledvialast",
  "kms:grantisforawsresource",
];

/** All shapes that requests of a class can have, as far as the documents can tell them apart. */
export function* shapes(cls: CallerClass, x: ShapeContext): Generator<Shape> {
  if (cls.kind === "service") {
    yield* serviceShapes(cls, x);
    return;
  }
  const any = (names: readonly string[]): boolean => names.some((k) => x.keys.has(k));
  const kinds: Shape["kind"][] = [];
  if (cls.principal !== undefined) {
    kinds.push(cls.principal.kind === "role" ? "session" : cls.principal.kind);
    if (cls.principal.kind === "user" && (x.notPrincipal || any(KIND_KEYS))) kinds.push("federated-user");
  } else if (x.notPrincipal || any(KIND_KEYS)) kinds.push("session", "user", "root", "federated-user");
  else kinds.push("session");
  const routes: Route[] = ["internet"];
  if (any(NETWORK_KEYS)) routes.push("vpc-endpoint");
  if (any(["aws:vpceorgid", "aws:vpceorgpaths"])) routes.push("vpc-endpoint-without-organization");
  if (any(VIA_KEYS)) routes.push("via-service");
  const paths = x.keys.has("aws:principalarn") && cls.principal === undefined ? [false, true] : [false];
  for (const org of asked(cls.organizations, CALLER_ORG_KEYS, x)) {
    for (const route of routes) {
      for (const withPath of paths) {
        for (const kind of kinds) {
          if (withPath && kind !== "session" && kind !== "user") continue;
          for (const from of kind === "session" ? [undefined, ...askedInstances(x)] : [undefined]) {
            const s = ordinaryShape(cls, kind, route, org, withPath, from, x);
            if (s !== undefined) yield s;
          }
        }
      }
    }
  }
}

class Segments {
  readonly list: Segment[] = [];
  readonly base: WordConstraint[] = [];

  add(s: Segment): number {
    this.list.push(s);
    return this.list.length - 1;
  }

  not(view: View, globs: readonly Glob[]): void {
    if (globs.length > 0) this.base.push({ view, mode: "noneOf", globs });
  }
}

const FRESH_ACCOUNTS = ["999988887777", "987654321098", "555566667777", "314159265358", "600000000006"];

/** An account id that is not in the list, to start the search with. */
export function freshAccount(not: readonly string[]): string {
  return FRESH_ACCOUNTS.find((a) => !not.includes(a)) ?? "808080808080";
}

function accountPart(choice: AccountChoice, s: Segments): string | number {
  if (choice.kind === "literal") return choice.id;
  const i = s.add(accountSegment(freshAccount(choice.not)));
  s.not(
    [i],
    choice.not.map((a) => literalGlob(a)),
  );
  return i;
}

interface OrganizationViews {
  readonly id: View;
  readonly path: View;
}

function organizationPart(choice: OrganizationChoice, s: Segments): OrganizationViews | undefined {
  if (choice.kind === "none") return undefined;
  let id: View;
  if (choice.kind === "literal") id = [choice.id];
  else {
    const i = s.add(ORGANIZATION_SEGMENT);
    id = ["o-", i];
    s.not(
      id,
      choice.not.map((o) => literalGlob(o)),
    );
  }
  if (choice.kind === "literal" && choice.path !== undefined) return { id, path: [choice.path] };
  const rest = s.add(ORG_PATH_SEGMENT);
  return { id, path: [...id, "/r-", rest, "/"] };
}

function ordinaryShape(
  cls: OrdinaryClass,
  kind: Shape["kind"],
  route: Route,
  org: OrganizationChoice,
  withPath: boolean,
  from: InstanceKey | undefined,
  x: ShapeContext,
): Shape | undefined {
  if (kind === "root" && cls.uniqueId !== undefined) return undefined;
  if (kind === "federated-user" && cls.uniqueId !== undefined) return undefined;
  const { partition } = x.facts;
  const s = new Segments();
  // Segments stand in the order of the views that show them: the Region of an instance before the account.
  const instanceRegion = from === undefined ? undefined : s.add({ ...REGION_SEGMENT, guess: x.facts.region });
  const account = accountPart(cls.account, s);
  const fixed = cls.principal;
  let name: View = [];
  let session: View = [];
  let uniqueId: View = [];
  if (kind === "user" || kind === "session") {
    if (fixed?.kind === "user" || fixed?.kind === "role") name = [fixed.name];
    else if (fixed?.kind === "session") name = [fixed.role];
    else name = withPath ? [s.add(PATH_SEGMENT), "/", s.add(NAME_SEGMENT)] : [s.add(NAME_SEGMENT)];
    const prefix = kind === "user" ? "AIDA" : "AROA";
    const known = cls.uniqueId;
    if (known !== undefined && !known.startsWith(prefix)) return undefined;
    uniqueId = known !== undefined ? [known] : [prefix, s.add(UNIQUE_ID_SEGMENT)];
    // Whose ids they are cannot be seen: they may be of this class, unless it is about nobody in particular.
    if (known === undefined && (x.mode === "certain" || !mayBear(cls))) {
      s.not(
        uniqueId,
        cls.otherIds.map((i) => literalGlob(i)),
      );
    }
    if (kind === "session") {
      session = fixed?.kind === "session" ? [fixed.session] : [s.add(SESSION_SEGMENT)];
    }
  } else if (kind === "federated-user") {
    name = fixed?.kind === "federated-user" ? [fixed.name] : [s.add(FEDERATED_SEGMENT)];
  }
  const arn: View =
    kind === "root"
      ? [`arn:${partition}:iam::`, account, ":root"]
      : kind === "user"
        ? [`arn:${partition}:iam::`, account, ":user/", ...name]
        : kind === "session"
          ? [`arn:${partition}:iam::`, account, ":role/", ...name]
          : [`arn:${partition}:sts::`, account, ":federated-user/", ...name];
  const userid: View =
    kind === "root"
      ? [account]
      : kind === "user"
        ? uniqueId
        : kind === "session"
          ? [...uniqueId, ":", ...session]
          : [account, ":", ...name];
  const organization = organizationPart(org, s);
  excludeNamed(cls, kind, name, session, x, s);
  const endpoint = endpointKeys(route, x, s);
  const instance = instanceView(from, instanceRegion, account, partition, s);

  const callerKey = (key: string): KeyModel | undefined => {
    switch (key) {
      case "kms:calleraccount":
      case "aws:principalaccount":
        return word([account]);
      case "aws:principalarn":
        return word(arn);
      case "aws:userid":
        return word(userid);
      case "aws:username":
        if (kind !== "user") return NONE;
        return fixed?.kind === "user"
          ? { kind: "const", value: fixed.name.slice(fixed.name.lastIndexOf("/") + 1) }
          : word(name.slice(-1));
      case "aws:principaltype":
        return { kind: "const", value: PRINCIPAL_TYPES[kind] };
      case "aws:principalorgid":
        return organization === undefined ? NONE : word(organization.id);
      case "aws:principalorgpaths":
        return organization === undefined ? NONE : word(organization.path, true);
      case "aws:principalisawsservice":
        return { kind: "const", value: "false" };
      case "aws:principalservicename":
      case "aws:principalservicenameslist":
        return NONE;
      default:
        return undefined;
    }
  };
  const standing: [string, View, boolean][] = [];
  if (organization !== undefined) {
    standing.push(["aws:PrincipalOrgID", organization.id, false]);
    standing.push(["aws:PrincipalOrgPaths", organization.path, true]);
  }
  for (const name of ENDPOINT_OWNER_NAMES) {
    const m = endpoint.get(name.toLowerCase());
    if (m?.kind === "word") standing.push([name, m.view, m.list]);
  }
  if (instance !== undefined && from !== undefined) standing.push([from, instance, false]);
  return {
    kind,
    route,
    segments: s.list,
    base: s.base,
    standing,
    model: remembered((key) => {
      const known = callerKey(key) ?? endpoint.get(key);
      if (known !== undefined) return known;
      return modelOf(key, x, route, (f) => {
        if (f.origin === "service-source") return NONE;
        if (!INSTANCE_KEYS.some((k) => k === key)) return undefined;
        return key === from && instance !== undefined ? word(instance) : NONE;
      });
    }),
    principal: (element, effect) =>
      principalTruth(element, effect, (e, as) => ordinaryEntry(e, cls, kind, as), cls, kind),
    caller: (values) =>
      makeCaller(kind, partition, viewText([account], values), viewText(name, values), {
        session: viewText(session, values),
        uniqueId: viewText(uniqueId, values),
        user: fixed?.kind === "user" ? fixed.name : "outsider",
      }),
  };
}

/** A key that requests of the shape do not carry. */
const NONE: KeyModel = { kind: "const", value: undefined };

/** A view as a model: a constant where no segment is left to choose. */
function word(view: View, list = false): KeyModel {
  if (view.some((p) => typeof p === "number")) return { kind: "word", view, list };
  return { kind: "const", value: list ? [viewText(view, [])] : viewText(view, []) };
}

/** A shape is asked about the same few keys again and again. */
function remembered(model: (key: string) => KeyModel): (key: string) => KeyModel {
  const known = new Map<string, KeyModel>();
  return (key) => {
    let m = known.get(key);
    if (m === undefined) {
      m = model(key);
      known.set(key, m);
    }
    return m;
  };
}

/** Source: IAM User Guide, "IAM policy elements: Variables and tags", table of principal key values. */
const PRINCIPAL_TYPES: Readonly<Record<Shape["kind"], string | undefined>> = {
  root: "Account",
  user: "User",
  session: "AssumedRole",
  "federated-user": "FederatedUser",
  service: undefined,
};

/** Whether the user or role behind a unique id that documents name may be of this class. */
export function mayBear(cls: CallerClass): boolean {
  return cls.kind === "ordinary" && cls.who.kind !== "anyone" && cls.who.kind !== "unresolved";
}

/** Whose VPC endpoint a request comes through: account, organization and path belong together. */
function endpointKeys(route: Route, x: ShapeContext, s: Segments): ReadonlyMap<string, KeyModel> {
  const asked = ENDPOINT_OWNER_KEYS.some((k) => x.keys.has(k));
  if (!asked || (route !== "vpc-endpoint" && route !== "vpc-endpoint-without-organization")) {
    return NO_ENDPOINT;
  }
  const account = s.add(accountSegment("999988887777"));
  const organization = route === "vpc-endpoint" ? organizationPart({ kind: "fresh", not: [] }, s) : undefined;
  const views: readonly (readonly [string, View | undefined, boolean])[] = [
    ["aws:vpceaccount", [account], false],
    ["aws:vpceorgid", organization?.id, false],
    ["aws:vpceorgpaths", organization?.path, true],
  ];
  const out = new Map<string, KeyModel>();
  for (const [key, view, list] of views) {
    out.set(key, view === undefined ? NONE : { kind: "word", view, list });
    if (view === undefined || x.environment.network !== "open") continue;
    s.not(
      view,
      (x.environment.fixed.get(key) ?? []).map((v) => plainGlob(v)),
    );
  }
  return out;
}

const ENDPOINT_OWNER_NAMES = ["aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"];
const ENDPOINT_OWNER_KEYS = ENDPOINT_OWNER_NAMES.map((n) => n.toLowerCase());
const NO_ENDPOINT: ReadonlyMap<string, KeyModel> = new Map(ENDPOINT_OWNER_KEYS.map((k) => [k, NONE]));

/** Where the credentials of a role's session were delivered to: AWS sets these, in the account of the role. */
const INSTANCE_KEYS = ["ec2:sourceinstancearn", "lambda:sourcefunctionarn", "ssm:sourceinstancearn"] as const;
type InstanceKey = (typeof INSTANCE_KEYS)[number];

function askedInstances(x: ShapeContext): readonly InstanceKey[] {
  return INSTANCE_KEYS.filter((k) => x.keys.has(k));
}

function instanceView(
  from: InstanceKey | undefined,
  region: number | undefined,
  account: string | number,
  partition: string,
  s: Segments,
): View | undefined {
  if (from === undefined || region === undefined) return undefined;
  const lambda = from === "lambda:sourcefunctionarn";
  const head = `arn:${partition}:${lambda ? "lambda" : "ec2"}:`;
  return [head, region, ":", account, lambda ? ":function:" : ":instance/", s.add(sourceRest(false))];
}

function excludeNamed(
  cls: OrdinaryClass,
  kind: Shape["kind"],
  name: View,
  session: View,
  x: ShapeContext,
  s: Segments,
): void {
  if (cls.account.kind !== "literal") return;
  const account = cls.account.id;
  const names: Glob[] = [];
  const sessions: Glob[] = [];
  for (const e of [...x.named, ...cls.except]) {
    if (!("account" in e) || e.account !== account) continue;
    if (cls.principal === undefined) {
      if (e.kind === "role" && kind === "session") names.push(literalGlob(e.name));
      if (e.kind === "user" && kind === "user") names.push(literalGlob(e.name));
      if (e.kind === "session" && kind === "session") {
        names.push(literalGlob(e.role), plainGlob(`*/${e.role}`));
      }
      if (e.kind === "federated-user" && kind === "federated-user") names.push(literalGlob(e.name));
    } else if (cls.principal.kind === "role" && e.kind === "session") {
      if (e.role === (cls.principal.name.split("/").at(-1) ?? "")) sessions.push(literalGlob(e.session));
    }
  }
  if (name.some((p) => typeof p === "number")) s.not(name, names);
  if (session.some((p) => typeof p === "number")) s.not(session, sessions);
}

function makeCaller(
  kind: Shape["kind"],
  partition: string,
  account: string,
  name: string,
  more: { readonly session: string; readonly uniqueId: string; readonly user: string },
): Caller {
  const base = { account: account as AccountId, partition };
  switch (kind) {
    case "root":
      return { kind: "root", ...base };
    case "user":
      return { kind: "user", ...base, name, uniqueId: more.uniqueId };
    case "session":
      return { kind: "session", ...base, role: name, session: more.session, uniqueId: more.uniqueId };
    case "federated-user":
      return { kind: "federated-user", ...base, name, user: more.user };
    case "service":
      throw new Error("a service has no account");
  }
}

/** Whether one entry names callers of a class. Names are settled by the class, so this is never open. */
function ordinaryEntry(
  e: PrincipalEntry,
  cls: OrdinaryClass,
  kind: Shape["kind"],
  effect: "Allow" | "Deny",
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
      return namesPrincipal(e, cls, kind) ? "yes" : "no";
  }
}

function namesPrincipal(
  e: Extract<PrincipalEntry, { kind: "user" | "role" | "session" | "federated-user" }>,
  cls: OrdinaryClass,
  kind: Shape["kind"],
): boolean {
  const p = cls.principal;
  if (p === undefined || p.account !== e.account) return false;
  switch (e.kind) {
    case "user":
      // A user covers the sessions that it makes with GetFederationToken.
      return p.kind === "user" && p.name === e.name;
    case "federated-user":
      return kind === "federated-user" && p.kind === "federated-user" && p.name === e.name;
    case "role":
      return (p.kind === "role" && p.name === e.name) || (p.kind === "session" && p.role === e.name);
    case "session":
      return p.kind === "session" && (p.role.split("/").at(-1) ?? "") === e.role && p.session === e.session;
  }
}

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
    if (e.kind === "service") services.add(e.name);
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
    return there?.some((e) => namesPrincipal(e, cls, "federated-user")) === true;
  };
}

function principalTruth(
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

const CALLER_ORG_KEYS = ["aws:principalorgid", "aws:principalorgpaths"];
const SOURCE_ORG_KEYS = ["aws:sourceorgid", "aws:sourceorgpaths"];

/** Of organizations that no document asks about, one is as good as another. */
function asked(
  choices: readonly OrganizationChoice[],
  keys: readonly string[],
  x: ShapeContext,
): readonly OrganizationChoice[] {
  return choices.length === 1 || keys.some((k) => x.keys.has(k)) ? choices : choices.slice(0, 1);
}

/** What a service says of its source: an ARN (some have no account in them), or the account alone. */
const SOURCE_FORMS = ["arn", "arn-without-account", "account-only"] as const;

/** Whether the documents ask about the ARN of a service's source, in whichever key a service puts it. */
export function asksForSourceArn(keys: ReadonlySet<string>): boolean {
  if (keys.has("aws:sourcearn")) return true;
  for (const k of keys) if (filledByService(k)) return true;
  return false;
}

function* serviceShapes(cls: ServiceClass, x: ShapeContext): Generator<Shape> {
  if (cls.source.kind === "none") {
    const s = new Segments();
    const parts = sourceParts(cls.source.account, s, x, "");
    yield serviceShape(cls, x, s, parts, undefined, "none");
    return;
  }
  const forms = sourceForms(x);
  for (const org of asked(cls.source.organizations, SOURCE_ORG_KEYS, x)) {
    for (const [form, prefix] of forms) {
      const s = new Segments();
      const parts = sourceParts(cls.source.account, s, x, prefix);
      const organization = organizationPart(org, s);
      yield serviceShape(cls, x, s, parts, organization, form);
    }
  }
}

type SourceForm = (typeof SOURCE_FORMS)[number];

/** The forms of a source with what its resource begins with; where a colon is taken for possible, no beginning is needed. */
function sourceForms(x: ShapeContext): readonly (readonly [SourceForm, string])[] {
  if (!asksForSourceArn(x.keys)) return [["arn", ""]];
  const prefixes = x.mode === "possible" ? [] : [...x.sourcePrefixes];
  return [
    ...SOURCE_FORMS.map((form) => [form, ""] as const),
    ...prefixes.map((prefix) => ["arn", prefix] as const),
  ];
}

/** The parts of a source ARN, in the order in which they stand in it. */
interface SourceParts {
  readonly service: number;
  readonly region: number;
  readonly account: string | number;
  /** What a document itself puts before a colon of the resource, such as `log-group:`. */
  readonly prefix: string;
  readonly rest: number;
}

function sourceParts(choice: AccountChoice, s: Segments, x: ShapeContext, prefix: string): SourceParts {
  const service = s.add(SERVICE_SEGMENT);
  const region = s.add({ ...REGION_SEGMENT, guess: x.facts.region });
  const account = accountPart(choice, s);
  // Whether a resource of somebody else can have a colon in its name depends on the service: possible, not certain.
  return { service, region, account, prefix, rest: s.add(sourceRest(x.mode === "possible")) };
}

/**
 * A service that calls with its own principal. The account that it calls for is one variable, seen through
 * aws:SourceAccount, aws:SourceArn and the encryption context that services fill themselves.
 */
function serviceShape(
  cls: ServiceClass,
  x: ShapeContext,
  s: Segments,
  { service, region, account, prefix, rest }: SourceParts,
  organization: OrganizationViews | undefined,
  form: "none" | "arn" | "arn-without-account" | "account-only",
): Shape {
  const { partition } = x.facts;
  const arnOf = (withAccount: boolean): View =>
    withAccount
      ? [`arn:${partition}:`, service, ":", region, ":", account, `:${prefix}`, rest]
      : [`arn:${partition}:`, service, `:::${prefix}`, rest];
  const sourceKey = (key: string): KeyModel | undefined => {
    if (form === "none") return undefined;
    switch (key) {
      case "aws:sourceaccount":
      case "aws:sourceowner":
        return word([account]);
      case "aws:sourcearn":
        return form === "account-only" ? NONE : word(arnOf(form === "arn"));
      case "aws:sourceorgid":
        return organization === undefined ? NONE : word(organization.id);
      case "aws:sourceorgpaths":
        return organization === undefined ? NONE : word(organization.path, true);
      default:
        return undefined;
    }
  };
  const standing: [string, View, boolean][] = [];
  if (form !== "none") {
    standing.push(["aws:SourceAccount", [account], false]);
    if (x.keys.has("aws:sourceowner")) standing.push(["aws:SourceOwner", [account], false]);
    if (form !== "account-only") standing.push(["aws:SourceArn", arnOf(form === "arn"), false]);
    if (organization !== undefined) {
      standing.push(["aws:SourceOrgID", organization.id, false]);
      standing.push(["aws:SourceOrgPaths", organization.path, true]);
    }
  }
  return {
    kind: "service",
    route: "service",
    segments: s.list,
    base: s.base,
    standing,
    model: remembered((key) => {
      const known = sourceKey(key);
      if (known !== undefined) return known;
      return modelOf(key, x, "service", (f) => {
        switch (f.origin) {
          case "caller":
            if (key === "aws:principalisawsservice") return { kind: "const", value: "true" };
            if (key === "aws:principalservicename") return { kind: "const", value: cls.name };
            if (key === "aws:principalservicenameslist") return { kind: "const", value: [cls.name] };
            return NONE;
          case "caller-account":
          case "service-source":
            return NONE;
          case "request":
            return filledByService(key) &&
              f.group === "encryption-context" &&
              carries(f, x) &&
              maySymmetric(x)
              ? word(/arn$/i.test(key) ? arnOf(true) : [account])
              : undefined;
          case "path":
          case "network":
          case "time":
          case "key":
          case "free":
          case "transport":
          case "never":
            return undefined;
        }
      });
    }),
    principal: (element, effect) =>
      principalTruth(element, effect, (e, as) => serviceEntry(e, cls, as), undefined, "service"),
    caller: () => ({ kind: "service", name: cls.name }),
  };
}

/** Encryption-context keys that a service fills with its caller's account or resource, not with what it is told. */
function filledByService(keyLower: string): boolean {
  return keyLower.startsWith("kms:encryptioncontext:aws:");
}

function serviceEntry(e: PrincipalEntry, cls: ServiceClass, effect: "Allow" | "Deny"): Truth {
  switch (e.kind) {
    case "everyone":
      return effect === "Deny" ? "yes" : { doubtful: "everyone-includes-services" };
    case "service":
      return e.name === cls.name ? "yes" : "no";
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

function maySymmetric({ facts }: ShapeContext): boolean {
  return facts.spec === undefined || facts.spec === "SYMMETRIC_DEFAULT";
}

function carries(f: ConditionKeyFacts, x: ShapeContext): boolean {
  return f.group !== undefined && x.action.keyGroups.includes(f.group);
}

/** What a key holds, for the keys that do not depend on the caller's identity. */
function modelOf(
  key: string,
  x: ShapeContext,
  route: Route,
  special: (f: ConditionKeyFacts) => KeyModel | undefined,
): KeyModel {
  if (key === RESOURCE_KEY) return { kind: "const", value: x.facts.arn };
  const f = conditionKeyFacts(key);
  if (f === undefined) return { kind: "doubtful", doubt: "unknown-condition-key" };
  const own = special(f);
  if (own !== undefined) return own;
  return constantModel(f, key, x.facts) ?? environmentModel(f, key, x, route);
}

function environmentModel(f: ConditionKeyFacts, key: string, x: ShapeContext, route: Route): KeyModel {
  const free = (mayBeAbsent: boolean, mayBePresent: boolean, guess: string): KeyModel =>
    mayBePresent
      ? scalarModel(
          { ...f, name: key },
          { mayBeAbsent, mayBePresent, guess, environment: x.environment, facts: x.facts },
        )
      : { kind: "const", value: undefined };
  switch (f.origin) {
    case "caller-account":
      return free(true, true, guessFor(f, x));
    case "path": {
      // Whoever may call AWS's MCP server does so at will.
      if (key.includes("mcp")) return free(true, route !== "service", guessFor(f, x));
      if (key === "aws:viaawsservice") {
        return { kind: "const", value: route === "via-service" ? "true" : "false" };
      }
      if (/^aws:calledvia(first|last)$/.test(key) && x.keys.has("aws:calledvia")) {
        return route === "via-service"
          ? { kind: "doubtful", doubt: "not-understood" }
          : { kind: "const", value: undefined };
      }
      if (
        route === "via-service" &&
        (key === "kms:viaservice" || key === "aws:calledvia" || key.startsWith("aws:calledvia"))
      ) {
        return free(
          key !== "kms:viaservice",
          true,
          key === "kms:viaservice" ? `ec2.${x.facts.region}.amazonaws.com` : "ec2.amazonaws.com",
        );
      }
      return free(true, false, "");
    }
    case "network": {
      const vpc = route === "vpc-endpoint" || route === "vpc-endpoint-without-organization";
      const ip = key === "aws:sourceip";
      const there = ip ? route === "internet" || route === "via-service" : vpc;
      return free(!there, there, guessFor(f, x));
    }
    case "time":
      return timeModel(key, x.environment);
    case "request": {
      if (!carries(f, x)) return { kind: "const", value: undefined };
      if (f.group === "encryption-context" && !maySymmetric(x)) {
        return { kind: "const", value: undefined };
      }
      if (key === "kms:encryptionalgorithm") return algorithmModel(x);
      if (key === "kms:grantisforawsresource") {
        return { kind: "const", value: route === "via-service" || route === "service" ? "true" : "false" };
      }
      return free(!ALWAYS_SENT.has(key), true, guessFor(f, x));
    }
    case "free":
      return free(true, true, "x");
    case "transport":
      return { kind: "const", value: "true" };
    case "caller":
    case "service-source":
    case "key":
    case "never":
      return { kind: "const", value: undefined };
  }
}

/** A symmetric key has one algorithm; others have some, none of them that one. */
function algorithmModel({ facts, environment }: ShapeContext): KeyModel {
  const { spec } = facts;
  if (spec === undefined) return { kind: "doubtful", doubt: "key-fact-unknown", present: true };
  if (spec === "SYMMETRIC_DEFAULT") return { kind: "const", value: spec };
  const only = spec === "SM2" ? ["SM2PKE"] : ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"];
  const model = scalarModel(
    { name: "kms:encryptionalgorithm", type: "string", multivalued: false, origin: "request" },
    { mayBeAbsent: false, mayBePresent: true, guess: only[0] ?? "", environment, facts },
  );
  return model.kind === "scalar" ? { kind: "scalar", domain: { ...model.domain, only } } : model;
}

/** Request parameters that every request of their action carries, given or by default (KMS guide, condition keys). */
const ALWAYS_SENT = new Set([
  "kms:encryptionalgorithm",
  "kms:signingalgorithm",
  "kms:macalgorithm",
  "kms:messagetype",
  "kms:keyagreementalgorithm",
  "kms:datakeypairspec",
  "kms:grantoperations",
  "kms:reencryptonsamekey",
  "kms:replicaregion",
  "kms:primaryregion",
  "kms:wrappingalgorithm",
  "kms:wrappingkeyspec",
  "kms:schedulekeydeletionpendingwindowindays",
]);

function guessFor(f: ConditionKeyFacts, x: ShapeContext): string {
  switch (f.name) {
    case "aws:SourceIp":
      return "198.51.100.77";
    case "aws:VpcSourceIp":
    case "aws:Ec2InstanceSourcePrivateIPv4":
      return "10.20.30.40";
    case "aws:SourceVpc":
    case "aws:Ec2InstanceSourceVpc":
      return "vpc-0f0e0d0c0b0a09080";
    case "aws:SourceVpce":
      return "vpce-0f0e0d0c0b0a09080";
    case "aws:SourceVpcArn":
      return `arn:${x.facts.partition}:ec2:${x.facts.region}:999988887777:vpc/vpc-0f0e0d0c0b0a09080`;
    case "kms:EncryptionAlgorithm":
      return "SYMMETRIC_DEFAULT";
    case "kms:GrantOperations":
      return "Decrypt";
    case "kms:RequestAlias":
      return "alias/x";
    case "kms:GranteePrincipal":
      return `arn:${x.facts.partition}:iam::999988887777:role/outsider`;
    default:
      return f.type === "number" ? "1" : "x";
  }
}

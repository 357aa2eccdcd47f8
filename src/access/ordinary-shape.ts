import type { AccountId } from "../domain/ids.js";
import type { PrincipalEntry } from "../policy/ast.js";
import type { Caller } from "../semantics/request.js";
import {
  accountSegment,
  ANY_UNIQUE_ID_SEGMENT,
  FEDERATED_SEGMENT,
  NAME_SEGMENT,
  PATH_SEGMENT,
  REGION_SEGMENT,
  SESSION_SEGMENT,
  sourceRest,
  UNIQUE_ID_SEGMENT,
  VPC_ID_SEGMENT,
} from "./alphabets.js";
import { type Asks, type InstanceKey, isInstanceKey } from "./asks.js";
import type { CallerClass, OrdinaryClass, OrganizationChoice } from "./callers.js";
import { type Credentials, credentialModel, credentialsOf, shownOfCredentials } from "./credentials.js";
import { type Behind, ordinaryEntry, principalTruth } from "./covered-callers.js";
import { type Glob, literalGlob, plainGlob } from "./glob.js";
import type { KeyModel } from "./key-models.js";
import { modelOf } from "./request-keys.js";
import type { Route, Shape, ShapeContext } from "./shape.js";
import {
  accountPart,
  askedOf,
  NONE,
  organizationPart,
  regionSegments,
  remembered,
  Segments,
  word,
} from "./shape-parts.js";
import { type Segment, type View, viewText } from "./views.js";

/** The shapes of requests by users, roles and account roots: by kind, route, organization and path. */
export function* ordinaryShapes(cls: OrdinaryClass, x: ShapeContext): Generator<Shape> {
  const { asks } = x;
  const kinds: Shape["kind"][] = [];
  if (cls.principal !== undefined) {
    kinds.push(cls.principal.kind === "role" ? "session" : cls.principal.kind);
    if (cls.principal.kind === "user" && (x.notPrincipal || asks.kind)) kinds.push("federated-user");
  } else if (x.notPrincipal || asks.kind) kinds.push("session", "user", "root", "federated-user");
  else kinds.push("session");
  const routes: Route[] = ["internet"];
  if (asks.network) routes.push("vpc-endpoint");
  if (asks.endpointOrganization) routes.push("vpc-endpoint-without-organization");
  if (asks.via) routes.push("via-service");
  const pathOpen =
    cls.principal === undefined || (cls.principal.kind === "session" && !cls.principal.role.includes("/"));
  const pathAsked = asks.principalArn || namesRoleOf(cls, x);
  const paths = pathAsked && pathOpen ? [false, true] : [false];
  for (const ids of idSegments(cls, x)) {
    for (const org of askedOf(cls.organizations, asks.callerOrganization)) {
      for (const route of routes) {
        for (const withPath of paths) {
          for (const kind of kinds) {
            const hasId = kind === "session" || kind === "user";
            if (!hasId && (withPath || ids !== UNIQUE_ID_SEGMENT)) continue;
            for (const from of instancesOf(kind, asks)) {
              for (const credentials of credentialsOf(kind, asks, x.mode)) {
                for (const maker of makers(cls, x)) {
                  const s = ordinaryShape(
                    cls,
                    kind,
                    route,
                    org,
                    { withPath, maker },
                    { from, credentials },
                    ids,
                    x,
                  );
                  if (s !== undefined) yield s;
                }
              }
            }
          }
        }
      }
    }
  }
}

/** Whether documents name the role behind a session that they name: it may have a path, and be another one. */
function namesRoleOf({ principal: p }: OrdinaryClass, x: ShapeContext): boolean {
  if (p?.kind !== "session") return false;
  return x.named.some((e) => e.kind === "role" && e.account === p.account && e.name === p.role);
}

const USUAL_IDS: readonly Segment[] = [UNIQUE_ID_SEGMENT];
const ALL_IDS: readonly Segment[] = [UNIQUE_ID_SEGMENT, ANY_UNIQUE_ID_SEGMENT];

/** What unique ids are looked for: such as there are, and then such as there may be. */
function idSegments(cls: OrdinaryClass, x: ShapeContext): readonly Segment[] {
  const open = x.mode === "possible" && cls.uniqueId === undefined && x.keys.has("aws:userid");
  return open ? ALL_IDS : USUAL_IDS;
}

const NOBODY_NAMED: readonly undefined[] = [undefined];

/** Who may have made a federated session that documents name: somebody they do not name, or one of their users. */
function makers(cls: OrdinaryClass, x: ShapeContext): readonly (string | undefined)[] {
  const { principal: fixed, except } = cls;
  if (fixed?.kind !== "federated-user" || fixed.partition !== x.facts.partition) return NOBODY_NAMED;
  const of = (e: PrincipalEntry): string[] =>
    e.kind === "user" && e.account === fixed.account ? [e.name] : [];
  const trusted = new Set(except.flatMap(of));
  return [undefined, ...new Set(x.named.flatMap(of).filter((name) => !trusted.has(name)))];
}

/** The name of a user whom no document names. */
function unnamedUser({ except }: OrdinaryClass, x: ShapeContext): string {
  const taken = new Set([...x.named, ...except].flatMap((e) => (e.kind === "user" ? [e.name] : [])));
  let name = "outsider";
  while (taken.has(name)) name += "x";
  return name;
}

function ordinaryShape(
  cls: OrdinaryClass,
  kind: Shape["kind"],
  route: Route,
  org: OrganizationChoice,
  behind: Behind,
  { from, credentials }: { readonly from: InstanceKey | undefined; readonly credentials: Credentials },
  ids: Segment,
  x: ShapeContext,
): Shape | undefined {
  if (kind === "root" && cls.uniqueId !== undefined) return undefined;
  if (kind === "federated-user" && cls.uniqueId !== undefined) return undefined;
  const { partition } = x.facts;
  const { withPath, maker } = behind;
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
    // A session shows no path: the role behind it may have one.
    else if (fixed?.kind === "session")
      name = withPath ? [s.add(PATH_SEGMENT), "/", fixed.role] : [fixed.role];
    else name = withPath ? [s.add(PATH_SEGMENT), "/", s.add(NAME_SEGMENT)] : [s.add(NAME_SEGMENT)];
    const prefix = kind === "user" ? "AIDA" : "AROA";
    const known = cls.uniqueId;
    if (known !== undefined && !known.startsWith(prefix)) return undefined;
    uniqueId = known !== undefined ? [known] : [prefix, s.add(ids)];
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
  const vpc = vpcKeys(route, x, s);
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
  for (const name of VPC_NAMES) {
    const m = vpc.get(name.toLowerCase());
    if (m?.kind === "word") standing.push([name, m.view, m.list]);
  }
  if (instance !== undefined && from !== undefined) standing.push([from, instance, false]);
  for (const [name, view, list] of shownOfCredentials(credentials)) standing.push([name, view, list]);
  return {
    kind,
    route,
    segments: s.list,
    base: s.base,
    mayBearNamedId:
      x.mode === "possible" && cls.uniqueId === undefined && uniqueId.length > 0 && mayBear(cls),
    standing,
    model: remembered((key) => {
      const known = callerKey(key) ?? endpoint.get(key) ?? vpc.get(key);
      if (known !== undefined) return known;
      return modelOf(key, x, route, (f) => {
        if (f.origin === "service-source") return NONE;
        if (isInstanceKey(key)) return key === from && instance !== undefined ? word(instance) : NONE;
        if (f.origin !== "caller-account") return undefined;
        return credentialModel(f.name, kind, credentials);
      });
    }),
    principal: (element, effect) =>
      principalTruth(element, effect, (e, as) => ordinaryEntry(e, cls, kind, as, behind), cls, kind),
    caller: (values) =>
      makeCaller(kind, partition, viewText([account], values), viewText(name, values), {
        session: viewText(session, values),
        uniqueId: viewText(uniqueId, values),
        user:
          fixed?.kind === "user"
            ? fixed.name
            : kind !== "federated-user"
              ? ""
              : (maker ?? unnamedUser(cls, x)),
      }),
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
  if (!x.asks.endpointOwner || (route !== "vpc-endpoint" && route !== "vpc-endpoint-without-organization")) {
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

/**
 * The VPC that a request comes through: its id is in both keys. Source: IAM User Guide, "AWS global condition context
 * keys", aws:SourceVpcArn: `arn:aws:ec2:region:account:vpc/vpc-id`.
 */
function vpcKeys(route: Route, x: ShapeContext, s: Segments): ReadonlyMap<string, KeyModel> {
  if (!x.keys.has("aws:sourcevpcarn")) return NO_KEYS;
  if (route !== "vpc-endpoint" && route !== "vpc-endpoint-without-organization") return NO_VPC;
  const region = regionSegments(x.facts.region).map((segment) => s.add(segment));
  const account = s.add(accountSegment("999988887777"));
  const id = s.add(VPC_ID_SEGMENT);
  const views: readonly (readonly [string, View])[] = [
    ["aws:sourcevpcarn", [`arn:${x.facts.partition}:ec2:`, ...region, ":", account, ":vpc/vpc-", id]],
    ["aws:sourcevpc", ["vpc-", id]],
  ];
  const out = new Map<string, KeyModel>();
  for (const [key, view] of views) {
    out.set(key, { kind: "word", view, list: false });
    if (x.environment.network !== "open") continue;
    s.not(
      view,
      (x.environment.fixed.get(key) ?? []).map((v) => plainGlob(v)),
    );
  }
  return out;
}

const VPC_NAMES = ["aws:SourceVpcArn", "aws:SourceVpc"];
const NO_KEYS: ReadonlyMap<string, KeyModel> = new Map();
const NO_VPC: ReadonlyMap<string, KeyModel> = new Map([
  ["aws:sourcevpcarn", NONE],
  ["aws:sourcevpc", NONE],
]);

const ENDPOINT_OWNER_NAMES = ["aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"];
const ENDPOINT_OWNER_KEYS = ENDPOINT_OWNER_NAMES.map((n) => n.toLowerCase());
const NO_ENDPOINT: ReadonlyMap<string, KeyModel> = new Map(ENDPOINT_OWNER_KEYS.map((k) => [k, NONE]));

const NO_INSTANCE: readonly (InstanceKey | undefined)[] = [undefined];

/** Sessions of roles may have been delivered to an instance, if documents ask. */
function instancesOf(kind: Shape["kind"], { instances }: Asks): readonly (InstanceKey | undefined)[] {
  return kind === "session" && instances.length > 0 ? [undefined, ...instances] : NO_INSTANCE;
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
    } else if (cls.principal.kind === "user" && kind === "federated-user") {
      // A session by a name of its own is another class.
      if (e.kind === "federated-user") names.push(literalGlob(e.name));
    } else if (cls.principal.kind === "session" && e.kind === "role") {
      // That one is another class, if it is the role behind the session.
      if (e.name.endsWith(`/${cls.principal.role}`)) names.push(literalGlob(e.name));
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

import { SERVICE_LETTER, SERVICE_SEGMENT, sourceRest } from "./alphabets.js";
import type { ServiceClass } from "./callers.js";
import { principalTruth, serviceEntry } from "./covered-callers.js";
import type { KeyModel } from "./key-models.js";
import { filling } from "./mentions.js";
import { carries, maySymmetric, modelOf } from "./request-keys.js";
import type { Shape, ShapeContext } from "./shape.js";
import {
  accountPart,
  askedOf,
  NONE,
  organizationPart,
  type OrganizationViews,
  regionSegments,
  remembered,
  Segments,
  word,
} from "./shape-parts.js";
import type { View } from "./views.js";

/** What a service says of its source: an ARN (some have no account in them), or the account alone. */
const SOURCE_FORMS = ["arn", "arn-without-account", "account-only"] as const;
type SourceForm = (typeof SOURCE_FORMS)[number];

/** The shapes of requests that a service makes with its own principal: by its source. */
export function* serviceShapes(cls: ServiceClass, x: ShapeContext): Generator<Shape> {
  for (const omitted of omissions(x)) {
    if (cls.source.kind === "none") {
      const s = new Segments();
      const parts = sourceParts(cls, s, x, "");
      yield serviceShape(cls, x, s, parts, undefined, "none", omitted);
      continue;
    }
    const forms = sourceForms(cls.name, x);
    for (const org of askedOf(cls.source.organizations, x.asks.sourceOrganization)) {
      for (const [form, prefix] of forms) {
        const s = new Segments();
        const parts = sourceParts(cls, s, x, prefix);
        const organization = organizationPart(org, s);
        yield serviceShape(cls, x, s, parts, organization, form, omitted);
      }
    }
  }
}

const NO_PAIRS: ReadonlySet<string> = new Set();
/** Of so many pairs, every combination is looked at; of more, those with none, one or all but one. */
const MOST_PAIRS = 3;

/** The pairs that a service leaves out of the encryption context: which it fills is the service's affair. */
function* omissions(x: ShapeContext): Generator<ReadonlySet<string>> {
  yield NO_PAIRS;
  if (x.omissible.size === 0 || !x.action.keyGroups.includes("encryption-context") || !maySymmetric(x))
    return;
  const pairs = [...x.omissible];
  if (pairs.length <= MOST_PAIRS) {
    for (let i = 1; i < 2 ** pairs.length; i += 1) {
      yield new Set(pairs.filter((_, bit) => ((i >> bit) & 1) === 1));
    }
    return;
  }
  yield x.omissible;
  for (const k of pairs) {
    yield new Set([k]);
    yield new Set(pairs.filter((other) => other !== k));
  }
}

const ARN_ONLY: readonly (readonly [SourceForm, string])[] = [["arn", ""]];

/** The forms of a source with what its resource begins with; where a colon is taken for possible, no beginning is needed. */
function sourceForms(service: string, x: ShapeContext): readonly (readonly [SourceForm, string])[] {
  if (!x.asks.sourceArn) return ARN_ONLY;
  const prefixes = x.mode === "possible" || hasNoColons(service) ? [] : [...x.sourcePrefixes];
  return [
    ...SOURCE_FORMS.map((form) => [form, ""] as const),
    ...prefixes.map((prefix) => ["arn", prefix] as const),
  ];
}

/** The parts of a source ARN, in the order in which they stand in it. */
interface SourceParts {
  readonly service: View;
  readonly region: View;
  readonly account: string | number;
  /** What a document itself puts before a colon of the resource, such as `log-group:`. */
  readonly prefix: string;
  readonly rest: View;
}

/**
 * Whether no resource of a service has a colon in its name. Trails have letters, digits and `._-` (CloudTrail User
 * Guide, "Naming requirements", read 2026-11), and CloudTrail's other resources have ids.
 */
function hasNoColons(service: string): boolean {
  return service === "cloudtrail.amazonaws.com";
}

function sourceParts(
  { name, source }: ServiceClass,
  s: Segments,
  x: ShapeContext,
  prefix: string,
): SourceParts {
  if (!x.asks.sourceArn) {
    // Nobody asks for the ARN: one is as good as another.
    return {
      service: ["s3"],
      region: [x.facts.region],
      account: accountPart(source.account, s),
      prefix,
      rest: ["x"],
    };
  }
  const service = [s.add(SERVICE_LETTER), s.add(SERVICE_SEGMENT)];
  const region = regionSegments(x.facts.region).map((segment) => s.add(segment));
  const account = accountPart(source.account, s);
  // Whether a resource of somebody else can have a colon in its name depends on the service: possible, not certain.
  const colons = x.mode === "possible" && !hasNoColons(name);
  return { service, region, account, prefix, rest: [s.add(sourceRest(colons))] };
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
  omitted: ReadonlySet<string>,
): Shape {
  const { partition } = x.facts;
  const arnOf = (withAccount: boolean): View =>
    withAccount
      ? [`arn:${partition}:`, ...service, ":", ...region, ":", account, `:${prefix}`, ...rest]
      : [`arn:${partition}:`, ...service, `:::${prefix}`, ...rest];
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
    mayBearNamedId: false,
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
            if (omitted.has(key)) return NONE;
            if (f.group !== "encryption-context" || !carries(f, x) || !maySymmetric(x)) return undefined;
            switch (filling(key)) {
              case "arn":
                return word(arnOf(true));
              case "bucket":
                return word(arnOf(false));
              case "account":
                return word([account]);
              case "free":
                return undefined;
            }
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

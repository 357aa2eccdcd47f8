import { type ActionFacts, KMS_KEY_ACTIONS, suitsKey } from "../../src/semantics/actions.js";
import { parseInstant } from "../../src/semantics/operators/date.js";
import type { AccessRequest, Caller } from "../../src/semantics/request.js";
import { account, caller, type Person } from "./callers.js";
import { instantiate, nearMiss } from "./near.js";
import type { Random } from "./random.js";
import type { Topic, Topics } from "./topics.js";
import { requestValue } from "./values.js";
import {
  CONTEXT_KEYS,
  NOW,
  OU_PATH,
  OWN,
  OWN_ORG,
  PARTNER_ORG,
  ROOT_PATH,
  STRANGER_ORG,
  valueOf,
} from "./vocabulary.js";
import type { World } from "./worlds.js";

type Route = "internet" | "vpc-endpoint" | "via-service" | "service";
type ContextRecord = Record<string, string | string[]>;

/**
 * Request parameters that every request of their action carries, given or by default.
 * Source: KMS Developer Guide, "AWS KMS condition keys".
 */
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

interface Draft {
  readonly r: Random;
  readonly world: World;
  readonly topics: Topics;
  readonly caller: Caller;
  readonly action: ActionFacts;
  readonly route: Route;
  readonly time: number;
  readonly context: ContextRecord;
}

/**
 * A request as AWS could see it: keys that belong together are drawn together. What comes out inconsistent all the same
 * (a near miss of an ARN in a key that must agree with another) is discarded and counted by who compares.
 */
export function call(r: Random, world: World, topics: Topics): AccessRequest {
  const who = caller(r, topics);
  const suited = KMS_KEY_ACTIONS.filter((a) => suitsKey(a, world.facts.usage, world.facts.spec));
  const reachable = suited.filter((a) => a.crossAccount);
  const action = r.chance(82) && reachable.length > 0 ? r.pick(reachable) : r.pick(KMS_KEY_ACTIONS);
  const route: Route =
    who.kind === "service" ? "service" : r.pick(["internet", "internet", "vpc-endpoint", "via-service"]);
  const draft: Draft = { r, world, topics, caller: who, action, route, time: timeOf(r, topics), context: {} };
  if (who.kind === "service") serviceSource(draft);
  else organizationOfCaller(draft, who);
  network(draft);
  credentials(draft);
  for (const topic of topics.keys.values()) askedKey(draft, topic);
  const pairs = encryptionContext(draft);
  return {
    caller: who,
    action: action.name,
    context: draft.context,
    ...(Object.keys(pairs).length === 0 ? {} : { encryptionContext: pairs }),
    time: draft.time,
    identity: { kind: "allow" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
    ...(action.name === "kms:RetireGrant" && r.chance(40) ? { grantId: "g0" } : {}),
  };
}

/** Now, or where the documents ask for the clock, around a time that they name. An analysis is about now and later. */
function timeOf(r: Random, topics: Topics): number {
  const asked = ["aws:currenttime", "aws:epochtime", "aws:tokenissuetime"].flatMap(
    (k) => topics.keys.get(k)?.values ?? [],
  );
  if (asked.length === 0 || r.chance(50)) return NOW;
  const instant = parseInstant(r.pick(asked));
  if (instant === undefined) return NOW;
  return Math.max(NOW, Math.floor(instant.milliseconds / 1000) + r.pick([-1, 0, 1, 3600]));
}

/** The organization of an account, as far as a world settles it; undefined: any. */
function settledOrganization(
  world: World,
  id: string,
): { readonly id: string; readonly path?: string } | null | undefined {
  const { organization } = world.facts;
  if (id === OWN && organization.kind === "present") return organization.value;
  if (id === OWN && organization.kind === "absent") return null;
  return world.organizationOf.find(([account]) => account === id)?.[1];
}

function someOrganization({ r, topics }: Draft, family: "principal" | "source"): string {
  const asked = topics.keys.get(`aws:${family}orgid`)?.values ?? [];
  const paths = topics.keys.get(`aws:${family}orgpaths`)?.values ?? [];
  return r.weighted(
    [3, () => ""],
    [3, () => STRANGER_ORG],
    [2, () => PARTNER_ORG],
    [1, () => OWN_ORG],
    [3, () => (asked.length === 0 ? STRANGER_ORG : instantiate(r, r.pick(asked)))],
    [
      2,
      () =>
        paths.length === 0 ? STRANGER_ORG : (r.pick(paths).split("/")[0] ?? "").replace("*", "stranger001"),
    ],
  );
}

/** Sets the organization of an account in one family of keys. */
function setOrganization(draft: Draft, of: string, family: "Principal" | "Source"): void {
  const { r, world, topics, context } = draft;
  const settled = settledOrganization(world, of);
  const id =
    settled === null
      ? ""
      : (settled?.id ?? someOrganization(draft, family === "Principal" ? "principal" : "source"));
  if (id === "") return;
  context[`aws:${family}OrgID`] = id;
  const asked = topics.keys.get(`aws:${family.toLowerCase()}orgpaths`)?.values ?? [];
  const path =
    settled?.path ??
    r.weighted<string>(
      [3, () => id + ROOT_PATH],
      [2, () => id + OU_PATH],
      [2, () => (asked.length === 0 ? id + ROOT_PATH : instantiate(r, r.pick(asked)).replace(/^[^/]*/, id))],
    );
  context[`aws:${family}OrgPaths`] = [path];
}

function organizationOfCaller(draft: Draft, who: Person): void {
  setOrganization(draft, who.account, "Principal");
}

/** What AWS writes into aws:SourceArn. */
const SOURCE_ARN = /^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:./;

/** On whose behalf a service calls: its account, ARN and organization come together, or none of them. */
function serviceSource(draft: Draft): void {
  const { r, topics, context } = draft;
  if (r.chance(18)) return;
  const asked = topics.keys.get("aws:sourcearn");
  const of = account(r, topics);
  context["aws:SourceAccount"] = of;
  if (topics.keys.has("aws:sourceowner")) context["aws:SourceOwner"] = of;
  const plain = valueOf(r, "aws:sourcearn", undefined, topics.place);
  const near = asked === undefined ? plain : requestValue(r, asked, topics.place);
  const arn = SOURCE_ARN.test(near) ? near : plain;
  const form = r.int(4);
  // An ARN with an account fixes the account; one without (as of S3) leaves it open.
  const inArn = /^arn:[^:]*:[^:]*:[^:]*:([0-9]{12}):/.exec(arn)?.[1];
  if (form < 3) {
    context["aws:SourceArn"] = arn;
    if (inArn !== undefined) {
      context["aws:SourceAccount"] = inArn;
      if (context["aws:SourceOwner"] !== undefined) context["aws:SourceOwner"] = inArn;
    }
  }
  setOrganization(draft, inArn !== undefined && form < 3 ? inArn : of, "Source");
}

/** Where the request comes from: the keys of a route come together. */
function network({ r, route, topics, context }: Draft): void {
  const value = (name: string): string => {
    const lower = name.toLowerCase();
    const topic = topics.keys.get(lower);
    return topic === undefined
      ? valueOf(r, lower, undefined, topics.place)
      : requestValue(r, topic, topics.place);
  };
  const asked = (name: string): boolean => topics.keys.has(name.toLowerCase());
  if (route === "internet" || route === "via-service") {
    const topic = topics.keys.get("aws:sourceip");
    context["aws:SourceIp"] = topic === undefined ? "198.51.100.9" : requestValue(r, topic, topics.place);
  }
  if (route === "vpc-endpoint") {
    for (const name of ["aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn", "aws:VpceAccount"]) {
      if (asked(name)) context[name] = value(name);
    }
    // The VPC is one.
    const vpc = /:vpc\/(vpc-.+)$/.exec(String(context["aws:SourceVpcArn"] ?? ""))?.[1];
    if (vpc !== undefined && asked("aws:SourceVpc")) context["aws:SourceVpc"] = vpc;
    if (asked("aws:VpcSourceIp"))
      context["aws:VpcSourceIp"] = r.pick(["10.0.0.7", "10.1.0.0", "192.168.0.1", value("aws:VpcSourceIp")]);
    if ((asked("aws:VpceOrgID") || asked("aws:VpceOrgPaths")) && r.chance(75)) {
      const id = value("aws:VpceOrgID");
      context["aws:VpceOrgID"] = id;
      context["aws:VpceOrgPaths"] = [id + ROOT_PATH];
    }
  }
  if (route === "via-service") {
    context["aws:ViaAWSService"] = "true";
    context["kms:ViaService"] = value("kms:ViaService");
    const chain = ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"];
    if (chain.some(asked) && r.chance(80)) {
      const list = r.list(1, 2, () => value("aws:CalledVia"));
      context["aws:CalledVia"] = list;
      context["aws:CalledViaFirst"] = list[0] ?? "";
      context["aws:CalledViaLast"] = list.at(-1) ?? "";
    }
  }
}

/** Keys of temporary credentials, which come together. */
const CREDENTIAL_TIMES = new Set([
  "aws:tokenissuetime",
  "aws:multifactorauthpresent",
  "aws:multifactorauthage",
]);

/**
 * Sessions have temporary credentials; users and root users have them or not, with multi-factor authentication or
 * without. A request states all of the keys or none, as AWS would.
 */
function credentials({ r, context, time, topics, caller: who }: Draft): void {
  const asked = [...CREDENTIAL_TIMES].filter((k) => topics.keys.has(k));
  if (who.kind === "service" || asked.length === 0) return;
  const session = who.kind === "session" || who.kind === "federated-user";
  if (!session && r.chance(35)) return;
  const near = (lower: string): string => {
    const topic = topics.keys.get(lower);
    return topic === undefined
      ? valueOf(r, lower, undefined, topics.place)
      : requestValue(r, topic, topics.place);
  };
  const instant = parseInstant(near("aws:tokenissuetime"));
  const issued = Math.min(time, Math.floor((instant?.milliseconds ?? time * 1000) / 1000));
  context["aws:TokenIssueTime"] = new Date(issued * 1000).toISOString();
  if (session && r.chance(35)) {
    context["aws:MultiFactorAuthPresent"] = [];
    return;
  }
  const mfa = r.chance(50);
  context["aws:MultiFactorAuthPresent"] = String(mfa);
  if (mfa) {
    const age = near("aws:multifactorauthage");
    context["aws:MultiFactorAuthAge"] = Number.isFinite(Number(age)) && age !== "" ? age : "60";
  }
}

const CREDENTIAL_ARNS: Readonly<Record<string, string>> = {
  "ec2:sourceinstancearn": "ec2",
  "lambda:sourcefunctionarn": "lambda",
  "ssm:sourceinstancearn": "ec2",
};

/** A key that the documents ask about, where its place is not settled by the caller, the key or the route. */
function askedKey(draft: Draft, topic: Topic): void {
  const { r, context, action, route, topics } = draft;
  const { facts, lower, name } = topic;
  if (facts === undefined) return;
  const value = (): string => requestValue(r, topic, topics.place);
  const put = (): void => {
    context[name] = facts.multivalued ? [...new Set(r.list(1, 3, value))] : value();
  };
  switch (facts.origin) {
    case "caller-account": {
      const { kind } = draft.caller;
      if (kind === "service" || CREDENTIAL_TIMES.has(lower)) return;
      const ofRoles = !/^aws:(principaltag\/|signinsessionarn$)/.test(lower) && !lower.startsWith("sts:");
      if (
        kind === "root"
          ? lower !== "aws:assumedroot" && lower !== "aws:signinsessionarn"
          : lower === "aws:assumedroot"
      )
        return;
      if (ofRoles && kind !== "session" && kind !== "root") return;
      if (r.chance(25)) return;
      const service = CREDENTIAL_ARNS[lower];
      if (service !== undefined) {
        // Credentials are delivered to one place.
        if (
          draft.caller.kind !== "session" ||
          Object.keys(context).some((k) => k.toLowerCase() in CREDENTIAL_ARNS)
        )
          return;
        const rest = lower.startsWith("lambda") ? "function:f" : "instance/i-0abc";
        const { partition, region } = topics.place;
        context[name] = `arn:${partition}:${service}:${region}:${draft.caller.account}:${rest}`;
        return;
      }
      put();
      return;
    }
    case "free":
      if (r.chance(75)) put();
      return;
    case "path":
      // The keys of the MCP server and the like: an outsider can go that way, too.
      if (/mcp/.test(lower) && draft.caller.kind !== "service" && r.chance(60)) put();
      return;
    case "request": {
      if (facts.group === undefined || !action.keyGroups.includes(facts.group)) return;
      if (facts.group === "encryption-context") return;
      if (lower === "kms:grantisforawsresource") {
        context[name] = String(route === "via-service" || route === "service");
      } else if (
        lower === "kms:encryptionalgorithm" &&
        [undefined, "SYMMETRIC_DEFAULT"].includes(draft.world.facts.spec)
      ) {
        return;
      } else if (ALWAYS_SENT.has(lower) || r.chance(70)) put();
      return;
    }
    case "caller":
    case "service-source":
    case "network":
    case "time":
    case "key":
    case "transport":
    case "never":
      return;
  }
}

/** The encryption context: pairs near those that the documents ask for; what a service fills in itself is the source's. */
function encryptionContext(draft: Draft): Record<string, string> {
  const { r, action, topics, world, caller: who, context } = draft;
  if (!action.keyGroups.includes("encryption-context")) return {};
  if (world.facts.spec !== undefined && world.facts.spec !== "SYMMETRIC_DEFAULT") return {};
  const out: Record<string, string> = {};
  const add = (name: string, value: string): void => {
    const lower = name.toLowerCase();
    if (!Object.keys(out).some((k) => k.toLowerCase() === lower))
      out[r.chance(6) ? nearCase(name) : name] = value;
  };
  for (const topic of topics.keys.values()) {
    const name = /^kms:encryptioncontext:(.+)$/is.exec(topic.name)?.[1];
    if (name === undefined || r.chance(25)) continue;
    const filled = who.kind === "service" && topic.lower.startsWith("kms:encryptioncontext:aws:");
    add(name, filled ? filledBy(draft, name) : requestValue(r, topic, topics.place));
  }
  const list = topics.keys.get("kms:encryptioncontextkeys");
  if (list !== undefined && list.values.length > 0 && r.chance(70)) {
    const name = r.chance(80) ? instantiate(r, r.pick(list.values)) : nearMiss(r, r.pick(list.values));
    if (name !== "" && !(who.kind === "service" && /^aws:/i.test(name))) add(name, "a");
  }
  if (r.chance(12)) {
    const name = r.pick(CONTEXT_KEYS);
    if (!(who.kind === "service" && name.startsWith("aws:"))) add(name, "b");
  }
  for (const key of Object.keys(context))
    if (/^kms:encryptioncontext/i.test(key)) Reflect.deleteProperty(context, key);
  return out;
}

function nearCase(name: string): string {
  return name.toLowerCase() === name ? name.toUpperCase() : name.toLowerCase();
}

function filledBy({ r, context, topics }: Draft, name: string): string {
  const source = context["aws:SourceAccount"];
  const of = typeof source === "string" ? source : account(r, topics);
  const { partition, region } = topics.place;
  if (!/arn$/i.test(name)) return of;
  const arn = context["aws:SourceArn"];
  return typeof arn === "string" && arn.includes(`:${of}:`)
    ? arn
    : `arn:${partition}:cloudtrail:${region}:${of}:trail/t`;
}

import { type ConditionKeyFacts, conditionKeyFacts } from "../semantics/condition-keys.js";
import { ENCRYPTION_ALGORITHMS, type KnownValues, knownValues } from "../semantics/known-values.js";
import { literalGlob, plainGlob } from "./glob.js";
import { constantModel, type KeyModel, scalarModel, timeModel } from "./key-models.js";
import type { Mode } from "./truth.js";
import type { Route, ShapeContext } from "./shape.js";
import { RESOURCE_KEY } from "./statements.js";
import { formatDate } from "./typed.js";

/** What a key holds, for the keys that do not depend on the caller's identity. */
export function modelOf(
  key: string,
  x: ShapeContext,
  route: Route,
  /** `present`: it holds some value, which the caller's account decides. */
  special: (f: ConditionKeyFacts) => KeyModel | "present" | undefined,
): KeyModel {
  if (key === RESOURCE_KEY) return { kind: "const", value: x.facts.arn };
  const f = conditionKeyFacts(key);
  if (f === undefined) return { kind: "doubtful", doubt: "unknown-condition-key" };
  const own = special(f);
  if (own === "present") {
    const model = scalarModel(
      { ...f, name: key },
      {
        mayBeAbsent: false,
        mayBePresent: true,
        guess: f.type === "date" ? formatDate(x.environment.now) : guessFor(f, x),
        environment: x.environment,
        facts: x.facts,
      },
    );
    return asDocumented(model, knownValues(key, x.facts), x.mode);
  }
  if (own !== undefined) return own;
  return constantModel(f, key, x.facts) ?? environmentModel(f, key, x, route);
}

function environmentModel(f: ConditionKeyFacts, key: string, x: ShapeContext, route: Route): KeyModel {
  const free = (mayBeAbsent: boolean, mayBePresent: boolean, guess: string): KeyModel =>
    mayBePresent
      ? asDocumented(
          scalarModel(
            { ...f, name: key },
            { mayBeAbsent, mayBePresent, guess, environment: x.environment, facts: x.facts },
          ),
          knownValues(key, x.facts),
          x.mode,
        )
      : { kind: "const", value: undefined };
  switch (f.origin) {
    case "caller-account":
      if (f.name === "sts:") return { kind: "doubtful", doubt: "sts-key" };
      return free(true, true, guessFor(f, x));
    case "path": {
      // Whoever may call AWS's MCP server does so at will.
      if (key.includes("mcp")) return free(true, route !== "service", guessFor(f, x));
      if (key === "aws:viaawsservice") {
        return { kind: "const", value: route === "via-service" ? "true" : "false" };
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

/**
 * The values that AWS documents, where it lists them or gives their form. What is not documented may be there some day:
 * it is not looked for where an answer has to be certain, and is a doubt otherwise.
 */
function asDocumented(model: KeyModel, known: KnownValues | undefined, mode: Mode): KeyModel {
  if (known === undefined || (model.kind !== "scalar" && model.kind !== "set")) return model;
  const guess = known.kind === "list" ? (known.values[0] ?? "") : model.domain.guess;
  const domain = { ...model.domain, guess, documented: true } as const;
  switch (known.kind) {
    case "list":
      return {
        kind: model.kind,
        domain: mode === "certain" ? { ...domain, only: known.values } : { ...domain, usual: known.values },
      };
    case "range":
      return {
        kind: model.kind,
        domain:
          mode === "certain"
            ? { ...domain, guess: String(known.least), range: known }
            : { ...domain, guess: String(known.least), usual: [String(known.most)] },
      };
    case "form":
      return {
        kind: model.kind,
        domain: mode === "certain" ? { ...domain, shape: plainGlob(known.pattern) } : domain,
      };
  }
}

/** A symmetric key has one algorithm; others have some, none of them that one. */
function algorithmModel({ facts, environment, mode }: ShapeContext): KeyModel {
  const { spec } = facts;
  if (spec === undefined) return { kind: "doubtful", doubt: "key-fact-unknown", present: true };
  if (spec === "SYMMETRIC_DEFAULT") return { kind: "const", value: spec };
  const model = scalarModel(
    { name: "kms:encryptionalgorithm", type: "string", multivalued: false, origin: "request" },
    { mayBeAbsent: false, mayBePresent: true, guess: "", environment, facts },
  );
  if (model.kind !== "scalar") return model;
  const excludedGlobs = [...model.domain.excludedGlobs, literalGlob("SYMMETRIC_DEFAULT"), literalGlob("")];
  return asDocumented(
    { kind: "scalar", domain: { ...model.domain, excludedGlobs } },
    ENCRYPTION_ALGORITHMS.get(spec) ?? ENCRYPTION_ALGORITHMS.get("RSA_2048"),
    mode,
  );
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
    case "kms:RequestAlias":
      return "alias/x";
    case "kms:GranteePrincipal":
      return `arn:${x.facts.partition}:iam::999988887777:role/outsider`;
    default:
      return f.type === "number" ? "1" : "x";
  }
}

export function maySymmetric({ facts }: ShapeContext): boolean {
  return facts.spec === undefined || facts.spec === "SYMMETRIC_DEFAULT";
}

export function carries(f: ConditionKeyFacts, x: ShapeContext): boolean {
  return f.group !== undefined && x.action.keyGroups.includes(f.group);
}

import type { Policy, PrincipalEntry } from "../../src/policy/ast.js";
import { parsePolicy } from "../../src/policy/parse.js";
import { parsePrincipal } from "../../src/semantics/arn.js";
import { conditionKeyFacts, type ConditionKeyFacts } from "../../src/semantics/condition-keys.js";
import type { Place } from "./vocabulary.js";
import type { World } from "./worlds.js";

/** A condition key that the documents of a world ask about, and the values that they compare it with. */
export interface Topic {
  /** As requests name it. */
  readonly name: string;
  readonly lower: string;
  readonly facts: ConditionKeyFacts | undefined;
  readonly values: string[];
}

/** What the documents of a world talk about: requests are drawn near it. */
export interface Topics {
  readonly place: Place;
  readonly keys: ReadonlyMap<string, Topic>;
  readonly principals: readonly PrincipalEntry[];
  /** ARN patterns that conditions hold against callers. */
  readonly principalPatterns: readonly string[];
  readonly userids: readonly string[];
  readonly services: readonly string[];
  readonly accounts: readonly string[];
  /** Accounts of the zone of trust: requests of theirs are no test of a verdict, so few are drawn. */
  readonly insiders: ReadonlySet<string>;
}

/** Reads the documents of a world as a stranger would: what could a request have to do with them? */
export function topicsOf(world: World): Topics {
  const keys = new Map<string, Topic>();
  const principals: PrincipalEntry[] = [];
  const topic = (name: string, values: readonly string[]): void => {
    const lower = name.toLowerCase();
    const known = keys.get(lower);
    if (known !== undefined) known.values.push(...values);
    else keys.set(lower, { name, lower, facts: conditionKeyFacts(name), values: [...values] });
  };
  const policies = [
    parsePolicy(world.policy).policy,
    ...world.resourceControlPolicies.map((text) => parsePolicy(text, { kind: "rcp" }).policy),
  ];
  for (const policy of policies) if (policy !== undefined) readPolicy(policy, principals, topic);
  for (const grant of world.grants) {
    for (const text of [grant.GranteePrincipal, grant.GranteeServicePrincipal, grant.RetiringPrincipal]) {
      const entry = text === undefined ? undefined : parsePrincipal(text);
      if (entry !== undefined) principals.push(entry);
    }
    const { EncryptionContextEquals, EncryptionContextSubset, SourceArn } = grant.Constraints ?? {};
    for (const [name, value] of [
      ...Object.entries(EncryptionContextEquals ?? {}),
      ...Object.entries(EncryptionContextSubset ?? {}),
    ]) {
      topic(`kms:EncryptionContext:${name}`, [value]);
    }
    if (SourceArn !== undefined) topic("aws:SourceArn", [SourceArn]);
    if (grant.Operations?.includes("CreateGrant") === true) {
      topic("kms:GrantOperations", grant.Operations);
      topic("kms:GrantConstraintType", ["EncryptionContextEquals"]);
    }
  }
  for (const text of world.zone.principals) {
    const entry = parsePrincipal(text);
    if (entry !== undefined) principals.push(entry);
  }
  const asked = (key: string): readonly string[] => keys.get(key)?.values ?? [];
  return {
    place: world.facts,
    keys,
    principals,
    principalPatterns: asked("aws:principalarn"),
    userids: asked("aws:userid"),
    services: [
      ...principals.flatMap((e) => (e.kind === "service" ? [e.name] : [])),
      ...world.zone.services,
      ...asked("aws:principalservicename"),
      ...asked("aws:principalservicenameslist"),
    ],
    accounts: [
      ...principals.flatMap((e) => ("account" in e ? [e.account as string] : [])),
      ...["kms:calleraccount", "aws:principalaccount", "aws:sourceaccount"].flatMap(asked),
    ],
    insiders: new Set<string>([world.facts.account, ...world.zone.accounts]),
  };
}

function readPolicy(
  policy: Policy,
  principals: PrincipalEntry[],
  topic: (name: string, values: readonly string[]) => void,
): void {
  for (const statement of policy.statements) {
    if (statement.principal.kind !== "missing") principals.push(...statement.principal.entries);
    for (const condition of statement.conditions) {
      const plain = condition.operator === "Null" ? [] : condition.values.filter((v) => !v.includes("${"));
      topic(condition.key, plain);
      for (const value of condition.values) readVariables(value, topic);
    }
    if (statement.resource.kind !== "missing") {
      for (const pattern of statement.resource.patterns) readVariables(pattern, topic);
    }
  }
}

function readVariables(text: string, topic: (name: string, values: readonly string[]) => void): void {
  for (const m of text.matchAll(/\$\{\s*([^\s,'}]+)/g)) {
    const [, name = ""] = m;
    if (name.length > 1) topic(name, []);
  }
}

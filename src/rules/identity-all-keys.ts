import type { IamPrincipal } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { makeKeyArn, keyArnParts } from "../domain/ids.js";
import type { RuleId } from "../domain/rule-id.js";
import type { Capability, Certainty, Severity } from "../domain/verdict.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { KmsDocument } from "../iam/documents.js";
import type { OwnedDocument } from "../iam/sides.js";
import type { UseCertainty } from "../iam/use.js";
import { parsePolicy } from "../policy/parse.js";
import type { KeyDocument } from "../semantics/request.js";
import { actionFacts } from "../semantics/actions.js";
import type { IamView } from "./iam-view.js";
import { severityOf } from "./severity.js";
import { actionsText, canDo, name, quote } from "./words.js";

/**
 * An identity policy that reads, shares or takes over every key of its account whose key policy hands control to IAM.
 * Sources: AWS Security Hub, controls KMS.1 and KMS.2 (decryption on all keys); KMS Developer Guide, "Best practices for
 * IAM policies" (name the keys).
 */
export interface AllKeysFinding {
  readonly rule: Extract<RuleId, `identity-${string}`>;
  readonly severity: Severity;
  readonly certainty: Certainty;
  readonly policy: {
    readonly kind: "inline" | "managed";
    /** ARN of a managed policy, name of an inline one. */
    readonly name: string;
    /** Of AWS: it cannot be changed, only replaced. */
    readonly ofAws: boolean;
  };
  /** ARNs of users and roles that it gives this to; not more than {@link MOST_HOLDERS}. */
  readonly holders: readonly string[];
  readonly holderCount: number;
  /** Groups that users have it from. */
  readonly groups: readonly string[];
  readonly actions: readonly string[];
  readonly capabilities: readonly Capability[];
  readonly reason: string;
  readonly remedy: string;
}

/** Holders that a finding lists. */
export const MOST_HOLDERS = 20;

/** What each rule looks for, worst first; a policy is a finding of the first that it meets. */
const RULES = [
  { rule: "identity-controls-all-keys", actions: ["kms:PutKeyPolicy"] },
  { rule: "identity-shares-all-keys", actions: ["kms:CreateGrant"] },
  { rule: "identity-reads-all-keys", actions: ["kms:Decrypt", "kms:ReEncryptFrom"] },
] as const;
const WANTED: readonly string[] = RULES.flatMap((r) => r.actions);

interface Tally {
  readonly document: OwnedDocument["document"];
  readonly holders: Map<string, IamPrincipal>;
  readonly groups: Set<string>;
  readonly actions: Map<string, UseCertainty>;
}

/**
 * The identity policies of an account that reach every key. A key that nobody has named stands for all of them: its
 * policy is AWS's default, so that IAM decides alone, with boundaries, denials and service control policies counted.
 */
export function allKeysFindings(view: IamView, partition: string, region: string): readonly AllKeysFinding[] {
  const key = anyKey(view.account, partition, region);
  const tallies = new Map<KmsDocument | string, Tally>();
  for (const { principal, uses } of view.analysis.usersOf(key)) {
    // AWS writes the policies of service-linked roles; nobody can change them.
    if (principal.name.startsWith("aws-service-role/")) continue;
    for (const owned of view.analysis.documentsOf(principal)) {
      for (const use of uses.filter((u) => u.documents.includes(owned.kms))) {
        const actions = use.actions.filter((a) => WANTED.includes(a));
        if (actions.length === 0) continue;
        const id = owned.document.kind === "managed" ? owned.document.name : owned.kms;
        const tally = tallies.get(id) ?? {
          document: owned.document,
          holders: new Map(),
          groups: new Set(),
          actions: new Map(),
        };
        tallies.set(id, tally);
        tally.holders.set(principal.arn, principal);
        if (owned.document.group !== undefined) tally.groups.add(owned.document.group);
        for (const a of actions) {
          // That service control policies were not read is said of the account; the policy says what it says.
          if (tally.actions.get(a) !== "certain") tally.actions.set(a, use.ifPermitted);
        }
      }
    }
  }
  return [...tallies.values()].flatMap((t) => finding(t) ?? []);
}

function finding(t: Tally): AllKeysFinding | undefined {
  const rule = RULES.find((r) => r.actions.some((a) => t.actions.has(a)));
  if (rule === undefined) return undefined;
  const actions = WANTED.filter((a) => t.actions.has(a));
  const capabilities = CAPABILITIES.filter((c) => actions.some((a) => actionFacts(a)?.capability === c));
  const certain = actions.some((a) => t.actions.get(a) === "certain");
  const conditional = !certain && actions.every((a) => t.actions.get(a) === "conditional");
  const { kind, name: label } = t.document;
  const ofAws = kind === "managed" && /^arn:[^:]+:iam::aws:/.test(label);
  const holders = [...t.holders.keys()].sort();
  const [first = ""] = holders;
  const whom =
    holders.length === 1 ? name(first) : `${holders.length} users and roles, such as ${name(first)}`;
  const policy = `${kind === "managed" ? "managed" : "inline"} policy ${quote(label)}`;
  const doing = canDo(capabilities, certain ? "certain" : "possible").replace(/^(can|may be able to) /, "");
  return {
    rule: rule.rule,
    // AdministratorAccess and its like are in every account; that somebody has one is a fact rather than a fault.
    severity: ofAws || conditional ? "info" : severityOf("none", capabilities),
    certainty: certain ? "certain" : "possible",
    policy: { kind, name: label, ofAws },
    holders: holders.slice(0, MOST_HOLDERS),
    holderCount: holders.length,
    groups: [...t.groups].sort(),
    actions,
    capabilities,
    reason: `The ${policy} lets ${whom} ${doing} (${actionsText(actions)})${conditional ? ", under conditions," : ""} for every key whose key policy hands control to IAM.`,
    remedy: ofAws
      ? "Give those who need keys a policy of your own that names them, and keep this one for few."
      : `In the ${policy}, name the keys in Resource by their ARNs, or bind it to their tags or aliases; take out ${actionsText(actions)} where they are not needed.`,
  };
}

const ID = "00000000-keyw-ard0-0000-anykeyofall0";

function anyKey(account: AccountId, partition: string, region: string): KeyDocument {
  const arn = makeKeyArn({ partition, region, account, keyId: ID });
  const policy = parsePolicy(
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:${partition}:iam::${account}:root` },
          Action: "kms:*",
          Resource: "*",
        },
      ],
    }),
  ).policy;
  if (policy === undefined) throw new Error("the default key policy cannot be read");
  return {
    facts: {
      arn,
      ...keyArnParts(arn),
      organization: { kind: "unknown" },
      state: "Enabled",
      spec: "SYMMETRIC_DEFAULT",
      usage: "ENCRYPT_DECRYPT",
    },
    policy,
    grants: [],
    resourceControlPolicies: [],
  };
}

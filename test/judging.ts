import { present } from "../src/domain/fetched.js";
import type { Grant } from "../src/domain/grant.js";
import type { AccountId, OrganizationId } from "../src/domain/ids.js";
import { keyArnParts, parseAccountId, parseKeyArn, parseOrganizationId } from "../src/domain/ids.js";
import type { KeyRecord } from "../src/domain/key.js";
import type { RuleId } from "../src/domain/rule-id.js";
import type { Finding, KeyReport } from "../src/rules/finding.js";
import { judgeKey } from "../src/rules/judge.js";
import type { JudgeContext } from "../src/rules/judge.js";
import type { Exception } from "../src/trust/config.js";
import { ExceptionBook } from "../src/trust/exceptions.js";

/** The key's account, a trusted account, a member of the trusted organization's stranger, and a stranger. */
export const OWNER = "111122223333";
export const FRIEND = "222233334444";
export const STRANGER = "444455556666";
export const ORGANIZATION = "o-own1234567";
export const ARN = `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
/** 2026-11-23, in seconds since the epoch. */
export const NOW = Date.UTC(2026, 10, 23) / 1000;

export type Json = Readonly<Record<string, unknown>>;

export const root = (account: string): string => `arn:aws:iam::${account}:root`;
export const role = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;

/** The statement of every default key policy. */
export const ROOT: Json = {
  Effect: "Allow",
  Principal: { AWS: root(OWNER) },
  Action: "kms:*",
  Resource: "*",
};

/** An Allow on this key for `principal`. */
export function allow(principal: unknown, action: unknown, more: Json = {}): Json {
  return { Effect: "Allow", Principal: principal, Action: action, Resource: "*", ...more };
}

/** The text of a key policy with these statements beside the account root's. */
export function policyText(...statements: readonly Json[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [ROOT, ...statements] }, null, 2);
}

export interface Setting {
  readonly arn?: string;
  readonly grants?: readonly Grant[];
  readonly facts?: Partial<KeyRecord["facts"]>;
  readonly record?: Partial<KeyRecord>;
  readonly exceptions?: readonly Exception[];
  readonly context?: Partial<JudgeContext>;
}

export const account = (id: string): AccountId => parseAccountId(id)!;
export const organization = (id: string): OrganizationId => parseOrganizationId(id)!;

/** A key of OWNER as a scan reads it: enabled, symmetric, member of ORGANIZATION, with this policy. */
export function keyOf(policy: string, setting: Setting = {}): KeyRecord {
  const arn = parseKeyArn(setting.arn ?? ARN)!;
  return {
    facts: {
      arn,
      ...keyArnParts(arn),
      organization: present({ id: organization(ORGANIZATION) }),
      state: "Enabled",
      spec: "SYMMETRIC_DEFAULT",
      usage: "ENCRYPT_DECRYPT",
      origin: "AWS_KMS",
      multiRegion: false,
      aliases: ["alias/app"],
      tags: {},
      ...setting.facts,
    },
    manager: "CUSTOMER",
    description: undefined,
    policy: present(policy),
    grants: present(setting.grants ?? []),
    resourceControlPolicies: [],
    ...setting.record,
  };
}

/** Judges with ORGANIZATION and FRIEND in the zone of trust. The engines must agree. */
export function judge(policy: string, setting: Setting = {}): KeyReport {
  const { report, disagreements } = judgeKey(keyOf(policy, setting), {
    zone: {
      organizations: [organization(ORGANIZATION)],
      accounts: [account(FRIEND)],
      principals: [],
      services: [],
    },
    organizationOf: new Map(),
    exceptions: new ExceptionBook(setting.exceptions ?? [], NOW),
    now: NOW,
    ...setting.context,
  });
  if (disagreements.length > 0) throw new Error(`the engines disagree: ${disagreements.join("; ")}`);
  return report;
}

/** The findings of a rule; with `severities` also what they are worth. */
export function findings(report: KeyReport, rule: RuleId): readonly Finding[] {
  return report.findings.filter((f) => f.rule === rule);
}

/** The one finding of a rule. */
export function only(report: KeyReport, rule: RuleId): Finding {
  const [first, ...more] = findings(report, rule);
  if (first === undefined || more.length > 0) {
    throw new Error(
      `${more.length + (first === undefined ? 0 : 1)} findings of ${rule}: ${rules(report).join(", ")}`,
    );
  }
  return first;
}

/** Rules and severities of all findings, `rule:severity`, worst first. */
export function rules(report: KeyReport): readonly string[] {
  return report.findings.map((f) => `${f.rule}:${f.severity}`);
}

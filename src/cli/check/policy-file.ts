import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { KeyArnParts } from "../../domain/ids.js";
import { keyArnParts, makeKeyArn, parseAccountId, parseKeyArn, partitionOfRegion } from "../../domain/ids.js";
import type { Problem, Result } from "../../domain/result.js";
import { err, ok } from "../../domain/result.js";
import type { ParsedPolicy, Policy } from "../../policy/ast.js";
import { MAX_POLICY_LENGTH, parsePolicy } from "../../policy/parse.js";
import type { KeyLine } from "../../snapshot/lines.js";
import type { CheckFlags } from "./flags.js";
import type { Input } from "./inputs.js";

/** What was taken for granted about a policy file, for the output to say. */
export type Assumption =
  | "account-from-root"
  | "account-unknown"
  | "arn-from-resource"
  | "made-up-key-id"
  | "unwrapped";

/** A policy file as something to judge. */
export interface PolicyFile {
  readonly line: KeyLine;
  readonly assumptions: ReadonlySet<Assumption>;
  /** The account that the key is taken to belong to. */
  readonly account: string;
}

/** Stands for the account of a policy that cannot be understood: AWS gives this id to nobody. */
const NOBODY = "000000000000";

/** Larger than anything that could be a key policy, with room for white space. */
const MAX_BYTES = 8 * MAX_POLICY_LENGTH;

/**
 * Reads a bare key policy. An error is one of usage (whose key it is cannot be told) or of the file; a text that is
 * not JSON is a key that cannot be assessed.
 */
export async function readPolicyFile(input: Input, flags: CheckFlags): Promise<Result<PolicyFile, Problem>> {
  const read = await readText(input);
  if (!read.ok) return read;
  const { text, unwrapped } = unwrap(read.value);
  const parsed = parsePolicy(text, { kind: "key" });
  const malformed = parsed.policy === undefined;
  const owner = ownerOf(parsed, malformed ? { ...flags, account: flags.account ?? NOBODY } : flags, input);
  if (!owner.ok) return owner;
  const assumptions = new Set<Assumption>(owner.value.assumptions);
  if (unwrapped) assumptions.add("unwrapped");
  if (malformed && flags.account === undefined) assumptions.add("account-unknown");
  const line: KeyLine = {
    type: "key",
    arn: makeKeyArn(owner.value.parts),
    policy: { kind: "present", text },
    grants: { kind: "absent" },
  };
  return ok({ line, assumptions, account: owner.value.parts.account });
}

async function readText(input: Input): Promise<Result<string, Problem>> {
  const file = await open(input.path, "r");
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) {
      return err({
        what: "too large for a key policy",
        where: input.name,
        expected: `at most ${MAX_BYTES} bytes`,
        got: `${size} bytes`,
        next: "name key policies and snapshots only",
      });
    }
    const bytes = await file.readFile();
    if (!isUtf8(bytes)) {
      return err({
        what: "not UTF-8 text",
        where: input.name,
        next: "save the file as UTF-8; PowerShell redirection writes UTF-16",
      });
    }
    return ok(bytes.toString("utf8"));
  } finally {
    await file.close();
  }
}

/** The answer of `aws kms get-key-policy` holds the policy as a string. */
function unwrap(text: string): { readonly text: string; readonly unwrapped: boolean } {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && "Policy" in json && typeof json.Policy === "string") {
      return { text: json.Policy, unwrapped: true };
    }
  } catch {
    // The policy parser says what is wrong, and where.
  }
  return { text, unwrapped: false };
}

interface Owner {
  readonly parts: KeyArnParts;
  readonly assumptions: readonly Assumption[];
}

/** Whose key a policy is about: the flags say it, or the policy itself does beyond doubt. */
function ownerOf(parsed: ParsedPolicy, flags: CheckFlags, input: Input): Result<Owner, Problem> {
  const assumptions: Assumption[] = [];
  const named = keyInResources(parsed.policy, flags);
  if (named === "several") {
    return err({
      what: "the statements name several keys in Resource, so whose policy this is cannot be told",
      where: input.name,
      expected: "--account, --region and --key-id of the key",
      next: `run: keyward check --account ID --region REGION --key-id ID ${input.name}`,
    });
  }
  const root = rootWithFullControl(parsed.policy);
  const account = parseAccountId(flags.account ?? named?.account ?? root?.account ?? "");
  if (account === undefined) return err(noAccount(parsed.policy, input));
  if (flags.account === undefined)
    assumptions.push(named === undefined ? "account-from-root" : "arn-from-resource");
  const region = flags.region ?? named?.region ?? defaultRegion(root?.partition);
  const keyId = flags.keyId ?? named?.keyId ?? madeUpKeyId(input);
  if (flags.keyId === undefined && named === undefined) assumptions.push("made-up-key-id");
  const partition = named?.partition ?? partitionOfRegion(region);
  return ok({ parts: { partition, region, account, keyId }, assumptions });
}

function noAccount(policy: Policy | undefined, input: Input): Problem {
  if (policy?.statements.length === 0) {
    return {
      what: "neither a key policy nor a snapshot",
      where: input.name,
      expected: 'a JSON object with "Statement", or a snapshot that keyward scan has written',
      next: "name key policies and snapshots only",
    };
  }
  return {
    what: "whose key this would be cannot be told from the policy",
    where: input.name,
    expected: "exactly one account root that is allowed kms:*, or --account",
    next: `run: keyward check --account ID ${input.name}`,
  };
}

/** The one key that the statements name by its ARN, if the flags do not speak against it. */
function keyInResources(policy: Policy | undefined, flags: CheckFlags): KeyArnParts | "several" | undefined {
  if (flags.keyId !== undefined) return undefined;
  const named = new Map<string, KeyArnParts>();
  for (const { resource } of policy?.statements ?? []) {
    for (const pattern of resource.kind === "missing" ? [] : resource.patterns) {
      const arn = parseKeyArn(pattern);
      if (arn !== undefined) named.set(arn, keyArnParts(arn));
    }
  }
  const fitting = [...named.values()].filter(
    (p) =>
      (flags.account === undefined || p.account === flags.account) &&
      (flags.region === undefined || p.region === flags.region),
  );
  return fitting.length > 1 ? "several" : fitting[0];
}

/** The only account root that is allowed everything. Default key policies have exactly that statement. */
function rootWithFullControl(
  policy: Policy | undefined,
): { readonly account: string; readonly partition: string | undefined } | undefined {
  const roots = new Map<string, string | undefined>();
  for (const statement of policy?.statements ?? []) {
    if (statement.effect !== "Allow" || statement.principal.kind !== "principal") continue;
    const full =
      statement.action.kind === "listed" &&
      statement.action.patterns.some((p) => p === "*" || p.toLowerCase() === "kms:*");
    if (!full) continue;
    for (const e of statement.principal.entries) if (e.kind === "account") roots.set(e.account, e.partition);
  }
  const [only, ...more] = roots;
  return only === undefined || more.length > 0 ? undefined : { account: only[0], partition: only[1] };
}

function defaultRegion(partition: string | undefined): string {
  if (partition === "aws-cn") return "cn-north-1";
  return partition === "aws-us-gov" ? "us-gov-west-1" : "us-east-1";
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}/i;

/** The key id in the file's name, else one made of its path: the same file gives the same id, and findings theirs. */
function madeUpKeyId(input: Input): string {
  const inName = UUID.exec(basename(input.name))?.[0];
  if (inName !== undefined) return inName.toLowerCase();
  const hex = createHash("sha256").update(input.name.replaceAll("\\", "/"), "utf8").digest("hex");
  return [8, 12, 16, 20, 32].map((end, i, ends) => hex.slice(ends[i - 1] ?? 0, end)).join("-");
}

import type { Grant } from "../../domain/grant.js";
import { KeywardError } from "../../domain/result.js";
import type { SimulateFlags } from "./flags.js";
import { grantsSchema, type PolicyNames, readJson, readTextFile } from "./request.js";

/** What the policies that flags give are called: the files as the user typed them. */
export function namesOf(flags: SimulateFlags): PolicyNames {
  return {
    identity: flags.identityPolicy,
    ...(flags.boundary === undefined ? {} : { boundary: [flags.boundary] }),
    ...(flags.sessionPolicy === undefined ? {} : { "session-policy": [flags.sessionPolicy] }),
    "service-control-policy": flags.scp,
    "resource-control-policy": flags.rcp,
  };
}

/** The request that the flags describe, in the form that files have. */
export async function fromFlags(flags: SimulateFlags): Promise<unknown> {
  if (flags.principal === undefined || flags.action === undefined) {
    throw new KeywardError({
      what: "a request needs at least --principal and --action",
      next: "name both, or a file with --request or --requests",
    });
  }
  if (flags.identity !== undefined && flags.identityPolicy.length > 0) {
    throw new KeywardError({
      what: "--identity and --identity-policy exclude each other",
      next: "leave one away",
    });
  }
  const files = (paths: readonly string[]): Promise<string[]> => Promise.all(paths.map(readTextFile));
  const optional = <T>(name: string, value: T | undefined): Record<string, T> =>
    value === undefined ? {} : { [name]: value };
  const context = new Map<string, string | string[]>();
  for (const [key, value] of pairs(flags.context, "--context")) {
    const before = context.get(key);
    context.set(
      key,
      before === undefined ? value : [...(typeof before === "string" ? [before] : before), value],
    );
  }
  return {
    principal: flags.principal,
    action: flags.action,
    ...optional(
      "identity",
      flags.identityPolicy.length > 0 ? await files(flags.identityPolicy) : flags.identity,
    ),
    ...optional("boundary", flags.boundary === undefined ? undefined : await limit(flags.boundary)),
    ...optional(
      "sessionPolicy",
      flags.sessionPolicy === undefined ? undefined : await limit(flags.sessionPolicy),
    ),
    ...optional("serviceControlPolicies", flags.scp.length === 0 ? undefined : await files(flags.scp)),
    ...optional("resourceControlPolicies", flags.rcp.length === 0 ? undefined : await files(flags.rcp)),
    ...optional("callerIsInManagementAccount", flags.managementAccount),
    ...optional("grants", flags.grants === undefined ? undefined : await grantsOf(flags.grants)),
    context: Object.fromEntries(context),
    ...optional(
      "encryptionContext",
      flags.encryptionContext.length === 0
        ? undefined
        : encryptionContext(pairs(flags.encryptionContext, "--encryption-context")),
    ),
    ...optional("keyState", flags.keyState),
    ...optional("time", flags.time),
  };
}

async function grantsOf(path: string): Promise<readonly Grant[]> {
  const parsed = grantsSchema.safeParse(await readJson(path));
  if (parsed.success) return Array.isArray(parsed.data) ? parsed.data : parsed.data.Grants;
  const [issue] = parsed.error.issues;
  throw new KeywardError({
    what: `not a list of grants: ${issue?.message ?? "wrong form"}`,
    where: `${path}, at $.${(issue?.path ?? []).join(".")}`,
    expected: "the answer of kms list-grants, or its Grants",
    next: "run: aws kms list-grants --key-id KEY",
  });
}

function pairs(texts: readonly string[], flag: string): [string, string][] {
  return texts.map((t) => {
    const at = t.indexOf("=");
    if (at > 0) return [t.slice(0, at), t.slice(at + 1)];
    throw new KeywardError({ what: `${flag} takes key=value`, got: t, next: "write for example tenant=a" });
  });
}

/** `none` says that there is none; a file of that name is `./none`. */
function limit(path: string): Promise<string> {
  return path === "none" ? Promise.resolve("none") : readTextFile(path);
}

/** The pairs of an encryption context: each key once, or one value would silently take the place of another. */
function encryptionContext(given: readonly (readonly [string, string])[]): Record<string, string> {
  const keys = given.map(([key]) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice === undefined) return Object.fromEntries(given);
  throw new KeywardError({
    what: "--encryption-context has a key twice",
    got: twice,
    next: "give each key of the encryption context once",
  });
}

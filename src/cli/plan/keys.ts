import { KeywardError } from "../../domain/result.js";
import type { KeyLine } from "../../snapshot/lines.js";
import { Estate } from "../../snapshot/key-record.js";
import type { CheckFlags } from "../check/flags.js";
import type { Input } from "../check/inputs.js";
import { readPolicyFile } from "../check/policy-file.js";
import { EstateIam } from "../estate-iam.js";

/** A key to plan for, with what its file says of the accounts around it. */
export interface PlanKey {
  readonly line: KeyLine;
  readonly estate: Estate;
  /** Users and roles of the accounts, as far as the file has them. */
  readonly iam: EstateIam;
  readonly file: string | undefined;
}

/** What the files say beside their keys. */
export interface Around {
  readonly notes: string[];
  /** Things that the snapshot could not read. */
  incomplete: number;
}

/** The keys of the inputs that have one of these names (all, where there are none). */
export async function* planKeys(
  inputs: readonly Input[],
  flags: Pick<CheckFlags, "account" | "region" | "keyId">,
  names: readonly string[],
  around: Around,
): AsyncGenerator<PlanKey> {
  const missing = new Set(names);
  for (const input of inputs) {
    if (input.kind === "policy") {
      const read = await readPolicyFile(input, { ...NO_FLAGS, ...flags });
      if (!read.ok) throw new KeywardError(read.error);
      around.notes.push(
        `The policy in ${input.name} was taken to be that of a key of account ${read.value.account}.`,
      );
      const estate = new Estate();
      const iam = new EstateIam(estate);
      const key = { line: read.value.line, estate, iam, file: input.name };
      if (wanted(key.line, names, missing)) yield key;
      continue;
    }
    const { snapshotLines } = await import("../check/snapshot-file.js");
    const estate = new Estate();
    const iam = new EstateIam(estate);
    for await (const line of snapshotLines(input)) {
      switch (line.type) {
        case "organization":
          estate.add(line);
          iam.add(line);
          break;
        case "resource-control-policy":
          estate.add(line);
          break;
        case "account":
          estate.add(line);
          iam.add(line);
          break;
        case "user":
        case "role":
        case "group":
        case "managed-policy":
        case "service-control-policy":
          iam.add(line);
          break;
        case "incomplete":
          around.incomplete++;
          break;
        case "key":
          if (wanted(line, names, missing)) {
            yield { line, estate, iam, file: undefined };
          }
          break;
        case "snapshot":
        case "region":
        case "coverage":
          break;
      }
    }
  }
  const [none] = missing;
  if (none !== undefined) {
    throw new KeywardError({
      what: "there is no such key in what was read",
      expected: "the ARN, key id or alias of a key",
      got: none,
      next: "name keys as the snapshot does; keyward check lists them",
    });
  }
}

const NO_FLAGS: CheckFlags = { account: undefined, region: undefined, keyId: undefined };

function wanted(line: KeyLine, names: readonly string[], missing: Set<string>): boolean {
  if (names.length === 0) return true;
  const own = names.filter(
    (n) =>
      line.arn === n ||
      line.arn.endsWith(`:key/${n}`) ||
      (line.aliases ?? []).some((a) => a === n || a === `alias/${n}`),
  );
  for (const n of own) missing.delete(n);
  return own.length > 0;
}

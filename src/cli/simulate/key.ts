import { itemsRead } from "../../domain/fetched.js";
import type { KeyRecord } from "../../domain/key.js";
import { KeywardError } from "../../domain/result.js";
import type { Policy } from "../../policy/ast.js";
import { denialsOf, policyDoubts } from "../../policy/doubtful.js";
import { parsePolicy } from "../../policy/parse.js";
import type { NamedPolicy } from "../../report/policy-answers.js";
import type { KeyDocument } from "../../semantics/request.js";
import { Estate, keyRecord } from "../../snapshot/key-record.js";
import { findInputs } from "../check/inputs.js";
import type { Io } from "../command.js";
import { findKey, policyLine } from "../explain/run.js";
import type { SimulateFlags } from "./flags.js";
import { SnapshotSide } from "./snapshot-side.js";

/** The key that requests are put to, and what stands beside it in its file. */
export interface AskedKey {
  readonly document: KeyDocument;
  /** The resource control policies of the document, by name. */
  readonly controls: readonly NamedPolicy[];
  /** What of them was not understood: Denies that perhaps hold. */
  readonly doubtfulControls: readonly Policy[];
  readonly side: SnapshotSide;
  readonly notes: readonly string[];
}

/** Reads the key. Throws a {@link KeywardError} where there is none, or where its policy was not read. */
export async function askedKey(file: string, flags: SimulateFlags, io: Io): Promise<AskedKey> {
  const inputs = await findInputs([file], io.stdin ?? process.stdin);
  try {
    const [problem] = inputs.problems;
    if (problem !== undefined) throw new KeywardError(problem);
    const [input, ...more] = inputs.files;
    if (input === undefined || more.length > 0) {
      throw new KeywardError({
        what: "name one policy or one snapshot",
        where: file,
        got: `${inputs.files.length} files`,
        next: "run: keyward simulate FILE --key KEY …",
      });
    }
    const estate = new Estate();
    const side = new SnapshotSide(estate);
    const notes: string[] = [];
    const line =
      input.kind === "policy"
        ? await policyLine(input, flags, notes)
        : await findKey(input, flags.key ?? "", estate, (other) => side.add(other));
    const record = keyRecord(line, estate);
    if (line.manager !== "AWS" && side.isManagement(record.facts.account)) {
      notes.push(
        `Account ${record.facts.account} is the management account: resource control policies do not bind its keys.`,
      );
    }
    return { ...documentOf(record), side, notes };
  } finally {
    await inputs.dispose();
  }
}

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

function documentOf(record: KeyRecord): Pick<AskedKey, "document" | "controls" | "doubtfulControls"> {
  if (record.policy.kind !== "present") {
    throw new KeywardError({
      what: "the key policy is not in the snapshot, so nothing can be said of a request",
      where: record.facts.arn,
      got: record.policy.kind,
      next: "scan again with kms:GetKeyPolicy",
    });
  }
  const parsed = parsePolicy(record.policy.value, { kind: "key", partition: record.facts.partition });
  const reading = policyDoubts(parsed);
  if (parsed.policy === undefined || reading.wholePolicy) {
    throw new KeywardError({
      what: `the key policy cannot be read: ${parsed.diagnostics[0]?.message ?? "it is no policy"}`,
      where: record.facts.arn,
      next: "correct the policy; keyward check says where it is wrong",
    });
  }
  const read = record.grants.kind === "present" || record.grants.kind === "absent";
  // What a Deny says that was not understood is open: it is left out here, and stands in `doubtfulControls`.
  const controls = record.resourceControlPolicies.map((text) => {
    const { sure, doubtful } = denialsOf(parsePolicy(text, { kind: "rcp" }));
    return { text, policy: sure ?? NO_POLICY, doubtful };
  });
  return {
    document: {
      facts: record.facts,
      policy: parsed.policy,
      grants: itemsRead(record.grants),
      ...(read ? {} : { grantsUnread: true }),
      resourceControlPolicies: controls.map((c) => c.policy),
      doubtfulStatements: reading.notUnderstood,
      refusedStatements: reading.refused,
    },
    controls: controls.map(({ text, policy }) => {
      const place = record.resourceControlPlaces?.find((p) => p.text === text);
      return {
        kind: "resource-control-policy",
        name: place?.name ?? place?.id ?? "of the snapshot",
        ...(place === undefined ? {} : { at: place.target }),
        policy,
      };
    }),
    doubtfulControls: controls.flatMap((c) => c.doubtful ?? []),
  };
}

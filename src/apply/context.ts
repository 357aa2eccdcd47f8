import type { KmsPort } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import type { Assessment, Bench } from "./assess.js";
import type { JournalEvent, KeyEnd } from "./journal/events.js";
import type { KmsWritePort } from "./ports.js";
import type { LiveKey } from "./read.js";
import type { KeyTask } from "./tasks.js";

/** Where a run writes what it does: the journal, or nothing in a dry run. */
export interface Recorder {
  add(event: JournalEvent): Promise<void>;
  /** @param revoke those of its grants that are about to be revoked */
  backUp(key: string, policy: string, grants: readonly Grant[], revoke: readonly Grant[]): Promise<void>;
  /** Keeps a policy that is about to be put; its SHA-256. */
  keep(policy: string): Promise<string>;
}

/** KMS where a key is. */
export interface KeyPorts {
  readonly read: KmsPort;
  readonly write: KmsWritePort;
}

/** What a person says to one key. */
export type Answer = "yes" | "no" | "quit";

/** What is shown before a key is changed. */
export interface Proposal {
  readonly task: KeyTask;
  readonly live: LiveKey;
  /** Undefined: the policy stays. */
  readonly newPolicy: string | undefined;
  readonly revoke: readonly Grant[];
  readonly create: readonly Grant[];
  readonly before: Assessment;
  readonly after: Assessment;
  /** Position among the keys of the run, from 1. */
  readonly index: number;
  readonly of: number;
}

/** Everything that a run needs of the outside. */
export interface RunContext {
  readonly kind: "apply" | "rollback";
  /** KMS for a key; a sentence where its account cannot be reached. */
  readonly portsOf: (arn: string) => Promise<KeyPorts | string>;
  readonly recorder: Recorder;
  /** Shows the change; in a run without questions, answers yes. */
  readonly confirm: (proposal: Proposal) => Promise<Answer>;
  readonly tell: (end: KeyEnd) => void;
  readonly bench: (task: KeyTask) => Bench;
  /** True: everything but the calls that change something. */
  readonly dryRun: boolean;
  readonly keepGoing: boolean;
  /** Milliseconds for which a change may stay invisible to reads. */
  readonly settleMs: number;
  /** Milliseconds, of a clock that never goes back. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** Somebody wants the run to stop after the key that it is at. */
  readonly stopping: () => boolean;
}

import { parentPort, workerData } from "node:worker_threads";
import { add, emptyTally, runWorld, type Tally } from "../differential/run.js";
import { type Finding, shrink } from "../differential/shrink.js";

/** What the main thread asks of a worker. */
export interface Task {
  readonly seed: number;
  /** Worlds `first`, `first + stride`, … are this worker's. */
  readonly first: number;
  readonly stride: number;
  readonly requests: number;
  /** Milliseconds since the epoch; no world is begun later. */
  readonly until: number;
  /** No world from this number on. */
  readonly worlds: number;
  /** Bound on the time that shrinking one disagreement takes, in milliseconds. */
  readonly shrinkFor: number;
}

/** What a worker reports. */
export type Report =
  | { readonly kind: "tally"; readonly tally: Tally }
  | { readonly kind: "finding"; readonly finding: Finding; readonly index: number }
  | { readonly kind: "done" };

const BEAT = 1000;

function work(task: Task, report: (r: Report) => void): void {
  let tally = emptyTally();
  let beat = Date.now();
  const shrunk = new Map<string, number>();
  for (let index = task.first; index < task.worlds; index += task.stride) {
    const now = Date.now();
    if (now >= task.until) break;
    if (now - beat > BEAT) {
      report({ kind: "tally", tally });
      tally = emptyTally();
      beat = now;
    }
    const finding = runWorld(task.seed, index, task.requests, tally);
    if (finding === undefined) continue;
    // Many worlds can show one bug: the first few of a kind are made small, the others only counted.
    const times = shrunk.get(finding.what) ?? 0;
    shrunk.set(finding.what, times + 1);
    if (times >= 8) continue;
    const small = shrink(finding, Date.now() + task.shrinkFor);
    report({ kind: "finding", finding: small, index });
  }
  const rest = emptyTally();
  add(rest, tally);
  report({ kind: "tally", tally: rest });
  report({ kind: "done" });
}

const port = parentPort;
if (port !== null) work(workerData as Task, (r) => port.postMessage(r));

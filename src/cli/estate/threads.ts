import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Config } from "../../trust/config.js";
import { limitHeapGrowth } from "../heap.js";
import type { FailOn } from "../options.js";
import type { JudgedPart, RawKeys } from "./batch.js";
import type { ContextLine } from "./key-judge.js";
import type { Judges } from "./read-judged.js";

/** What each thread is told at its start. */
export interface WorkerStart {
  readonly config: Config;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly failOn: FailOn;
}

/** What a thread is told to do. In the order of sending: lines about several keys come before those keys. */
export type Task =
  | { readonly kind: "begin" }
  | { readonly kind: "add"; readonly line: ContextLine }
  | { readonly kind: "keys"; readonly id: number; readonly keys: RawKeys };

export interface Reply {
  readonly id: number;
  readonly judged: JudgedPart;
}

/** More threads than this take more memory than they are worth: reading the file is one thread's work. */
const MOST_THREADS = 4;

/** Batches that may be out for each thread. */
const AHEAD = 4;

interface Waiting {
  readonly resolve: (judged: JudgedPart) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that read and judge keys. What they say is the same, whichever of them says it. */
export class KeyThreads implements Judges {
  private readonly threads: readonly Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;
  private failure: Error | undefined;

  constructor(start: WorkerStart, count: number) {
    limitHeapGrowth();
    this.threads = Array.from({ length: count }, () => this.start(start));
  }

  /** How many threads this machine is good for. */
  static good(): number {
    return Math.min(MOST_THREADS, availableParallelism());
  }

  get count(): number {
    return this.threads.length;
  }

  /** Batches that keep every thread busy: each has a share of most of them, but not an equal one. */
  get ahead(): number {
    return this.threads.length * AHEAD;
  }

  begin(): void {
    this.tell({ kind: "begin" });
  }

  add(line: ContextLine): void {
    this.tell({ kind: "add", line });
  }

  /** The bytes of `keys` are handed over: they are gone afterwards. */
  async judge(keys: RawKeys, which: number): Promise<JudgedPart> {
    if (this.failure !== undefined) throw this.failure;
    const id = this.next++;
    const thread = this.threads[which];
    if (thread === undefined) throw new Error(`there is no thread ${which}`);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      const task: Task = { kind: "keys", id, keys };
      thread.postMessage(task, [keys.bytes.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((t) => t.terminate()));
  }

  private tell(task: Task): void {
    for (const worker of this.threads) worker.postMessage(task);
  }

  private start(workerData: WorkerStart): Worker {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
    worker.on("message", ({ id, judged }: Reply) => {
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      waiting?.resolve(judged);
    });
    // A bug, or no memory left: nothing that was asked will be answered.
    worker.on("error", (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
    return worker;
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

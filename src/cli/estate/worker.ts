import { parentPort, workerData } from "node:worker_threads";
import { judgeKeys } from "./batch.js";
import { KeyJudge } from "./key-judge.js";
import type { Reply, Task, WorkerStart } from "./threads.js";

/** A thread that reads and judges keys: see threads.ts. */
const port = parentPort;
if (port === null) throw new Error("this file is run as a thread");
const { config, now, failOn } = workerData as WorkerStart;
const judge = new KeyJudge(config, now);

port.on("message", (task: Task) => {
  switch (task.kind) {
    case "begin":
      judge.begin();
      return;
    case "add":
      // The audit, which is told as well, says what comes too late.
      judge.add(task.line);
      return;
    case "keys": {
      const judged = judgeKeys(task.keys, judge, failOn);
      const reply: Reply = { id: task.id, judged };
      port.postMessage(reply, [judged.members.buffer as ArrayBuffer, judged.ends.buffer as ArrayBuffer]);
    }
  }
});

// Loaded into the measured program: tells at its end what it took, start of Node included.
import { writeSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const result = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, maxRssMb: maxRSS / 1024 };
  writeSync(2, `measured ${JSON.stringify(result)}\n`);
});

import { runWorld, emptyTally } from "./differential/run.js";
for (const [seed, i] of [
  [20261203, 165760],
  [20261203, 208960],
] as const) {
  const f = runWorld(seed, i, 60, emptyTally());
  console.log(
    JSON.stringify(f?.request),
    "\n",
    f?.text.slice(0, 1500),
    "\n",
    f?.world.policy,
    JSON.stringify(f?.world.resourceControlPolicies),
    JSON.stringify(f?.world.facts),
    JSON.stringify(f?.world.zone),
  );
}

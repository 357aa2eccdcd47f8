#!/usr/bin/env node
import { writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { simulateRequestSchema } from "./simulate/request.js";
import { PLAN_SCHEMA, planSchema } from "../repair/plan-file.js";
import { REPORT_SCHEMA } from "../report/control.js";
import { EXPLANATION_SCHEMA } from "../report/explain.js";
import { explanationSchema } from "../report/explanation-schema.js";
import { SIMULATION_SCHEMA } from "../report/simulate.js";
import { simulationSchema } from "../report/simulation-schema.js";
import { DIFF_SCHEMA } from "../report/diff.js";
import { diffSchema } from "../report/diff-schema.js";
import { reportSchema } from "../report/schema.js";
import { SNAPSHOT_SCHEMA } from "../snapshot/lines.js";
import { snapshotLineSchema } from "../snapshot/schema.js";
import { configSchema } from "../trust/schema.js";
import { USAGE_SCHEMA, usageFileLineSchema } from "../usage/schema.js";

/** The JSON Schemas that the package ships, by file name. Not a command: `npm run schemas` writes them. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map([
    ["snapshot.schema.json", jsonSchema(snapshotLineSchema, `One line of a snapshot, ${SNAPSHOT_SCHEMA}`)],
    ["report.schema.json", jsonSchema(reportSchema, `The report of keyward, ${REPORT_SCHEMA}`)],
    ["diff.schema.json", jsonSchema(diffSchema, `The result of keyward diff, ${DIFF_SCHEMA}`)],
    [
      "explanation.schema.json",
      jsonSchema(explanationSchema, `The result of keyward explain, ${EXPLANATION_SCHEMA}`),
    ],
    [
      "simulation.schema.json",
      jsonSchema(simulationSchema, `One answer of keyward simulate, ${SIMULATION_SCHEMA}`),
    ],
    ["simulate-request.schema.json", jsonSchema(simulateRequestSchema, "One request of keyward simulate")],
    ["usage.schema.json", jsonSchema(usageFileLineSchema, `One line of a usage file, ${USAGE_SCHEMA}`)],
    ["plan.schema.json", jsonSchema(planSchema, `A plan of keyward, ${PLAN_SCHEMA}`)],
    ["config.schema.json", jsonSchema(configSchema, "keyward.yaml: the zone of trust and its exceptions")],
  ]);
}

function jsonSchema(schema: z.ZodType, title: string): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-2020-12",
    reused: "ref",
  });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}

/** The folder of the package that they are in. */
export const SCHEMA_FOLDER = new URL("../../schemas/", import.meta.url);

if (argv[1] !== undefined && fileURLToPath(import.meta.url) === argv[1]) {
  for (const [name, text] of jsonSchemas()) await writeFile(new URL(name, SCHEMA_FOLDER), text);
}

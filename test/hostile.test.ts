import { describe, expect, test } from "vitest";
import { analyze } from "../src/access/analyze.js";
import { DEFAULT_MAX_STEPS } from "../src/access/analysis-input.js";
import { parsePolicy } from "../src/policy/parse.js";
import { HOSTILE } from "./hostile.js";
import { classifyVectors, VECTOR_TIME, vectorFacts } from "./vectors.js";

/**
 * What is true of them, worked out by hand: `open` for a stranger or an outsider, `closed`, or not worked out. The answer
 * must be that or "unknown".
 */
const TRUTH: Readonly<Record<string, "open" | "closed">> = {
  // An ARN is shorter than the text that the pattern asks for.
  "one long glob of stars": "closed",
  "one long glob, refused": "closed",
  "many overlapping globs": "open",
  // `*a*a*` is one of the globs, and every ARN begins with "arn:aws".
  "many overlapping globs to escape": "closed",
  "denies with many ways out": "open",
  // Two values cannot equal hundreds.
  "denies without a way out": "closed",
  // One key would have to be there and not there.
  "a maze of denies": "closed",
  "accounts named": "open",
  "accounts named one by one": "open",
  "accounts in conditions, shut out": "closed",
  "roles named": "open",
  "organizations named": "open",
  // Who is in an organization has a path that begins with "o-".
  "organization paths": "closed",
  "address ranges": "closed",
  dates: "closed",
  "context keys": "open",
  // A stranger gives himself the tags that are asked for.
  "variables of each other": "open",
  // Without tags no Deny fits.
  "variables and denies": "open",
  "many statements": "open",
  "many statements, all shut": "closed",
};

const [first] = classifyVectors();
if (first === undefined) throw new Error("no cases");
const facts = vectorFacts(first);

describe.each(Object.entries(HOSTILE))("a policy with %s", (name, text) => {
  const analysis = (scope: "outside" | "all") =>
    analyze({
      facts,
      policy: parsePolicy(text, { kind: "key", partition: "aws" }),
      grants: [],
      resourceControlPolicies: [],
      zone: { accounts: [], organizations: [], principals: [], services: [] },
      organizationOf: new Map(),
      now: VECTOR_TIME,
      scope,
    });

  test("is answered within the bound on the search, rightly or not at all", () => {
    expect(text.length).toBeLessThanOrEqual(32_768);
    const matrix = analysis("outside");
    expect(matrix.disagreements).toEqual([]);
    // A step may overdraw what is left, but not by much.
    expect(matrix.steps).toBeLessThan(2 * DEFAULT_MAX_STEPS);
    const truth = TRUTH[name];
    const open = ["public", "external", "unknown"];
    if (truth === "open") expect(open).toContain(matrix.exposure);
    if (truth === "closed") expect(["none", "unknown"]).toContain(matrix.exposure);
    if (matrix.exposure === "none") expect(matrix.undecided).toEqual([]);
  });

  test("is bounded for callers of the zone as well", () => {
    expect(analysis("all").steps).toBeLessThan(2 * DEFAULT_MAX_STEPS);
  });
});

test("a way in that uses up its steps does not hide another one", () => {
  const slow = JSON.parse(HOSTILE["globs that must all match"] ?? "") as { Statement: object[] };
  const open = {
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::444455556666:root" },
    Action: "kms:Encrypt",
    Resource: "*",
  };
  const Statement = [...slow.Statement, open];
  const matrix = analyze({
    facts,
    policy: parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement })),
    grants: [],
    resourceControlPolicies: [],
    zone: { accounts: [], organizations: [], principals: [], services: [] },
    organizationOf: new Map(),
    now: VECTOR_TIME,
    scope: "outside",
    maxSteps: 200,
  });
  expect(matrix.undecided.length).toBeGreaterThan(0);
  expect(matrix.exposure).toBe("external");
});

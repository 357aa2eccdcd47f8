/** Folders are stages; a stage may import itself and the stages listed for it (ARCHITECTURE.md). */
const layers = {
  domain: [],
  policy: ["domain"],
  semantics: ["domain", "policy"],
  access: ["domain", "policy", "semantics"],
  trust: ["domain"],
  iam: ["domain", "policy", "semantics", "trust"],
  rules: ["domain", "policy", "semantics", "access", "trust", "iam"],
  snapshot: ["domain"],
  collect: ["domain", "snapshot"],
  usage: ["domain", "snapshot", "collect"],
  repair: ["domain", "policy", "semantics", "access", "trust", "iam", "rules", "usage"],
  report: ["domain", "policy", "semantics", "access", "trust", "iam", "rules", "snapshot"],
  sandbox: ["domain", "policy", "semantics", "snapshot"],
  apply: [
    "domain",
    "policy",
    "semantics",
    "access",
    "trust",
    "rules",
    "snapshot",
    "collect",
    "usage",
    "repair",
  ],
  aws: ["domain", "snapshot", "collect", "usage", "apply"],
};

module.exports = {
  forbidden: [
    ...Object.entries(layers).map(([layer, allowed]) => ({
      name: `direction-${layer}`,
      comment: `src/${layer} may import only: ${[layer, ...allowed].join(", ")}`,
      severity: "error",
      from: { path: `^src/${layer}/`, pathNot: "\\.test\\.ts$" },
      to: { path: "^src/", pathNot: `^src/(${[layer, ...allowed].join("|")})/` },
    })),
    {
      name: "only-aws-imports-the-sdk",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/aws/" },
      to: { path: "(^|/)node_modules/(@aws-sdk|@smithy)/" },
    },
    {
      name: "pure-core",
      comment: "No clock, network, file system or environment in the core.",
      severity: "error",
      from: {
        path: "^src/(domain|policy|semantics|access|trust|iam|rules|repair|report)/",
        pathNot: "\\.test\\.ts$",
      },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(crypto)$" },
    },
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "src-does-not-import-tests",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.test\\.ts$" },
      to: { path: "^test/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};

// Who may import whom: data flows one way, and the rooms stand in that order.
const ORDER = [
  ["core"],
  ["frame"],
  ["results", "scene"],
  ["source", "pipeline", "wire"],
  ["client"],
  ["sinks", "agent", "bench", "optimize"],
  ["reports"],
  ["doctor"],
  ["cli"],
];
const room = (names) => `^src/(${names.join("|")})/`;
const above = (level) => ORDER.slice(level + 1).flat();

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "not-to-unresolvable",
      severity: "error",
      from: { pathNot: "^bin/" },
      to: { couldNotResolve: true },
    },
    ...ORDER.slice(0, -2).map((names, level) => ({
      name: `${names.join("-")}-knows-nothing-above`,
      severity: "error",
      from: { path: room(names), pathNot: "\\.test\\.ts$|/testing" },
      to: { path: room([...above(level), "config", "worker-process"]) },
    })),
    {
      name: "rooms-of-one-step-do-not-know-each-other",
      comment: "pipeline takes the FrameSource port of source, and nothing else crosses",
      severity: "error",
      from: { path: "^src/(source|pipeline|wire)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/(source|pipeline|wire)/", pathNot: ["^src/$1/", "^src/source/frame-source\\.ts$"] },
    },
    {
      name: "config-and-worker-process-stand-alone",
      severity: "error",
      from: { path: "^src/(config|worker-process)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/", pathNot: ["^src/$1/", "^src/core/", "^src/frame/"] },
    },
    {
      name: "only-the-codec-knows-generated-code",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/wire/codec\\.ts$|^src/wire/gen/|^src/testing/" },
      to: { path: "^src/wire/gen/|node_modules/protobufjs" },
    },
    {
      name: "doctor-is-for-cli-alone",
      comment: "it looks at everything, config and worker-process included, and nothing rests on it",
      severity: "error",
      from: { pathNot: "^src/(doctor|cli)/" },
      to: { path: "^src/doctor/" },
    },
    {
      name: "nobody-imports-cli",
      severity: "error",
      from: { pathNot: "^src/cli/|^bin/" },
      to: { path: "^src/cli/" },
    },
    {
      name: "tests-are-not-shipped",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.test\\.ts$|^src/(e2e|testing)/|/testing\\.ts$" },
      to: { path: "\\.test\\.ts$|^src/(e2e|testing)/|/testing\\.ts$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".js"],
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};

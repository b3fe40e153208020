// Packs the package as npm would publish it, installs it globally into an empty folder, and has it measure
// there as a CI job would: with no file of this repository, no model and no Python environment.
//
//   node scripts/package-test.mjs        (not on Windows)
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MOST_BYTES = 8_000_000;
/** What is not in the package would be missed only in use. */
const NEEDED = [
  "bench/ci/bench.sh",
  "bench/ci/install.sh",
  "bin/aiw.js",
  "deploy/prometheus/alerts.yml",
  "deploy/systemd/aiw-agent.service",
  "dist/cli/main.js",
  "dist/source/scene-thread.js",
  "dist/wire/gen/ai.js",
  "dist/schemas/aiw.bench-1.schema.json",
  "proto/ai.proto",
  "worker/aiw_worker/__main__.py",
  "worker/aiw_worker/ai.fds",
  "worker/models/synthetic.onnx",
  "worker/requirements.lock",
  "worker/requirements-openvino.lock",
  "worker/requirements-cuda.lock",
];
/** Tests and their data; a model of anybody else's. */
const UNWANTED = /\.test\.|(^|\/)(testing|tests|e2e|media|golden)(\/|\.)|\.(jpe?g|png|mp4|jsonl|pt)$|\.onnx$/;
/** Of the scene that every bench draws; so loose that no slow or busy machine fails them, only a defect. */
const GATES = ["p95<1000ms", "drops<=50%", "recall>=80%", "precision>=80%"];
const REPORTS = ["bench.json", "bench.junit.xml", "bench.md", "bench.html"];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), "aiw-package-"));

function npm(args, cwd) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** Nothing that whoever runs this has set for aiw, or made with it. */
function withoutOurs(env) {
  const ours = /^(AIW_|AI_|BIND_|XDG_CACHE_HOME$|IDLE_TIMEOUT_SEC$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

function checkContents({ files, size }) {
  const paths = files.map(({ path }) => path);
  console.log(`${files.length} files, ${size} bytes packed`);
  if (size >= MOST_BYTES) fail(`the package has ${size} bytes, at most ${MOST_BYTES} are allowed`);
  for (const path of NEEDED) if (!paths.includes(path)) fail(`not in the package: ${path}`);
  for (const path of paths) {
    if (UNWANTED.test(path) && !NEEDED.includes(path)) fail(`does not belong in the package: ${path}`);
  }
}

try {
  const [packed] = JSON.parse(npm(["pack", "--json", "--pack-destination", scratch], root));
  checkContents(packed);

  const prefix = join(scratch, "prefix");
  const tarball = join(scratch, packed.filename);
  npm(["install", "--global", "--prefix", prefix, "--no-audit", "--no-fund", tarball], scratch);

  const [home, empty] = ["home", "empty"].map((name) => join(scratch, name));
  for (const folder of [home, empty]) mkdirSync(folder);
  const gates = GATES.flatMap((gate) => ["--gate", gate]);
  const script = join(prefix, "lib", "node_modules", "aiw", "bench", "ci", "bench.sh");
  const length = ["--duration", "10s", "--max-duration", "90s"];
  // Throws where a gate fails, or cannot be judged.
  execFileSync("bash", [script, "--fps", "12", ...length, ...gates], {
    cwd: empty,
    env: { ...withoutOurs(process.env), HOME: home, AIW_CI_COMMAND: join(prefix, "bin", "aiw") },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const reports = join(empty, "aiw-reports");
  for (const name of REPORTS) if (statSync(join(reports, name)).size === 0) fail(`${name} is empty`);
  const { frames, truth, verdict } = JSON.parse(readFileSync(join(reports, "bench.json"), "utf8"));
  console.log(
    `${frames.results} results of ${frames.offered} frames, recall ${truth.recall}, verdict ${verdict}`,
  );
  if (frames.results === 0 || verdict !== "pass") fail("the installed package's bench did not pass");
} catch (error) {
  fail(error.message);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

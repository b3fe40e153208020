// The one command that checks everything, the same for people and CI: build, types, lint, format,
// dependency rules, dead code, and the tests of both languages. Ends with "N passed, N failed".
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const scratch = mkdtempSync(join(tmpdir(), "aiw-check-"));
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

/** Runs a program with our output; returns whether it succeeded. */
function succeeds(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { stdio: "inherit", ...options });
  if (error) console.error(String(error));
  return status === 0;
}

function node(tool, ...args) {
  return succeeds(process.execPath, [join("node_modules", tool), ...args]);
}

/** One check is one count; a check that runs many tests counts them by itself. */
function count(name, counts) {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped ?? 0;
  if (counts.failed > 0) failures.push(name);
}

async function check(name, run) {
  console.log(`\n== ${name}`);
  const passed = await run();
  count(name, passed ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  return passed;
}

/** A test runner that died without a report, or ran nothing, has failed. */
function testCounts(name, ok, read) {
  try {
    const counts = read();
    if (counts.passed + counts.failed === 0) throw new Error("no test was run");
    count(name, !ok && counts.failed === 0 ? { ...counts, failed: 1 } : counts);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    count(name, { passed: 0, failed: 1 });
  }
}

function depcruise() {
  const args = [
    "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
    "--output-type",
    "json",
    "src",
    "bin",
  ];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  const { summary, modules } = JSON.parse(stdout);
  const ours = modules.filter(({ source }) => source.startsWith("src/")).length;
  for (const { from, to, rule } of summary.violations) console.error(`${rule.name}: ${from} -> ${to}`);
  console.log(`${ours} modules of ours, ${summary.violations.length} violations`);
  // A checker that sees nothing finds nothing.
  return status === 0 && summary.violations.length === 0 && ours > 50;
}

function vitest() {
  console.log("\n== TypeScript tests");
  const report = join(scratch, "vitest.json");
  const ok = node(
    "vitest/vitest.mjs",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  );
  testCounts("TypeScript tests", ok, () => {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
  });
}

function pytest(python) {
  console.log("\n== Python tests");
  const report = join(scratch, "pytest.xml");
  const ok = succeeds(python, ["-m", "pytest", "-q", "-rs", `--junitxml=${report}`], { cwd: "worker" });
  testCounts("Python tests", ok, () => {
    const suite = /<testsuite [^>]*>/.exec(readFileSync(report, "utf8"))?.[0] ?? "";
    const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = number("failures") + number("errors");
    return { passed: number("tests") - failed - number("skipped"), failed, skipped: number("skipped") };
  });
}

/** A Python environment, made by the code that makes the users'. */
async function environment(lock) {
  const { ensurePython } = await import("../dist/worker-process/python-env.js");
  const { cacheDir } = await import("../dist/worker-process/cache-dir.js");
  const { python } = await ensurePython({
    env: process.env,
    lockFile: join("worker", lock),
    cacheDir: cacheDir(process.env, process.platform, homedir()),
    onStep: (text) => console.log(text),
  });
  console.log(python);
  return python;
}

/** Their steps and services, where this machine can run them without an engine. */
function dockerfiles() {
  console.log("\n== Dockerfiles");
  const { status } = spawnSync(process.execPath, ["scripts/run-dockerfiles.mjs"], { stdio: "inherit" });
  const isSkipped = status === 77;
  const passed = status === 0;
  count("Dockerfiles", {
    passed: Number(passed),
    failed: Number(!passed && !isSkipped),
    skipped: Number(isSkipped),
  });
}

const built = await check("build", () => succeeds(process.execPath, ["scripts/build.mjs"]));
await check("types", () => node("typescript/bin/tsc", "-p", "tsconfig.json"));
await check("lint", () => node("eslint/bin/eslint.js", "--max-warnings", "0", "."));
await check("format", () => node("prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."));
await check("dependency rules", depcruise);
await check("dead code", () => node("knip/bin/knip.js"));
if (built) {
  let python;
  await check("Python environments", async () => {
    await environment("requirements.lock");
    await environment("requirements-openvino.lock");
    python = await environment("requirements-dev.lock");
    return true;
  }).catch((error) => {
    console.error(`${error.message}\n${error.detail ?? ""}`);
    count("Python environments", { passed: 0, failed: 1 });
  });
  if (python !== undefined) {
    process.env.AIW_TEST_PYTHON = python;
    const tool = (...args) => succeeds(python, ["-m", ...args], { cwd: "worker" });
    const everywhere = [
      "--config",
      "pyproject.toml",
      ".",
      ...["scripts", "bench", "src"].map((dir) => `../${dir}`),
    ];
    await check("Python lint", () => tool("ruff", "check", ...everywhere));
    await check("Python format", () => tool("ruff", "format", "--check", ...everywhere));
    await check("Python types", () => tool("mypy"));
    pytest(python);
  }
  vitest();
  await check("package", () => succeeds(process.execPath, ["scripts/package-test.mjs"]));
  dockerfiles();
}

rmSync(scratch, { recursive: true, force: true });
if (failures.length > 0) console.error(`\nfailed: ${failures.join(", ")}`);
if (total.skipped > 0) console.log(`\n${total.skipped} tests were skipped; their reasons are above`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

// Makes worker/requirements.lock (run-time), worker/requirements-dev.lock (run-time and tools) and
// worker/requirements-export.lock (run-time and what exports weights) from worker/pyproject.toml.
//
//   node scripts/lock.mjs             keeps the versions already locked where they still fit
//   node scripts/lock.mjs --upgrade   takes the newest of everything
//   node scripts/lock.mjs --check     changes nothing: are there wheels for every Python and platform?
//
// Needs uv on PATH, or UV=/path/to/uv (`pip install uv` in any virtual environment). Users never need
// uv: what this writes is plain requirements text that pip reads as well.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const UV = process.env.UV ?? "uv";
const workerDir = join(dirname(dirname(fileURLToPath(import.meta.url))), "worker");

const PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"];
const PLATFORMS = [
  "x86_64-manylinux_2_28",
  "aarch64-manylinux_2_28",
  "aarch64-apple-darwin",
  "x86_64-apple-darwin",
  "x86_64-pc-windows-msvc",
];
/** onnxruntime stopped building for Intel Macs before it began building for Python 3.14. */
const NO_WHEELS = new Set(["x86_64-apple-darwin 3.14"]);

/**
 * uv solves for the newest version of each Python, but does not notice that a platform was dropped: for
 * Intel Macs the last version that had them is named here. Both lines are needed, and must exclude each
 * other, for uv to solve the two cases apart.
 */
const INTEL_MAC = "sys_platform == 'darwin' and platform_machine == 'x86_64'";
const OTHERS = "(sys_platform != 'darwin' or platform_machine != 'x86_64')";
const CONSTRAINTS = `onnxruntime<1.24 ; ${INTEL_MAC}
onnxruntime>=1.32 ; python_version >= '3.11' and ${OTHERS}
`;

/** What draws windows has no place in a command that runs without a screen; the worker's own build serves. */
const OVERRIDES = "opencv-python ; python_version < '3'\n";

const HEADER = (what) => `# ${what}
# Python 3.10 to 3.14; Linux (glibc >= 2.28), macOS (>= 14) and Windows; wheels only.
#
# Made by scripts/lock.mjs from pyproject.toml; do not edit. It is requirements text and no uv.lock
# because both installers read it as it is: "uv pip install --require-hashes -r FILE" and, where there
# is no uv, "pip install --require-hashes --only-binary :all: -r FILE".
`;

const LOCKS = [
  { file: "requirements.lock", what: "What the worker needs to run.", args: [] },
  {
    file: "requirements-dev.lock",
    what: "What the worker needs to run and to be checked: requirements.lock and the dev extra.",
    args: ["--extra", "dev", "--constraint", "requirements.lock"],
  },
  {
    file: "requirements-export.lock",
    what: "What exports a .pt file to ONNX, with ultralytics (AGPL-3.0): requirements.lock and the export extra.",
    args: ["--extra", "export", "--constraint", "requirements.lock"],
  },
];

function compile({ file, what, args }, { constraints, overrides }, upgrade) {
  execFileSync(
    UV,
    [
      ...["pip", "compile", "pyproject.toml", "--output-file", file, "--quiet", "--no-config"],
      ...["--universal", "--python-version", "3.10", "--only-binary", ":all:", "--generate-hashes"],
      ...["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"],
      ...["--constraint", constraints, "--override", overrides, ...args],
      ...(upgrade ? ["--upgrade"] : []),
    ],
    { cwd: workerDir, stdio: "inherit" },
  );
  const path = join(workerDir, file);
  writeFileSync(path, `${HEADER(what)}${readFileSync(path, "utf8")}`);
  console.log(`wrote worker/${file}`);
}

/** Asks uv, for every Python and platform, whether it would find a wheel for each line. */
function check({ file }, scratch) {
  let failed = 0;
  for (const platform of PLATFORMS) {
    for (const python of PYTHONS) {
      if (NO_WHEELS.has(`${platform} ${python}`)) continue;
      const { status, stderr } = spawnSync(
        UV,
        [
          ...["pip", "install", "--dry-run", "--quiet", "--no-config", "--target", scratch],
          ...["--python-platform", platform, "--python-version", python],
          ...["--only-binary", ":all:", "--require-hashes", "-r", file],
        ],
        { cwd: workerDir, encoding: "utf8", env: { ...process.env, MACOSX_DEPLOYMENT_TARGET: "14.0" } },
      );
      if (status === 0) continue;
      failed += 1;
      console.error(`${file}: ${platform}, Python ${python}: ${stderr?.trim()}`);
    }
  }
  const verdict = failed === 0 ? "wheels for every Python and platform" : `${failed} lack wheels`;
  console.log(`worker/${file}: ${verdict}`);
  return failed;
}

if (spawnSync(UV, ["--version"]).status !== 0) {
  console.error(`"${UV}" does not run: put uv on PATH (pip install uv), or set UV to its path`);
  process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), "aiw-lock-"));
try {
  if (process.argv.includes("--check")) {
    let failed = 0;
    for (const lock of LOCKS) failed += check(lock, scratch);
    process.exitCode = failed === 0 ? 0 : 1;
  } else {
    const files = {
      constraints: join(scratch, "constraints.txt"),
      overrides: join(scratch, "overrides.txt"),
    };
    writeFileSync(files.constraints, CONSTRAINTS);
    writeFileSync(files.overrides, OVERRIDES);
    for (const lock of LOCKS) compile(lock, files, process.argv.includes("--upgrade"));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

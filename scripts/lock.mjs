// Makes the locks of the worker's environments from worker/pyproject.toml: worker/requirements.lock, and those
// of its variants (openvino, cuda), of its tools (dev), and of what exports weights (export). It is one lock:
// what requirements.lock names, the others have in the same version.
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
const NO_WHEELS = ["x86_64-apple-darwin 3.14"];

/**
 * uv solves for the newest version of each Python, but does not notice that a platform was dropped: the
 * last version that had Windows (cuBLAS 12), and Intel Macs (onnxruntime), is named here. Of onnxruntime both
 * lines are needed, and must exclude each other, for uv to solve the two cases apart.
 */
const INTEL_MAC = "sys_platform == 'darwin' and platform_machine == 'x86_64'";
const OTHERS = "(sys_platform != 'darwin' or platform_machine != 'x86_64')";
const CONSTRAINTS = `nvidia-cublas-cu12<12.9.2
onnxruntime<1.24 ; ${INTEL_MAC}
onnxruntime>=1.32 ; python_version >= '3.11' and ${OTHERS}
`;

/** What draws windows has no place in a command that runs without a screen; the worker's own build serves. */
const NO_WINDOWS = "opencv-python ; python_version < '3'\n";
/** Reports to its makers how their tools are used; they do without, and the engine never imports it. */
const NO_TELEMETRY = "openvino-telemetry ; python_version < '3'\n";
/** Both have the module onnxruntime. */
const NO_CPU_RUNTIME = "onnxruntime ; python_version < '3'\n";

const EVERYWHERE = "Python 3.10 to 3.14; Linux (glibc >= 2.28), macOS (>= 14) and Windows";

/** @param alone how installers are told not to look for what an override has left out */
const HEADER = (what, where, alone) => `# ${what}
# ${where}; wheels only.
#
# Made by scripts/lock.mjs from pyproject.toml; do not edit. It is requirements text and no uv.lock
# because both installers read it as it is: "uv pip install ${alone}--require-hashes -r FILE" and, where there
# is no uv, "pip install ${alone}--require-hashes --only-binary :all: -r FILE".
`;

const SAME = ["--constraint", "requirements.lock"];
const LOCKS = [
  { file: "requirements.lock", what: "What the worker needs to run." },
  {
    file: "requirements-openvino.lock",
    what: "What the worker needs to run with OpenVINO as well: requirements.lock and the openvino extra.",
    args: ["--extra", "openvino", ...SAME],
    overrides: NO_TELEMETRY,
    platforms: { "aarch64-manylinux_2_28": "aarch64-manylinux_2_35" },
    where: `${EVERYWHERE}; OpenVINO on Linux for ARM needs glibc >= 2.35, and is left out on Intel Macs`,
  },
  {
    file: "requirements-cuda.lock",
    what: "What the worker needs to run with CUDA: requirements.lock with onnxruntime-gpu in onnxruntime's place.",
    args: ["--extra", "cuda", ...SAME],
    overrides: NO_CPU_RUNTIME,
    platforms: { "aarch64-manylinux_2_28": "aarch64-manylinux_2_34" },
    where: "Python 3.10 to 3.14; Linux (glibc >= 2.28; ARM: >= 2.34, Python >= 3.11) and Windows",
    // No Mac has CUDA.
    noWheels: ["x86_64-apple-darwin", "aarch64-apple-darwin", "aarch64-manylinux_2_34 3.10"],
  },
  {
    file: "requirements-dev.lock",
    what: "What the worker needs to run and to be checked: requirements-openvino.lock and the dev extra.",
    args: ["--extra", "dev", "--extra", "openvino", ...SAME, "--constraint", "requirements-openvino.lock"],
    overrides: NO_TELEMETRY,
    platforms: { "aarch64-manylinux_2_28": "aarch64-manylinux_2_35" },
  },
  {
    file: "requirements-export.lock",
    what: "What exports a .pt file to ONNX, with ultralytics (AGPL-3.0): requirements.lock and the export extra.",
    args: ["--extra", "export", ...SAME],
    overrides: NO_WINDOWS,
  },
];

function compile({ file, what, where = EVERYWHERE, args = [], overrides = "" }, scratch, upgrade) {
  const constraintsFile = join(scratch, "constraints.txt");
  const overridesFile = join(scratch, "overrides.txt");
  writeFileSync(constraintsFile, CONSTRAINTS);
  writeFileSync(overridesFile, overrides);
  execFileSync(
    UV,
    [
      ...["pip", "compile", "pyproject.toml", "--output-file", file, "--quiet", "--no-config"],
      ...["--universal", "--python-version", "3.10", "--only-binary", ":all:", "--generate-hashes"],
      ...["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"],
      ...["--constraint", constraintsFile, "--override", overridesFile, ...args],
      ...(upgrade ? ["--upgrade"] : []),
    ],
    { cwd: workerDir, stdio: "inherit" },
  );
  const path = join(workerDir, file);
  writeFileSync(
    path,
    `${HEADER(what, where, overrides === "" ? "" : "--no-deps ")}${readFileSync(path, "utf8")}`,
  );
  console.log(`wrote worker/${file}`);
}

/**
 * Asks uv, for every Python and platform, whether it would find a wheel for each line.
 * @param lock.platforms a newer system in the place of one that has no wheels
 * @param lock.noWheels platforms, or "PLATFORM PYTHON", that can't have this environment
 */
function check({ file, platforms = {}, noWheels = [] }, scratch) {
  const left = new Set([...NO_WHEELS, ...noWheels]);
  let failed = 0;
  for (const platform of PLATFORMS.map((each) => platforms[each] ?? each)) {
    for (const python of PYTHONS) {
      if (left.has(platform) || left.has(`${platform} ${python}`)) continue;
      const { status, stderr } = spawnSync(
        UV,
        [
          ...["pip", "install", "--dry-run", "--quiet", "--no-config", "--target", scratch, "--no-deps"],
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
    for (const lock of LOCKS) compile(lock, scratch, process.argv.includes("--upgrade"));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

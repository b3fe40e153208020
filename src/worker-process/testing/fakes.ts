import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder that is removed when the test has finished. */
export function tempDir(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "aiw-test-")));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

export function writeExecutable(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** An executable of shell commands. */
export function shellScript(path: string, body: string): string {
  return writeExecutable(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${body}\n`);
}

/** An executable of JavaScript (a CommonJS module); stands in for `python -m aiw_worker`. */
export function nodeScript(path: string, body: string): string {
  return writeExecutable(path, `#!${process.execPath}\n${body}\n`);
}

export interface FakePythonOptions {
  version?: readonly [number, number, number];
  venv?: boolean;
  missing?: readonly string[];
  implementation?: string;
  /** Shell commands that `python -m venv "$3"` runs first. */
  onVenv?: string;
  /** Shell commands that `python -m pip …` runs. */
  onPip?: string;
  /** Shell commands that exporting weights, "$3", runs. */
  onExport?: string;
}

/** What pip says when all is well, shortened. */
export const PIP_OUTPUT = `cat <<END
Ignoring sympy: markers 'python_full_version < "3.11"' don't match your environment
Collecting numpy==2.4.6 (from -r requirements.lock (line 3))
  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)
Collecting onnxruntime==1.32.0 (from -r requirements.lock (line 6))
Installing collected packages: numpy, onnxruntime
END`;

export const LOCK_TEXT = `# comment
numpy==2.4.6 \\
    --hash=sha256:00
onnxruntime==1.32.0 \\
    --hash=sha256:00
sympy==1.14.0 ; python_full_version < '3.11' \\
    --hash=sha256:00
`;

/**
 * An interpreter that answers the probe as told, makes an environment whose interpreter is a link to
 * itself, and notes each call in the file `calls` beside itself. Its packages are whole, unless the file
 * `damage` beside it says otherwise.
 */
export function fakePython(path: string, options: FakePythonOptions = {}): string {
  const { version = [3, 11, 7], venv = true, missing = [], implementation = "cpython" } = options;
  const facts = JSON.stringify({ executable: path, version, implementation, bits: 64, venv, missing });
  const damage = join(dirname(path), "damage");
  return shellScript(
    path,
    `[ "$1" = -c ] || echo "$@" >> ${join(dirname(path), "calls")}
case "$1 $2" in
"-c "*aiw-exported*)
  ${options.onExport ?? ":"} ;;
"-c "*) echo 'aiw-probe ${facts}' ;;
"-m aiw_worker.installed")
  cat ${damage} 2>/dev/null || echo '{"packages":[{"name":"numpy","wanted":"2","found":"2","damage":null}],"installed":[]}' ;;
"-m venv")
  ${options.onVenv ?? ":"}
  mkdir -p "$3/bin" && ln -s ${path} "$3/bin/python" && echo home > "$3/pyvenv.cfg" ;;
"-m pip")
  ${options.onPip ?? PIP_OUTPUT}
  ;;
esac`,
  );
}

/** The calls that the fakes in a folder noted, but for probes. */
export function callsIn(binDir: string): string[] {
  try {
    return readFileSync(join(binDir, "calls"), "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

/** Whether a process of this number is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

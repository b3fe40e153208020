// What the scripts of this folder share: running aiw and reading its figures, looking at processes, medians.
// Needs a built CLI (npm ci).
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median } from "../dist/core/median.js";
import { cacheDir } from "../dist/worker-process/cache-dir.js";
import { ensurePython } from "../dist/worker-process/python-env.js";

export { median };
export const HERE = fileURLToPath(new URL(".", import.meta.url));
export const AIW = fileURLToPath(new URL("../bin/aiw.js", import.meta.url));

/** The Python that aiw runs its worker with; made where there is none yet. */
export async function managedPython() {
  const { python } = await ensurePython({
    env: process.env,
    lockFile: fileURLToPath(new URL("../worker/requirements.lock", import.meta.url)),
    cacheDir: cacheDir(process.env, process.platform, homedir()),
  });
  return python;
}

/** Gives `use` a folder that goes when it is done. */
export async function inScratch(use) {
  const folder = mkdtempSync(join(tmpdir(), "aiw-figures-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines that a program writes to stdout. */
export async function linesOf(program, args, options = {}) {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 28, ...options });
  return stdout.trim().split("\n");
}

/** Frames at the start of a turn that do not count. */
const WARM_UP = 15;

/**
 * What frames take in `aiw run` at a fixed rate: of each latency the p50, milliseconds, with "total - inference"
 * frame by frame.
 * @param {{ model: string, fps: string, frames: string, more?: string[] }} turn `more` are flags of aiw run
 */
export async function pipelineTurn({ model, fps, frames, more = ["--source", "synthetic:"] }) {
  const count = ["--frames", String(Number(frames) + WARM_UP)];
  const args = ["run", "--model", model, "--fps", fps, ...count, ...more, "--out", "ndjson:-", "--quiet"];
  const lines = await linesOf(process.execPath, [AIW, ...args]);
  const records = lines.map((line) => JSON.parse(line));
  const latencies = records.filter(({ seq }) => seq > WARM_UP).map(({ latency_ms: latency }) => latency);
  const p50 = (of) => median(latencies.map(of));
  return {
    total: p50((l) => l.total),
    inference: p50((l) => l.inference),
    "total - inference": p50((l) => l.total - l.inference),
    wait: p50((l) => l.wait),
    transport: p50((l) => l.transport),
    queue: p50((l) => l.queue),
    preprocess: p50((l) => l.preprocess),
    postprocess: p50((l) => l.postprocess),
  };
}

/** The same model at the same rate called bare, in a Python loop: p50 of its time and of its CPU time. */
export async function bareTurn({ model, fps, frames }) {
  const count = String(Number(frames) + WARM_UP);
  const lines = await linesOf(await managedPython(), [join(HERE, "bare.py"), model, fps, count]);
  const times = lines.slice(WARM_UP).map((line) => line.split(" ").map(Number));
  return { bare: median(times.map(([ms]) => ms)), "bare CPU": median(times.map(([, ms]) => ms)) };
}

/**
 * Calls each of the functions so many times, forwards and backwards in turns (A B B A …), so that what drifts
 * hits all alike.
 * @returns {Promise<Map<string, number[]>>} all values of each figure that they gave, by its name
 */
export async function inTurns(rounds, functions) {
  const seen = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of round % 2 === 0 ? functions : [...functions].reverse()) {
      for (const [name, value] of Object.entries(await turn()))
        seen.set(name, [...(seen.get(name) ?? []), value]);
    }
  }
  return seen;
}

/** From being typed to the end of a bench of one frame, milliseconds: the first result, and the ending. */
export async function startUpMs(flags = []) {
  const begun = performance.now();
  await linesOf(process.execPath, [AIW, "bench", "--warmup", "0s", "--frames", "1", ...flags]);
  return performance.now() - begun;
}

/** A Python that loads the model and calls it once, from its start to its end, milliseconds. */
export async function bareStartMs(model) {
  const python = await managedPython();
  const begun = performance.now();
  await linesOf(python, [join(HERE, "bare.py"), model, "1000", "1"]);
  return performance.now() - begun;
}

/** The report of a whole `aiw bench`. Gates that do not hold are not an error here: they are in the report. */
export function benchReport(args, cli = AIW) {
  return inScratch(async (folder) => {
    const file = join(folder, "report.json");
    const command = [cli, "bench", ...args, "--json", file, "--quiet"];
    await promisify(execFile)(process.execPath, command).catch((error) => {
      if (error.code !== 3 && error.code !== 4) throw error;
    });
    return JSON.parse(readFileSync(file, "utf8"));
  });
}

/**
 * Runs aiw and hands out each record of `--out ndjson:-` as it comes.
 * @param {string[]} args of aiw
 * @param {{ node?: string[], env?: object, onStart?: (pid: number) => void, onRecord: (record: object) => void }}
 *   options `node` are flags of Node's own
 */
export async function streamRecords(args, { node = [], env = process.env, onStart, onRecord }) {
  const client = spawn(process.execPath, [...node, AIW, ...args, "--out", "ndjson:-"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  client.stderr.setEncoding("utf8").on("data", (text) => {
    said = (said + text).slice(-2000);
  });
  onStart?.(client.pid);
  const closed = once(client, "close");
  // Ctrl-C comes to the client as well, which then ends in good order; what was seen until then is printed.
  const patient = () => {};
  process.on("SIGINT", patient);
  for await (const line of createInterface(client.stdout)) onRecord(JSON.parse(line));
  const [code] = await closed;
  process.removeListener("SIGINT", patient);
  if (code !== 0 && code !== 130) throw new Error(`aiw ${args[0]} ended with ${code}: ${said}`);
}

/** The worker that a client has started; undefined while there is none. Linux only, as what follows. */
export function workerOf(clientPid) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        return (
          parentOf(pid) === clientPid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("aiw_worker")
        );
      } catch {
        // It has ended in the meantime.
        return false;
      }
    });
}

/** Fields of /proc/PID/stat behind the name, which may have blanks: state, parent, … (proc(5)). */
function statOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
}

function parentOf(pid) {
  return Number(statOf(pid)[1]);
}

/** Of the kernel's clock for CPU times, in which every Linux counts hundredths of a second (sysconf). */
const TICK_MS = 10;

/** Megabytes of 10^6 bytes, CPU milliseconds since its start, open files. */
export function processFigures(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name) => (Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) * 1024) / 1e6;
  const stat = statOf(pid);
  return {
    rssMb: megabytes("VmRSS"),
    anonymousMb: megabytes("RssAnon"),
    files: readdirSync(`/proc/${pid}/fd`).length,
    userMs: Number(stat[11]) * TICK_MS,
    systemMs: Number(stat[12]) * TICK_MS,
  };
}

/** Text in columns: the first to the left, the others to the right, two blanks between. */
export function columns(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

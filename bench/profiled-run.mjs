// One run of the pipeline in which the CPU time of both sides is known, from the first counted frame to the last:
// of the client from /proc and by V8's profiler, of the worker by bench/profiler/sitecustomize.py.
// What profile.mjs and targets.mjs share. Linux only.
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { HERE, inScratch, managedPython, processFigures, streamRecords } from "./kit.mjs";

/** Frames before the counted ones. */
const WARM_UP = 24;

/**
 * @param {{ args: string[], frames: number, samples: boolean }} run `args` of `aiw run`; without `samples` there
 *   is no profile, and the sums are not disturbed by one
 * @returns latencies (of the records, milliseconds), and of client and worker the CPU milliseconds a frame with
 *   the functions that they went into
 */
export function profiledRun({ args, frames, samples }) {
  return inScratch(async (folder) => {
    const file = join(folder, "worker.ndjson");
    const path = [join(HERE, "profiler"), process.env.PYTHONPATH].filter(Boolean).join(delimiter);
    const python = { AIW_PYTHON: await managedPython(), PYTHONPATH: path };
    const env = {
      ...process.env,
      ...python,
      AIW_PROFILE: file,
      ...(samples ? {} : { AIW_PROFILE_PERIOD_MS: "0" }),
    };
    const node = samples ? ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", folder] : [];
    const latencies = [];
    const marks = [];
    let client;
    const mark = () =>
      marks.push({
        atNs: Number(process.hrtime.bigint()),
        results: latencies.length,
        ...processFigures(client),
      });
    const command = ["run", "--frames", String(frames + WARM_UP), "--quiet", ...args];
    await streamRecords(command, {
      ...{ node, env },
      onStart: (pid) => {
        client = pid;
      },
      onRecord: ({ seq, latency_ms: latency, error }) => {
        if (seq >= WARM_UP && marks.length === 0) mark();
        else if (marks.length > 0 && error === undefined) latencies.push(latency);
        // Before the end, when the client has other things to do; any frame may have been dropped.
        if (seq >= WARM_UP + 0.95 * frames && marks.length === 1) mark();
      },
    });
    const [from, to] = marks;
    const counted = (to?.results ?? 0) - from?.results;
    if (!(counted > 0)) throw new Error(`${latencies.length} of ${frames} frames gave a result`);
    const sums = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return {
      latencies,
      client: clientShare(folder, from, to, counted),
      worker: workerShare(sums, from, to),
    };
  });
}

function clientShare(folder, from, to, frames) {
  const functions = readdirSync(folder)
    .filter((name) => name.endsWith(".cpuprofile"))
    .flatMap((name) => {
      // CPU.DATE.TIME.PID.THREAD.N.cpuprofile
      const thread = name.split(".")[4] === "0" ? "main" : "scene";
      const profile = JSON.parse(readFileSync(join(folder, name), "utf8"));
      return [...selfTimes(profile, from.atNs / 1e3, to.atNs / 1e3)].map(([of, us]) => [
        thread,
        of,
        us / 1e3 / frames,
      ]);
    });
  const perFrame = (key) => (to[key] - from[key]) / frames;
  return { userMs: perFrame("userMs"), systemMs: perFrame("systemMs"), functions };
}

/** Microseconds in each function between two times of V8's clock, which is CLOCK_MONOTONIC. */
function selfTimes({ nodes, samples, timeDeltas, startTime }, fromUs, toUs) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map();
  let atUs = startTime;
  for (const [i, id] of samples.entries()) {
    atUs += timeDeltas[i];
    const name = names.get(id);
    // A delta is the time before its sample, in which the sample before still was true.
    const lastsUs = timeDeltas[i + 1] ?? 0;
    if (name !== "(idle)" && atUs >= fromUs && atUs < toUs) times.set(name, (times.get(name) ?? 0) + lastsUs);
  }
  return times;
}

function nameOf({ functionName, url, lineNumber }) {
  if (url === "") return functionName;
  const place = url.replace(/^.*\/(?:dist|node_modules)\//, "");
  return `${place}:${lineNumber + 1} ${functionName}`;
}

function workerShare(sums, { atNs: fromNs }, { atNs: toNs }) {
  const within = sums.filter(({ at_ns: atNs }) => atNs >= fromNs && atNs <= toNs);
  const [first, last] = [within[0], within.at(-1)];
  const frames = last === undefined ? 0 : last.frames - first.frames;
  if (frames === 0) throw new Error("the worker told nothing of its CPU time");
  const perFrame = (of) => (of(last) - of(first)) / 1e6 / frames;
  const before = new Map(first.functions.map(([thread, name, ns]) => [`${thread} ${name}`, ns]));
  return {
    userMs: perFrame(({ user_ns: ns }) => ns),
    systemMs: perFrame(({ system_ns: ns }) => ns),
    profilerMs: perFrame(({ profiler_ns: ns }) => ns),
    inferenceMs: perFrame(({ inference_ns: ns }) => ns),
    outsideMs: perFrame((sum) => sum.process_ns - sum.inference_ns - sum.profiler_ns),
    functions: last.functions.map(([thread, name, ns]) => [
      ...[thread, name],
      (ns - (before.get(`${thread} ${name}`) ?? 0)) / 1e6 / frames,
    ]),
  };
}

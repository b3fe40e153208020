// Whether client and worker stay as small as they were: many frames go through the pipeline, and both processes
// are looked at from outside, at frame 2,000 and at the end.
//
//   node bench/soak.mjs                          20,000 frames as fast as the model takes them
//   node bench/soak.mjs --model ../shared/models/yolo11s-random.onnx --fps 12 --minutes 45
//   node bench/soak.mjs --frames 5000 --from 500 --source video.mp4 --every 1000
//
//   --fps N       offered at this rate by `aiw bench`, what is late dropped; without it `aiw run` sends each
//                 frame when the one before has its answer
//   --minutes N   for so long, instead of --frames N
//   --from N      frame from which on growth counts: before, caches fill and the heap finds its size
//   --every N     a line on stderr each so many frames
//   what follows -- goes to aiw as it is
//
// Memory goes up and down with the garbage: a figure "at" a frame is the median of the samples of the 500 frames
// up to it (a tenth of a run of fewer than 5,000), taken each half second. Ends with 1 when one of the two
// processes grew by more than 5 MB, or holds more files. Linux only; needs a built CLI (npm ci).
import { clearInterval, setInterval } from "node:timers";
import { parseArgs } from "node:util";
import { columns, median, processFigures, streamRecords, workerOf } from "./kit.mjs";

const MOST_MB = 5;
const SAMPLE_MS = 500;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    frames: { type: "string" },
    minutes: { type: "string" },
    fps: { type: "string" },
    from: { type: "string", default: "2000" },
    every: { type: "string", default: "1000" },
    model: { type: "string" },
    source: { type: "string", default: "synthetic:" },
  },
});

const from = Number(options.from);
const length =
  options.minutes === undefined
    ? ["--frames", options.frames ?? "20000"]
    : ["--duration", `${Number(options.minutes) * 60}s`];
const pace = options.fps === undefined ? ["run"] : ["bench", "--warmup", "0s", "--fps", options.fps];
const model = options.model === undefined ? [] : ["--model", options.model];
const args = [...pace, ...length, ...model, "--source", options.source, "--loop", ...positionals];

/** Each with the number of results until then, and the figures of both processes. */
const samples = [];
/** Of each result: the number of its frame, and its latency in milliseconds. */
const results = [];
let failed = 0;
let client;
let worker;
let timer;

function sample() {
  try {
    worker ??= workerOf(client);
    if (worker === undefined || results.length === 0) return;
    const both = { client: processFigures(client), worker: processFigures(worker) };
    samples.push({ results: results.length, ...both });
  } catch (error) {
    // Between its last answer and the end of its output a process may be gone.
    if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error;
  }
}

const shown = (value) => value.toFixed(1);
const p95 = (of) => of.map(({ ms }) => ms).sort((a, b) => a - b)[Math.ceil(0.95 * of.length) - 1] ?? NaN;

await streamRecords(args, {
  onStart: (pid) => {
    client = pid;
    timer = setInterval(sample, SAMPLE_MS);
  },
  onRecord: ({ seq, error, latency_ms: latency }) => {
    if (error !== undefined) failed += 1;
    else results.push({ seq, ms: latency.total });
    if (results.length % Number(options.every) !== 0 || samples.length === 0) return;
    const { client: ours, worker: theirs } = samples.at(-1);
    console.error(
      `frame ${seq}: client ${shown(ours.rssMb)} MB, worker ${shown(theirs.rssMb)} MB, files ${ours.files} and ${theirs.files}`,
    );
  },
}).finally(() => clearInterval(timer));

const frames = results.at(-1)?.seq ?? 0;
const width = Math.min(500, Math.floor(results.length / 10));
const upTo = (n) => samples.filter(({ results: at }) => at > n - width && at <= n);
const [early, late] = [upTo(from), upTo(results.length)];
if (results.length < 2 * from || early.length === 0 || late.length === 0) {
  console.error(
    `${results.length} results are too few to speak of growth from frame ${from} on; --from is lower`,
  );
  process.exit(2);
}

const FIGURES = [
  ["RSS, MB", "rssMb"],
  ["of it anonymous, MB", "anonymousMb"],
  ["open files", "files"],
];
const rows = ["client", "worker"].flatMap((who) =>
  FIGURES.map(([name, key]) => {
    const [before, after] = [early, late].map((of) => median(of.map((one) => one[who][key])));
    return { who, name, key, before, after, growth: after - before };
  }),
);
const latencies = [results.slice(0, from).slice(-width), results.slice(-width)].map(p95);
console.log(`aiw ${args.join(" ")}`);
console.log(
  `${frames} frames: ${results.length} results, ${failed} errors, ${frames - results.length - failed} dropped`,
);
console.log(
  columns([
    ["", `at ${from}`, "at the end", "growth"],
    ...rows.map(({ who, name, before, after, growth }) => [
      `${who} ${name}`,
      ...[before, after, growth].map(shown),
    ]),
    ["p95, ms", ...latencies.map(shown), shown(latencies[1] - latencies[0])],
  ]),
);
const grown = rows.filter(
  ({ key, growth }) => (key === "rssMb" && growth > MOST_MB) || (key === "files" && growth > 0),
);
console.log(
  grown.length === 0
    ? `neither grew by more than ${MOST_MB} MB or holds more files`
    : `grown: ${grown.map(({ who, name }) => `${who} ${name}`).join("; ")}`,
);
process.exitCode = grown.length === 0 ? 0 : 1;

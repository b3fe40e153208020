// How fast the pipeline is on this machine, row by row: each figure beside the peer that it is compared with and
// the target it has. Medians of several runs that are taken in turns with those of the peer.
//
//   node bench/targets.mjs                                         what needs no file: the embedded model
//   node bench/targets.mjs --large yolo11s.onnx --large-optimised aiw.yaml --only tuned,memory
//   node bench/targets.mjs --small yolo11n.onnx --small-optimised yolo11n-int8.onnx --engine openvino \
//     --video bottles.mp4 --only agreement,capacity --rounds 1
//
//   --large FILE, --small FILE      YOLO11s and YOLO11n as they were exported
//   --large-optimised FILE, --small-optimised FILE
//                                   the same after `aiw init --optimize`: the model, or an aiw.yaml that names it
//   --engine NAME                   which an optimised model is run with
//   --video FILE                    a clip; for `agreement` one that was not calibrated with
//   --only ROWS                     overhead, i420, pipeline, optimise, tuned, agreement, capacity, cpu, memory, start
//   --rounds 3 --duration 20 --fps 12 --frames 150
//
// A row without the files that it needs is left out, and said so. Ends with 1 when a target is missed. What grows,
// bench/soak.mjs tells. An engine that the usual environment lacks needs AIW_PYTHON. Needs a machine that does
// nothing else, Linux for `cpu`, and a built CLI (npm ci).
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Accuracy } from "../dist/results/accuracy.js";
import { droppedTotal } from "../dist/pipeline/ledger.js";
import {
  AIW,
  bareStartMs,
  bareTurn,
  benchReport,
  columns,
  inScratch,
  inTurns,
  linesOf,
  managedPython,
  median,
  pipelineTurn,
  startUpMs,
} from "./kit.mjs";
import { profiledRun } from "./profiled-run.mjs";

const { values: options } = parseArgs({
  options: {
    large: { type: "string" },
    "large-optimised": { type: "string" },
    small: { type: "string" },
    "small-optimised": { type: "string" },
    engine: { type: "string" },
    video: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    duration: { type: "string", default: "20" },
    fps: { type: "string", default: "12" },
    frames: { type: "string", default: "150" },
  },
});
const { large, small, video, fps, frames } = options;
const rounds = Number(options.rounds);
const embedded = fileURLToPath(new URL("../worker/models/synthetic.onnx", import.meta.url));
const usual = small ?? embedded;
const engine = options.engine === undefined ? [] : ["--engine", options.engine];
const optimised = (file) => (/\.ya?ml$/.test(file) ? ["--config", file] : ["--model", file, ...engine]);
const largeFlags = () => optimised(options["large-optimised"]);
const smallFlags = () => optimised(options["small-optimised"]);

/** Of one bench: what rows ask of it. */
async function bench(flags, name) {
  const rate = ["--source", "synthetic:", "--fps", fps, "--duration", `${options.duration}s`];
  const {
    latency_ms: latency,
    frames: ledger,
    resources,
    environment,
  } = await benchReport([...flags, ...rate]);
  return {
    [`${name} p50`]: latency.total.p50,
    [`${name} p95`]: latency.total.p95,
    [`${name} inference`]: latency.inference.p50,
    [`${name} drops`]: (100 * droppedTotal(ledger)) / ledger.offered,
    [`${name} client RSS`]: resources.client_rss_mb,
    [`${name} worker RSS`]: resources.worker_rss_mb,
    [`${name} client CPU`]: resources.client_cpu_ms_per_frame,
    [`${name} pixels`]: environment.input_shape[2] * environment.input_shape[3],
  };
}

/** Results by frame of a clip, as claims of Accuracy. */
async function detections(flags) {
  const args = ["run", ...flags, "--source", video, "--frames", frames, "--out", "ndjson:-", "--quiet"];
  const lines = await linesOf(process.execPath, [AIW, ...args]);
  return lines.map((line) =>
    JSON.parse(line).detections.map((d) => ({ className: d.class, confidence: d.confidence, box: d.box })),
  );
}

async function agreement() {
  const [reference, found] = [await detections(["--model", small]), await detections(smallFlags())];
  const accuracy = new Accuracy();
  for (const [i, claims] of found.entries()) {
    const truth = reference[i].map(({ className, box }, id) => ({ id, className, box, visible: 1 }));
    accuracy.add(claims, truth);
  }
  const { precision, recall, meanIou } = accuracy.summary();
  return { F1: (2 * precision * recall) / (precision + recall), "mean IoU": meanIou };
}

/** With a cache of its own, but for the Python environment. */
function optimiseMs() {
  return inScratch(async (folder) => {
    const env = { ...process.env, AIW_PYTHON: await managedPython(), AIW_CACHE: join(folder, "cache") };
    const flags = ["--model", resolve(large), "--calibrate", resolve(video), "--allow-unverified", "--yes"];
    const begun = performance.now();
    await linesOf(process.execPath, [AIW, "init", "--optimize", ...flags, "--json"], { cwd: folder, env });
    return performance.now() - begun;
  });
}

async function highestFps(flags, name) {
  const gates = ["--gate", "p95<150ms", "--gate", "drops<=5%"];
  const { max_fps: most } = await benchReport([...flags, "--source", "synthetic:", "--find-max", ...gates]);
  return { [name]: most ?? 0 };
}

const turn = { model: usual, fps, frames };
const ROWS = [
  {
    name: "overhead",
    about: "640x480 RGB over loopback, p50 ms; the peer is the model called bare in a Python loop",
    run: async () => {
      const more = ["--source", "synthetic:", "--pixel-format", "rgb24"];
      const seen = await inTurns(rounds, [() => pipelineTurn({ ...turn, more }), () => bareTurn(turn)]);
      const totals = seen.get("total");
      const bares = seen.get("bare");
      return [
        { what: "total", values: totals, peer: bares },
        { what: "total - its own inference", values: seen.get("total - inference"), most: 3 },
        { what: "total - bare", values: totals.map((total, i) => total - bares[i]) },
      ];
    },
  },
  {
    name: "i420",
    needs: { video },
    about: "I420 off a video, p50 ms; the peer is RGB of the same video",
    run: async () => {
      const off = (format) => async () => {
        const more = ["--source", video, "--loop", "--pixel-format", format];
        return { [format]: (await pipelineTurn({ ...turn, more }))["total - inference"] };
      };
      const seen = await inTurns(rounds, [off("i420"), off("rgb24")]);
      return [
        { what: "total - its own inference", values: seen.get("i420"), peer: seen.get("rgb24"), most: 2.5 },
      ];
    },
  },
  {
    name: "pipeline",
    needs: { large },
    about: `YOLO11s as exported at ${fps} fps, ms; the peer is the same model called bare`,
    run: async () => {
      const seen = await inTurns(rounds, [
        () => bench(["--model", large], "as exported"),
        () => bareTurn({ model: large, fps, frames }),
      ]);
      const bares = seen.get("bare");
      return [
        { what: "inference p50", values: seen.get("as exported inference"), peer: bares },
        { what: "total p50", values: seen.get("as exported p50"), peer: bares },
        { what: "total p95", values: seen.get("as exported p95"), most: 150 },
        { what: "drops, %", values: seen.get("as exported drops"), most: 5 },
      ];
    },
  },
  {
    name: "optimise",
    needs: { large, video },
    about: "seconds that `aiw init --optimize` takes of YOLO11s, with nothing kept of an earlier one; once",
    run: async () => [{ what: "aiw init --optimize", values: [(await optimiseMs()) / 1000], most: 300 }],
  },
  {
    name: "tuned",
    needs: { large, "large-optimised": options["large-optimised"] },
    about: `YOLO11s optimised at ${fps} fps, ms; the peer is the model as it was exported`,
    run: async () => {
      const seen = await inTurns(rounds, [
        () => bench(largeFlags(), "optimised"),
        () => bench(["--model", large], "as exported"),
      ]);
      // A model of fixed size has more pixels to look at than 4:3 frames have.
      const most = seen.get("optimised pixels")[0] < 640 * 640 ? 83 : 110;
      const of = (what) => ({ values: seen.get(`optimised ${what}`), peer: seen.get(`as exported ${what}`) });
      return [
        { what: "inference p50", ...of("inference") },
        { what: "total p50", ...of("p50") },
        { what: "total p95", ...of("p95"), most },
        { what: "drops, %", ...of("drops"), most: 1 },
      ];
    },
  },
  {
    name: "agreement",
    needs: { small, "small-optimised": options["small-optimised"], video },
    about: `YOLO11n optimised against what it detects as exported, ${frames} frames of the clip`,
    run: async () => {
      const { F1, "mean IoU": iou } = await agreement();
      return [
        { what: "F1", values: [F1], least: 0.95 },
        { what: "mean IoU", values: [iou], least: 0.95 },
      ];
    },
  },
  {
    name: "capacity",
    needs: { small, "small-optimised": options["small-optimised"] },
    about: "YOLO11n, highest fps with p95 < 150 ms and drops <= 5 %; the peer is it as exported",
    run: async () => {
      const seen = await inTurns(rounds, [
        () => highestFps(smallFlags(), "optimised"),
        () => highestFps(["--model", small], "as exported"),
      ]);
      return [
        { what: "highest fps", values: seen.get("optimised"), peer: seen.get("as exported"), least: 30 },
      ];
    },
  },
  {
    name: "cpu",
    about: `CPU ms a frame at ${fps} fps, the source's apart; the peer is the model called bare`,
    run: async () => {
      const args = ["--model", usual, "--source", "synthetic:", "--fps", fps];
      const seen = await inTurns(rounds, [
        async () => (await profiledRun({ args, frames: Number(frames), samples: false })).worker,
        () => bareTurn(turn),
        () => bench(["--model", usual], "it"),
      ]);
      return [
        { what: "client", values: seen.get("it client CPU"), most: 2 },
        { what: "worker outside inference", values: seen.get("outsideMs"), most: 2 },
        { what: "worker in inference", values: seen.get("inferenceMs"), peer: seen.get("bare CPU") },
      ];
    },
  },
  {
    name: "memory",
    needs: { large },
    about: "RSS in MB at the end of a bench of YOLO11s; the peer of an optimised one is it as exported",
    run: async () => {
      const tuned = options["large-optimised"] === undefined ? [] : [() => bench(largeFlags(), "optimised")];
      const seen = await inTurns(rounds, [() => bench(["--model", large], "as exported"), ...tuned]);
      return ["as exported", "optimised"]
        .filter((name) => seen.has(`${name} p50`))
        .flatMap((name) =>
          [
            ["client", 150],
            ["worker", 450],
          ].map(([who, most]) => {
            const peer = name === "optimised" ? seen.get(`as exported ${who} RSS`) : undefined;
            return { what: `${who}, ${name}`, values: seen.get(`${name} ${who} RSS`), peer, most };
          }),
        );
    },
  },
  {
    name: "start",
    about: "seconds from being typed to the end of one frame; the peer is bare Python's one inference",
    run: async () => {
      const seen = await inTurns(rounds, [
        async () => ({ aiw: (await startUpMs(["--model", usual])) / 1000 }),
        async () => ({ bare: (await bareStartMs(usual)) / 1000 }),
      ]);
      return [{ what: "aiw bench of one frame", values: seen.get("aiw"), peer: seen.get("bare"), most: 2.5 }];
    },
  },
];

const wanted = options.only?.split(",") ?? ROWS.map(({ name }) => name);
const unknown = wanted.find((name) => !ROWS.some((row) => row.name === name));
if (unknown !== undefined) {
  console.error(`no row "${unknown}"; known are ${ROWS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const fixed = (value) => (value === null || Number.isNaN(value) ? "–" : value.toFixed(value < 10 ? 2 : 1));
let missed = 0;

function cells({ what, values, peer, most, least }) {
  const value = median(values);
  const between = values.length > 1 ? `${fixed(Math.min(...values))}–${fixed(Math.max(...values))}` : "";
  const beside = peer === undefined ? ["", ""] : [fixed(median(peer)), fixed(value / median(peer))];
  if (most === undefined && least === undefined)
    return [`  ${what}`, fixed(value), between, ...beside, "", ""];
  const isMet = most === undefined ? value >= least : value <= most;
  if (!isMet) missed += 1;
  const target = most === undefined ? `>= ${least}` : `<= ${most}`;
  return [`  ${what}`, fixed(value), between, ...beside, target, isMet ? "met" : "MISSED"];
}

for (const { name, about, needs = {}, run } of ROWS.filter((row) => wanted.includes(row.name))) {
  const absent = Object.keys(needs).filter((option) => needs[option] === undefined);
  if (absent.length > 0) {
    console.log(`${name}: left out, needs ${absent.map((option) => `--${option}`).join(", ")}`);
    continue;
  }
  console.log(`${name}: ${about}`);
  const rows = (await run()).map(cells);
  console.log(columns([["", "median", "runs", "peer", "ratio", "target", ""], ...rows]));
}
console.log(missed === 0 ? "no target was missed" : `${missed} missed`);
process.exitCode = missed === 0 ? 0 : 1;

// The rows of bench/targets.mjs: what each measures, the files that it needs, its peer and its target.
import { devNull } from "node:os";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { agreementOf } from "../dist/optimize/agreement.js";
import { droppedTotal } from "../dist/pipeline/ledger.js";
import {
  AIW,
  bareStartMs,
  bareTurn,
  benchReport,
  inScratch,
  inTurns,
  linesOf,
  managedPython,
  pipelineTurn,
  startUpMs,
} from "./kit.mjs";
import { profiledRun } from "./profiled-run.mjs";

/** Where no YOLO11n is given: the embedded detector. */
const EMBEDDED = fileURLToPath(new URL("../worker/models/synthetic.onnx", import.meta.url));

/** A model as it was exported, whatever an aiw.yaml of the working folder says. */
const asExported = (model) => ["--config", devNull, "--model", model];

/** Of one bench: what rows ask of it. */
async function benchFigures(flags, name, { fps, duration }) {
  const rate = ["--source", "synthetic:", "--fps", fps, "--duration", `${duration}s`];
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

/** What is found in each frame of the clip, as rows of agreementOf. */
async function detections(flags, { video, frames }) {
  const args = ["run", ...flags, "--source", video, "--frames", frames, "--out", "ndjson:-", "--quiet"];
  const lines = await linesOf(process.execPath, [AIW, ...args]);
  return lines.map((line) =>
    JSON.parse(line).detections.map(({ class_id: id, confidence, box }) => [
      id,
      confidence,
      box.x,
      box.y,
      box.w,
      box.h,
    ]),
  );
}

/** With a cache of its own, but for the Python environment. */
function optimiseMs({ large, video }) {
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

/**
 * @param {object} options those of the command line, by their names
 * @returns rows: `run` gives its figures, each with its values and those of the peer; `most` or `least` is the
 *   target of the median
 */
export function targetRows(options) {
  const { large, small, video, fps, frames } = options;
  const { "large-optimised": largeOptimised, "small-optimised": smallOptimised } = options;
  const rounds = Number(options.rounds);
  const usual = small ?? EMBEDDED;
  const optimised = (file) =>
    /\.ya?ml$/.test(file)
      ? ["--config", file]
      : [...asExported(file), ...(options.engine === undefined ? [] : ["--engine", options.engine])];
  const bench = (flags, name) => benchFigures(flags, name, options);
  const turn = { model: usual, fps, frames };
  return [
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
          () => bench(asExported(large), "as exported"),
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
      run: async () => [
        { what: "aiw init --optimize", values: [(await optimiseMs(options)) / 1000], most: 300 },
      ],
    },
    {
      name: "tuned",
      needs: { large, "large-optimised": largeOptimised },
      about: `YOLO11s optimised at ${fps} fps, ms; the peer is the model as it was exported`,
      run: async () => {
        const seen = await inTurns(rounds, [
          () => bench(optimised(largeOptimised), "optimised"),
          () => bench(asExported(large), "as exported"),
        ]);
        // A model of fixed size has more pixels to look at than 4:3 frames have.
        const most = seen.get("optimised pixels")[0] < 640 * 640 ? 83 : 110;
        const of = (what) => ({
          values: seen.get(`optimised ${what}`),
          peer: seen.get(`as exported ${what}`),
        });
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
      needs: { small, "small-optimised": smallOptimised, video },
      about: `YOLO11n optimised against what it detects as exported, ${frames} frames of the clip`,
      run: async () => {
        const reference = await detections(asExported(small), options);
        const { f1, meanIou } = agreementOf(await detections(optimised(smallOptimised), options), reference);
        return [
          { what: "F1", values: [f1], least: 0.95 },
          { what: "mean IoU", values: [meanIou ?? Number.NaN], least: 0.95 },
        ];
      },
    },
    {
      name: "capacity",
      needs: { small, "small-optimised": smallOptimised },
      about: "YOLO11n, highest fps with p95 < 150 ms and drops <= 5 %; the peer is it as exported",
      run: async () => {
        const seen = await inTurns(rounds, [
          () => highestFps(optimised(smallOptimised), "optimised"),
          () => highestFps(asExported(small), "as exported"),
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
        const args = [...asExported(usual), "--source", "synthetic:", "--fps", fps];
        const seen = await inTurns(rounds, [
          async () => (await profiledRun({ args, frames: Number(frames), samples: false })).worker,
          () => bareTurn(turn),
          () => bench(asExported(usual), "it"),
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
        const tuned =
          largeOptimised === undefined ? [] : [() => bench(optimised(largeOptimised), "optimised")];
        const seen = await inTurns(rounds, [() => bench(asExported(large), "as exported"), ...tuned]);
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
          async () => ({ aiw: (await startUpMs(asExported(usual))) / 1000 }),
          async () => ({ bare: (await bareStartMs(usual)) / 1000 }),
        ]);
        return [
          { what: "aiw bench of one frame", values: seen.get("aiw"), peer: seen.get("bare"), most: 2.5 },
        ];
      },
    },
  ];
}

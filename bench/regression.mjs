// How far the verdict of `aiw bench --against` can be trusted. Needs a built CLI (npm ci); on a machine that
// does nothing else.
//
//   node bench/regression.mjs --record FILE [--minutes 15] [AIW FLAGS…]
//       runs slices as --against would, all of the same build, and writes their reports to FILE, one a line
//       (it goes on with a FILE that is there)
//   node bench/regression.mjs FILE [--rounds 4000] [--slower 10] [--limit 5]
//       thousands of comparisons of slices drawn from FILE, judged by the code that judges --against: how
//       often it sees a regression where nothing was changed, and how often where inference was made slower
//   node bench/regression.mjs --real [--rounds 5] [--slower 10] [AIW FLAGS…]
//       real comparisons: as many of the build with itself, and with every inference made slower for real
//       (bench/slower/sitecustomize.py), in turns; prints verdict and time of each
//
// AIW FLAGS are those of a bench: --model ../shared/models/yolo11n.onnx --fps 12; for --real also --duration.
// A simulation ends with 1 when more than 1 % are false alarms or fewer than 95 % are found with the pairs
// that --against takes by default; --real when one verdict is wrong or took longer than three minutes.
//
// The simulation draws blocks of four slices that were recorded one after the other, and takes them for
// base, head, head, base: what drifts, and what differs from process to process, is in them as it was
// (a moving-block bootstrap; Künsch 1989). The planted slowdown is added to each slice's figures: of the
// inference by its share, of the total by as many milliseconds.
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { performance } from "node:perf_hooks";
import { comparePairs, exactFigures } from "../dist/bench/comparison.js";
import { figuresOf } from "../dist/bench/comparison-figures.js";
import { readComparable } from "../dist/bench/comparable.js";
import { planSlices } from "../dist/bench/slice-plan.js";
import { runSlice } from "../dist/cli/slice.js";
import { seededRandom } from "../dist/scene/random.js";
import { AIW, HERE, managedPython } from "./kit.mjs";

/** Of a comparison that was asked for nothing else. */
const PLAN = planSlices({ durationUs: undefined, overheadUs: 900_000, spentUs: 2_000_000 });
const WARMUP = "--warmup=0s";
const MOST_S = 180;
const VERDICTS = ["regress", "same", "better", "insufficient"];

/** Takes `--name VALUE` out of the arguments. */
function option(args, name, fallback) {
  const at = args.indexOf(name);
  return at === -1 ? fallback : args.splice(at, 2)[1];
}

function percent(n, of) {
  return `${((100 * n) / of).toFixed(1).padStart(5)} %`;
}

async function record(file, args) {
  const untilMs = performance.now() + Number(option(args, "--minutes", "15")) * 60_000;
  const command = { name: "aiw bench", program: process.execPath, args: [AIW, "bench", ...args], env: {} };
  const slice = [
    `--duration=${PLAN.sliceUs / 1e6}s`,
    ...(args.some((arg) => /^--warmup(=|$)/.test(arg)) ? [] : [WARMUP]),
  ];
  const options = { side: "base", env: process.env, args: slice, measuredUs: PLAN.sliceUs };
  for (let n = 1; performance.now() < untilMs; n++) {
    const begunMs = performance.now();
    const { timeline: _, ...report } = await runSlice(command, options);
    const wallS = (performance.now() - begunMs) / 1000;
    appendFileSync(file, `${JSON.stringify({ ...report, wall_s: wallS })}\n`);
    const low = figuresOf(report)["total.p2"];
    console.log(
      `slice ${n}: total p2 ${low?.toFixed(2)} ms, p50 ${report.latency_ms.total.p50.toFixed(2)} ms`,
    );
  }
}

function readSlices(file) {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const read = readComparable(line);
      if ("wrong" in read) throw new Error(`${file}: a line ${read.wrong}`);
      return { figures: figuresOf(read.report), wallS: JSON.parse(line).wall_s };
    });
}

/** A slice's figures with inference made slower by a share. */
function slowed(figures, share) {
  const add = 1 + share;
  const low = share * (figures["inference.p2"] ?? 0);
  const changed = { ...figures, "total.p2": figures["total.p2"] + low };
  // The middle and the tail are slowed at least as much as the least disturbed frame.
  for (const name of ["total.p50", "total.p95"]) changed[name] = figures[name] + low;
  if ("inference.p2" in figures) changed["inference.p2"] = figures["inference.p2"] * add;
  return changed;
}

function simulate(slices, { rounds, limit, share, pairs }) {
  const random = seededRandom(1 + pairs);
  const seen = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
  for (let round = 0; round < rounds; round++) {
    const drawn = [];
    while (drawn.length < pairs) {
      const [a, b, c, d] = slices.slice(random(slices.length - 3)).map(({ figures }) => figures);
      drawn.push({ first: "base", base: a, head: slowed(b, share) });
      if (drawn.length < pairs) drawn.push({ first: "head", base: d, head: slowed(c, share) });
    }
    seen[comparePairs(drawn, limit, exactFigures(drawn)).verdict]++;
  }
  return seen;
}

function simulation(file, args) {
  const rounds = Number(option(args, "--rounds", "4000"));
  const share = Number(option(args, "--slower", "10")) / 100;
  const limit = Number(option(args, "--limit", "5")) / 100;
  const slices = readSlices(file);
  if (slices.length < 8) throw new Error(`${file} has ${slices.length} slices, too few to draw from`);
  const wallS = slices.map((slice) => slice.wallS).sort((a, b) => a - b)[Math.floor(slices.length / 2)];
  const lows = slices.map(({ figures }) => figures["total.p2"]);
  const steps = lows.slice(1).map((low, i) => Math.abs(Math.log(low / lows[i])));
  const typical = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  console.log(
    `${slices.length} slices of ${wallS.toFixed(1)} s each with its start; total p2 of one differs from that of the next by ${percent(typical, 1).trim()} (median)`,
  );
  console.log(
    `${rounds} comparisons each, limit ${limit * 100} %, slowdown ${share * 100} % of the inference`,
  );
  console.log("        |  nothing changed                  |  made slower              |");
  console.log("  pairs | regress    same  better  unclear  | regress    same  unclear  |    time");
  let good = true;
  for (const pairs of [12, 16, 20, 24, 28, 32, 36, 40, 48]) {
    const [none, slow] = [0, share].map((by) => simulate(slices, { rounds, limit, share: by, pairs }));
    const cells = [none.regress, none.same, none.better, none.insufficient].map((n) => percent(n, rounds));
    const more = [slow.regress, slow.same + slow.better, slow.insufficient].map((n) => percent(n, rounds));
    const isDefault = pairs === PLAN.pairs;
    if (isDefault) good = none.regress <= 0.01 * rounds && slow.regress >= 0.95 * rounds;
    const time = `${(2 * pairs * wallS).toFixed(0)} s`.padStart(6);
    console.log(
      `${isDefault ? "*" : " "} ${String(pairs).padStart(5)} | ${cells.join(" ")}  | ${more.join(" ")}  | ${time}`,
    );
  }
  console.log(
    `* as --against takes them: ${good ? "" : "NOT "}at most 1 % false alarms and at least 95 % found`,
  );
  process.exitCode = good ? 0 : 1;
}

async function real(args) {
  const rounds = Number(option(args, "--rounds", "5"));
  const share = option(args, "--slower", "10");
  const python = await managedPython();
  const path = [join(HERE, "slower"), process.env.PYTHONPATH].filter(Boolean).join(delimiter);
  const scratch = mkdtempSync(join(tmpdir(), "aiw-regression-"));
  let wrong = 0;
  for (let n = 0; n < 2 * rounds; n++) {
    const by = n % 2 === 0 ? "0" : share;
    const env = { ...process.env, AIW_PYTHON: python, PYTHONPATH: path, AIW_SLOWER_PERCENT: by };
    const json = join(scratch, "comparison.json");
    rmSync(json, { force: true });
    const begunMs = performance.now();
    const flags = [...args, "--json", json, "--against", "AIW_SLOWER_PERCENT=0"];
    const { status, stderr } = spawnSync(process.execPath, [AIW, "bench", ...flags, "--quiet"], {
      env,
      encoding: "utf8",
    });
    const tookS = (performance.now() - begunMs) / 1000;
    const figures = readFigures(json);
    const expected = by === "0" ? 0 : 3;
    const isRight = status === expected && tookS <= MOST_S;
    if (!isRight) wrong++;
    console.log(
      `slower by ${by.padStart(2)} %: exit ${status} in ${tookS.toFixed(0)} s ${isRight ? "" : "WRONG "}${figures} ${stderr.trim()}`,
    );
  }
  rmSync(scratch, { recursive: true, force: true });
  console.log(`${2 * rounds - wrong} of ${2 * rounds} right`);
  process.exitCode = wrong === 0 ? 0 : 1;
}

function readFigures(json) {
  try {
    return JSON.parse(readFileSync(json, "utf8"))
      .figures.map(
        ({ figure, value, low, high }) =>
          `${figure} ${[value, low, high].map((x) => x?.toFixed(3) ?? "–").join(" ")}`,
      )
      .slice(0, 4)
      .join("; ");
  } catch {
    return "no report";
  }
}

const args = process.argv.slice(2);
const file = option(args, "--record", undefined);
if (file !== undefined) await record(file, args);
else if (args[0] === "--real") await real(args.slice(1));
else if (args[0] !== undefined) simulation(args[0], args.slice(1));
else {
  console.error("usage: node bench/regression.mjs --record FILE | FILE | --real; see its head");
  process.exitCode = 2;
}

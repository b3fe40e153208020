import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import type { DetectionRow, Trial } from "../core/trial.js";
import { candidateKey } from "./candidate.js";
import { optimize } from "./optimizer.js";
import type { Findings, OptimizerOptions } from "./optimized.js";

const JUDGED = 16;
const UNCHANGED = "fp32-own-onnxruntime";
const WHOLE = "int8-conv-decode-own-onnxruntime";
const ALL = "int8-all-decode-own-onnxruntime";

/** How a candidate behaves; one that is not described takes 100 ms and sees what the model sees. */
interface Nature {
  /** Of each inference, or of one after the other, by the how many-eth time it is asked for some. */
  readonly ms?: number | ((asked: number) => number | readonly number[]);
  readonly sees?: (frame: number) => readonly DetectionRow[];
  readonly opening?: AiwError;
  readonly timing?: AiwError;
  readonly detecting?: AiwError;
}

const thing = (x: number, classId = 0): DetectionRow => [classId, 0.9, x, 0, 50, 50];
/** Two things in each frame: 32 in all. */
const usual = () => [thing(0), thing(100)];
const WRONG: Nature["sees"] = () => [thing(0)];
const REFUSED = new AiwError("WORKER_REFUSED", "it has an operator that is not known");
const INTERRUPTED = new AiwError("INTERRUPTED", "interrupted");

/** Runs the optimiser over candidates of which only what matters is described. */
function stage(natures: Record<string, Nature> = {}, options: Partial<OptimizerOptions> = {}, threads = 2) {
  const log: string[] = [];
  const steps: string[] = [];
  let open = 0;
  const saved: Findings[] = [];
  const running = optimize({
    ...{ engines: ["onnxruntime"], sizes: [], notQuantisable: null, threads: undefined },
    ...{ judged: JUDGED, classes: undefined, minAgreement: 0.95, allowUnverified: false },
    findings: { agreements: {} },
    open: (candidate) => {
      const key = candidateKey(candidate);
      const nature = natures[key] ?? {};
      log.push(`open ${key}`);
      if (nature.opening !== undefined) return Promise.reject(nature.opening);
      open++;
      let isOpen = true;
      let asked = 0;
      const { ms = 100, sees = usual } = nature;
      const trial: Trial = {
        facts: {
          ...{ loadMs: 1, width: 640, height: 640, provider: "CPU", version: "1", rssBytes: 1 },
          threads: candidate.threads ?? threads,
        },
        time: (runs) => {
          log.push(`time ${key}`);
          if (!isOpen) return Promise.reject(new Error(`${key} is closed`));
          if (nature.timing !== undefined && asked > 0) return Promise.reject(nature.timing);
          const all = [typeof ms === "number" ? ms : ms(asked)].flat();
          asked++;
          return Promise.resolve(Array.from({ length: runs }, (_, run) => 1000 * all[run % all.length]!));
        },
        detect: (first, end) => {
          log.push(`detect ${key} ${first}-${end}`);
          if (nature.detecting !== undefined) return Promise.reject(nature.detecting);
          return Promise.resolve(Array.from({ length: end - first }, (_, index) => sees(first + index)));
        },
        close: () => {
          if (isOpen) open--;
          isOpen = false;
          return Promise.resolve();
        },
      };
      return Promise.resolve(trial);
    },
    onStep: (text) => steps.push(text),
    onFinding: (findings) => {
      saved.push(structuredClone(findings));
      return Promise.resolve();
    },
    ...options,
  });
  const found = running.then((outcome) => ({
    ...outcome,
    key: candidateKey(outcome.winner.candidate),
    failures: Object.fromEntries(
      outcome.all.flatMap(({ candidate, failure }) => (failure ? [[candidateKey(candidate), failure]] : [])),
    ),
  }));
  return {
    found,
    log,
    steps,
    saved,
    leftOpen: () => open,
    detected: () => log.filter((line) => line.startsWith("detect")),
  };
}

describe("the winner", () => {
  it("is the fastest that agrees, with its figures", async () => {
    const { found, leftOpen } = stage({ [WHOLE]: { ms: 50 }, [ALL]: { ms: 40 } });
    const { key, winner, verified, reference, judgedFrames, all, busy } = await found;
    expect(key).toBe(ALL);
    expect(winner).toMatchObject({ aloneMs: 40, finalMs: 40, ratio: 0.4, agreement: { f1: 1, meanIou: 1 } });
    expect({ verified, reference, judgedFrames, busy }).toEqual({
      ...{ verified: true, reference: 32, judgedFrames: JUDGED, busy: undefined },
    });
    expect(all).toHaveLength(3);
    expect(leftOpen()).toBe(0);
  });

  it("is never one that disagrees: more of it stays in float instead", async () => {
    const { found } = stage({
      [ALL]: { ms: 30, sees: WRONG },
      "int8-all-outputs-own-onnxruntime": { ms: 35, sees: WRONG },
      "int8-all-head-own-onnxruntime": { ms: 40 },
    });
    const { key, all } = await found;
    expect(key).toBe("int8-all-head-own-onnxruntime");
    const agreed = Object.fromEntries(
      all.map(({ candidate, agreement }) => [candidateKey(candidate), agreement?.f1]),
    );
    expect(agreed[ALL]).toBeCloseTo(2 / 3);
    expect(agreed["int8-all-outputs-own-onnxruntime"]).toBeCloseTo(2 / 3);
  });

  it("is the model as it is where nothing else agrees", async () => {
    const fast = { ms: 10, sees: WRONG };
    const { found } = stage({
      ...{ [WHOLE]: fast, "int8-conv-outputs-own-onnxruntime": fast, "int8-conv-head-own-onnxruntime": fast },
      ...{ [ALL]: fast, "int8-all-outputs-own-onnxruntime": fast, "int8-all-head-own-onnxruntime": fast },
    });
    expect(await found).toMatchObject({ key: UNCHANGED, verified: true });
  });

  it("is, of two that are as fast, the one that changes least", async () => {
    const natures = { [WHOLE]: { ms: 41 }, [ALL]: { ms: 40 } };
    expect((await stage(natures).found).key).toBe(WHOLE);
    expect((await stage({ ...natures, [WHOLE]: { ms: 42 } }).found).key).toBe(ALL);
    expect((await stage({ [WHOLE]: { ms: 98 }, [ALL]: { ms: 99 } }).found).key).toBe(UNCHANGED);
  });

  it("is told in turns, not by how fast it was alone", async () => {
    // Alone it was lucky: in company it takes longer.
    const lucky = (times: number[]) => () => times.shift() ?? 70;
    const { found } = stage({ [ALL]: { ms: lucky([45]) }, [WHOLE]: { ms: 50 } });
    expect((await found).key).toBe(WHOLE);
  });

  it("runs on an engine that was asked for, though the unchanged model is faster on its own", async () => {
    const { found } = stage({ [UNCHANGED]: { ms: 50 } }, { engines: ["openvino"], notQuantisable: "no" });
    expect(await found).toMatchObject({ key: "fp32-own-openvino", winner: { ratio: 2 } });
  });
});

describe("a smaller input", () => {
  const sizes = ["640x480"];

  it("wins where what it sees agrees, and is the one that 8 bits are tried at", async () => {
    const { found, log } = stage(
      {
        "int8-conv-decode-640x480-onnxruntime": { ms: 30 },
        "int8-all-decode-640x480-onnxruntime": { ms: 60 },
      },
      { sizes },
    );
    expect((await found).key).toBe("int8-conv-decode-640x480-onnxruntime");
    expect(log).not.toContain(`open ${WHOLE}`);
  });

  it("that disagrees in float is not asked in 8 bits, which are tried at the model's own size", async () => {
    const { found, detected } = stage(
      {
        "fp32-640x480-onnxruntime": { ms: 75, sees: WRONG },
        "int8-conv-decode-640x480-onnxruntime": { ms: 30 },
        "int8-all-decode-640x480-onnxruntime": { ms: 30 },
        [WHOLE]: { ms: 40 },
        [ALL]: { ms: 60 },
      },
      { sizes },
    );
    expect((await found).key).toBe(WHOLE);
    expect(detected().filter((line) => line.includes("int8") && line.includes("640x480"))).toEqual([]);
  });
});

it("times and compares nothing twice where 8 bits need the model's own size", async () => {
  const fast = { ms: 70, sees: WRONG };
  const { found, log } = stage(
    Object.fromEntries(
      ["conv", "all"].flatMap((operators) =>
        ["decode", "outputs", "head"].map((float) => [
          `int8-${operators}-${float}-640x480-onnxruntime`,
          fast,
        ]),
      ),
    ),
    { sizes: ["640x480"] },
  );
  await found;
  const ofSmaller = log.filter(
    (line) => line.startsWith("open") && line.includes("int8-") && line.includes("640x480"),
  );
  // Six of them, once to be timed and once to be compared.
  expect(ofSmaller).toHaveLength(12);
  expect(log).toContain(`open ${WHOLE}`);
});

describe("threads", () => {
  it("are also tried halved, where there are enough of them", async () => {
    const half = `${ALL}-2t`;
    const { found, detected } = stage({ [ALL]: { ms: 40 }, [half]: { ms: 30 } }, {}, 4);
    expect(await found).toMatchObject({ key: half, winner: { agreement: { f1: 1 } }, verified: true });
    expect(detected().filter((line) => line.includes(half))).toEqual([]);
  });

  it.each([
    ["there are few", {}, 3],
    ["a number was asked for", { threads: 4 }, 4],
  ])("are left alone where %s", async (_, options, threads) => {
    const { found, log } = stage({}, options, threads);
    await found;
    expect(log.filter((line) => /-[12]t$/.test(line))).toEqual([]);
  });
});

describe("too little to judge by", () => {
  const sees = (frame: number) => (frame < 19 ? [thing(0)] : []);
  const blind = { [UNCHANGED]: { sees }, [ALL]: { ms: 30, sees: WRONG }, [WHOLE]: { ms: 60 } };

  it("ends it before anything is timed", async () => {
    const { found, log, leftOpen } = stage(blind, { judged: 24 });
    await expect(found).rejects.toMatchObject({
      code: "OPTIMIZE_UNJUDGED",
      message: expect.stringContaining("19 detections in the 24 frames to judge by"),
    });
    expect(log.filter((line) => line.startsWith("time"))).toEqual([]);
    expect(leftOpen()).toBe(0);
  });

  it("is enough with one more", async () => {
    const { found } = stage(
      { [UNCHANGED]: { sees: (frame) => (frame < 20 ? [thing(0)] : []) } },
      { judged: 24 },
    );
    expect(await found).toMatchObject({ reference: 20 });
  });

  it("is told apart from a source of one frame", async () => {
    await expect(stage({}, { judged: 0 }).found).rejects.toMatchObject({
      code: "OPTIMIZE_UNJUDGED",
      message: expect.stringContaining("no second frame"),
    });
  });

  it("gives the fastest where that is allowed, which is not verified", async () => {
    const { found, detected } = stage(blind, { judged: 24, allowUnverified: true });
    expect(await found).toMatchObject({ key: ALL, verified: false, reference: 19, judgedFrames: 24 });
    expect(detected().every((line) => line.includes(UNCHANGED))).toBe(true);
  });

  it("verifies the unchanged model without a look", async () => {
    const { found } = stage({}, { judged: 0, allowUnverified: true, notQuantisable: "no" });
    expect(await found).toMatchObject({ key: UNCHANGED, verified: true });
  });

  it("counts only the classes that matter", async () => {
    // 30 of a class that nobody wants, and one of the other.
    const both = (frame: number) => [thing(0, 1), thing(100, 1), ...(frame === 0 ? [thing(200, 7)] : [])];
    const { found } = stage({ [UNCHANGED]: { sees: both } }, { classes: [7] });
    await expect(found).rejects.toMatchObject({
      code: "OPTIMIZE_UNJUDGED",
      message: expect.stringContaining("1 detection in"),
    });
  });
});

describe("the frames that are judged", () => {
  it("are no more than it takes", async () => {
    const { found } = stage({}, { judged: 96 });
    // Two a frame: 100 detections are there after 50 frames, eight of which are asked for at once.
    expect(await found).toMatchObject({ judgedFrames: 56, reference: 112 });
  });

  it("are enough of them, however much there is to see", async () => {
    const sees = () => Array.from({ length: 50 }, (_, index) => thing(100 * index));
    const { found } = stage({ [UNCHANGED]: { sees }, [WHOLE]: { sees }, [ALL]: { sees } }, { judged: 96 });
    expect((await found).judgedFrames).toBe(32);
  });
});

describe("a candidate that fails", () => {
  it("knows which failed for want of memory, wherever that ran out", async () => {
    const memory = new AiwError("WORKER_REFUSED", "too little", { workerName: "OUT_OF_MEMORY" });
    const killed = new AiwError("OUT_OF_MEMORY", "killed");
    const { found } = stage({ [ALL]: { opening: memory }, [WHOLE]: { timing: killed, ms: 40 } });
    const { key, all } = await found;
    expect(key).toBe(UNCHANGED);
    const lacking = all.filter(({ lacksMemory }) => lacksMemory);
    expect(lacking.map(({ candidate }) => candidateKey(candidate)).sort()).toEqual([ALL, WHOLE].sort());
    expect((await stage({ [ALL]: { opening: REFUSED } }).found).all.some((one) => one.lacksMemory)).toBe(
      false,
    );
  });

  it("to load is noted with its reason, and the rest goes on", async () => {
    const { found, leftOpen } = stage({ [ALL]: { opening: REFUSED }, [WHOLE]: { ms: 40 } });
    expect(await found).toMatchObject({ key: WHOLE, failures: { [ALL]: REFUSED.message } });
    expect(leftOpen()).toBe(0);
  });

  it("gives a reason that is the same for all of them, whatever their files are called", async () => {
    const lacking = (key: string) =>
      new AiwError("WORKER_REFUSED", `there is too little memory to load ${key}.onnx; free some`);
    const { found } = stage({
      [ALL]: { opening: lacking("int8-all-decode-own") },
      [WHOLE]: { opening: lacking("int8-conv-decode-own") },
    });
    const reason = "there is too little memory to load it; free some";
    expect((await found).failures).toEqual({ [ALL]: reason, [WHOLE]: reason });
  });

  it("to load with more of it in float does not keep the slower from being looked at", async () => {
    const { found } = stage({
      [ALL]: { ms: 30, sees: WRONG },
      "int8-all-outputs-own-onnxruntime": { opening: REFUSED },
      [WHOLE]: { ms: 40 },
    });
    expect(await found).toMatchObject({
      key: WHOLE,
      failures: { "int8-all-outputs-own-onnxruntime": REFUSED.message },
    });
  });

  it("to be compared is noted, and does not win", async () => {
    const { found, detected, leftOpen } = stage({
      [ALL]: { ms: 30, detecting: REFUSED },
      [WHOLE]: { ms: 40 },
    });
    const { key, failures } = await found;
    expect(key).not.toBe(ALL);
    expect(failures).toEqual({ [ALL]: REFUSED.message });
    expect(detected().filter((line) => line.includes(ALL))).toHaveLength(1);
    expect(leftOpen()).toBe(0);
  });

  it("among the turns, where memory may be short, is noted, and does not win", async () => {
    const lost = new AiwError("WORKER_START", "it was killed");
    const { found, leftOpen } = stage({
      [ALL]: { ms: 30, timing: lost },
      [WHOLE]: { ms: 40 },
    });
    expect(await found).toMatchObject({ key: WHOLE, failures: { [ALL]: lost.message } });
    expect(leftOpen()).toBe(0);
  });

  it("ends it where it is the model itself, also when its detections are known", async () => {
    await expect(stage({ [UNCHANGED]: { opening: REFUSED } }).found).rejects.toBe(REFUSED);
    const findings = { reference: Array.from({ length: JUDGED }, usual), agreements: {} };
    await expect(stage({ [UNCHANGED]: { opening: REFUSED } }, { findings }).found).rejects.toBe(REFUSED);
  });

  it("by a mistake of ours is not passed over", async () => {
    const mistake = new TypeError("undefined is not a function") as unknown as AiwError;
    await expect(stage({ [ALL]: { opening: mistake } }).found).rejects.toBe(mistake);
  });
});

it("does not try 8 bits with a model that can't be quantised", async () => {
  const { found, log } = stage({}, { notQuantisable: "it is quantised already" });
  await found;
  expect(log.filter((line) => line.includes("int8"))).toEqual([]);
});

describe("an interruption", () => {
  it.each<[string, Record<string, Nature>]>([
    ["while the model looks", { [UNCHANGED]: { detecting: INTERRUPTED } }],
    ["while one is loaded", { [ALL]: { opening: INTERRUPTED } }],
    ["while one is compared", { [ALL]: { ms: 30, detecting: INTERRUPTED } }],
    ["among the turns", { [ALL]: { ms: 30, timing: INTERRUPTED } }],
  ])("%s passes through, and nothing is left running", async (_, natures) => {
    const { found, leftOpen, log } = stage(natures);
    await expect(found).rejects.toBe(INTERRUPTED);
    expect(log.length).toBeGreaterThan(0);
    expect(leftOpen()).toBe(0);
  });

  it("loses nothing that was found out by then", async () => {
    const first = stage({ [ALL]: { ms: 30 }, [WHOLE]: { ms: 40, detecting: INTERRUPTED } });
    await expect(first.found).rejects.toBe(INTERRUPTED);
    const findings = first.saved.at(-1)!;
    expect(findings.reference).toHaveLength(JUDGED);
    expect(Object.keys(findings.agreements).sort()).toEqual([UNCHANGED, ALL].sort());

    const second = stage({ [ALL]: { ms: 30 }, [WHOLE]: { ms: 40 } }, { findings });
    expect((await second.found).key).toBe(ALL);
    expect(second.detected()).toEqual([`detect ${WHOLE} 0-${JUDGED}`]);
  });
});

describe("timing in turns", () => {
  it("goes forth and back over the unchanged model and those that are nearly as fast as the fastest", async () => {
    const { found, log } = stage({ [ALL]: { ms: 40 }, [WHOLE]: { ms: 50 } });
    const { all } = await found;
    const turns = log.slice(log.findLastIndex((line) => line.startsWith("open")) + 1);
    const forth = [UNCHANGED, ALL, WHOLE].map((key) => `time ${key}`);
    expect(turns.slice(0, 6)).toEqual([...forth, ...forth.toReversed()]);
    expect(turns).toHaveLength(18);
    expect(all.every(({ ratio }) => ratio !== undefined)).toBe(true);
  });

  it("leaves out what is much slower than the fastest", async () => {
    const { found } = stage({ [ALL]: { ms: 40 }, [WHOLE]: { ms: 60 } });
    const { all } = await found;
    const slower = all.find(({ candidate }) => candidateKey(candidate) === WHOLE);
    expect(slower).toMatchObject({ aloneMs: 60 });
    expect(slower).not.toHaveProperty("ratio");
    expect(slower).not.toHaveProperty("agreement");
  });

  it("counts what a quarter of the runs stay below, and the middle of the rounds", async () => {
    const disturbed = [40, 40, 40, 200, 200, 200, 200, 200];
    const { found } = stage({
      [ALL]: { ms: () => disturbed },
      [WHOLE]: { ms: (asked) => (asked === 2 ? 5 : 50) },
    });
    const { key, winner, all } = await found;
    const lucky = all.find(({ candidate }) => candidateKey(candidate) === WHOLE);
    expect(key).toBe(ALL);
    expect(winner).toMatchObject({ ratio: 0.4, finalMs: 40 });
    expect(lucky).toMatchObject({ ratio: 0.5, finalMs: 50 });
  });

  it("notices that the machine was busy", async () => {
    const ms = (asked: number) => (asked === 3 ? 151 : 100);
    expect((await stage({ [UNCHANGED]: { ms } }).found).busy).toEqual([100, 151]);
  });

  it("is not deceived by a machine that becomes slower meanwhile", async () => {
    const slowing = (ms: number) => (asked: number) => ms * (asked + 1);
    const { found } = stage({
      [UNCHANGED]: { ms: slowing(100) },
      [ALL]: { ms: slowing(40) },
      [WHOLE]: { ms: slowing(50) },
    });
    const { winner, key } = await found;
    expect(key).toBe(ALL);
    expect(winner.ratio).toBeCloseTo(0.4);
  });
});

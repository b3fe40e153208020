import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { aiw, hasShared, jsonLines, media, model, startAiw } from "./aiw.js";

let worker: TableWorker | undefined;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aiw-pictures-"));
});
afterEach(async () => {
  await worker?.close();
  worker = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const DOG: TableWorkerScript = {
  onFrame: (c, f) => c.result(f, [{ cls: "dog", conf: 0.75, bbox: { x: 100, y: 100, w: 200, h: 150 } }]),
};

async function args(script: TableWorkerScript, ...more: string[]): Promise<string[]> {
  worker = await TableWorker.start(script);
  return ["run", "--worker", `127.0.0.1:${worker.port}`, "--model", "old.onnx", ...more];
}

/** Every one of the pictures is whole, and nothing else lies in the folder. */
async function wholePictures(dir: string): Promise<string[]> {
  const names = readdirSync(dir).sort();
  for (const name of names) {
    expect(name).toMatch(/^[^.].*-\d{6}\.jpg$/);
    await sharp(join(dir, name), { failOn: "warning" }).raw().toBuffer();
  }
  return names;
}

async function pixel(path: string, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  return [...data.subarray(3 * (y * info.width + x)).subarray(0, 3)];
}

describe("aiw run --out jpeg:DIR", () => {
  it("writes a picture of every frame of a run that can wait, beside the records", async () => {
    const dir = join(folder, "a", "b");
    const run = await args(DOG, "--source", "synthetic:", "--frames", "12");
    const { code, stdout, stderr } = await aiw([...run, "--out", `jpeg:${dir}`, "--out", "ndjson:-"]);
    expect(code, stderr).toBe(0);
    expect(jsonLines(stdout).map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(jsonLines(stdout)[0]).toMatchObject({ detections: [{ class: "dog", confidence: 0.75 }] });
    const names = await wholePictures(dir);
    expect(names).toHaveLength(12);
    expect([names[0], names[11]]).toEqual(["synthetic-000001.jpg", "synthetic-000012.jpg"]);
    expect(stderr).toContain(`pictures: 12 in ${dir}\n`);
    // The orange of dogs, on the left side of the box.
    const [red, green, blue] = (await pixel(join(dir, "synthetic-000001.jpg"), 100, 180)) as [
      number,
      number,
      number,
    ];
    expect(red).toBeGreaterThan(220);
    expect(Math.abs(green - 150)).toBeLessThan(40);
    expect(blue).toBeLessThan(80);
  });

  it("names them by source and number, and has none of a frame without a result", async () => {
    const pictures = join(folder, "in");
    mkdirSync(join(pictures, "sub dir"), { recursive: true });
    const grey = { create: { width: 320, height: 240, channels: 3 as const, background: "#777" } };
    for (const name of ["1.png", "sub dir/x (1).jpg"]) await sharp(grey).toFile(join(pictures, name));
    writeFileSync(join(pictures, "broken.jpg"), Buffer.of(0xff, 0xd8, 0xff, 0xe0, 0, 0, 0));
    const dir = join(folder, "out");
    const source = ["--source", pictures, join(pictures, "1.png")];
    const run = await args({}, ...source, "--out", `jpeg:${dir}`);
    const { code, stdout, stderr } = await aiw(run);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain("4 frames: 3 results, 1 error");
    expect(await wholePictures(dir)).toEqual(["1-000001.jpg", "1-000004.jpg", "sub-dir-x-1-000003.jpg"]);
  });

  it("leaves out, and says so, what a run at a fixed rate cannot write in time", async () => {
    const dir = join(folder, "out");
    const run = await args(DOG, "--source", "synthetic:", "--fps", "200", "--frames", "80");
    const { code, stderr } = await aiw([...run, "--out", `jpeg:${dir}`]);
    expect(code, stderr).toBe(0);
    const results = Number(/(\d+) results?,/.exec(stderr)?.[1]);
    const [, written, leftOut = "0"] =
      /pictures: (\d+) in \S+?(?:, (\d+) left out for want of time)?\n/.exec(stderr) ?? [];
    expect(results).toBeGreaterThan(0);
    expect(Number(written) + Number(leftOut)).toBe(results);
    expect(await wholePictures(dir)).toHaveLength(Number(written));
  });

  it("leaves no half picture at Ctrl-C", async () => {
    const dir = join(folder, "out");
    const run = await args(DOG, "--source", "synthetic:");
    const running = startAiw([...run, "--out", `jpeg:${dir}`, "--out", "ndjson:-"]);
    await running.sees(/"seq":5,/);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.finished;
    expect(code, stderr).toBe(130);
    const names = await wholePictures(dir);
    expect(names).toHaveLength(jsonLines(stdout).length);
    expect(stderr).toContain(`pictures: ${names.length} in ${dir}\n`);
  });

  it("knows before anything is started what cannot be a folder to write into", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const target of [file, join(file, "below")]) {
      const { code, stderr } = await aiw([
        "run",
        "--model",
        "no.onnx",
        "--source",
        "synthetic:",
        "--out",
        `jpeg:${target}`,
      ]);
      expect(stderr).toMatch(/^aiw: error OUTPUT_FAILED: .* cannot be written \(ENOTDIR\).*\n$/);
      expect(code).toBe(1);
    }
  });

  // Two pictures are written at once, so that either may be the first to fail where there are two.
  describe.skipIf(process.platform === "win32").each([
    ["its only picture", ["--frames", "1"], "1"],
    ["mid-run", [], "[12]"],
  ])("with a full disk, %s", (_, limit, picture) => {
    it("fails, and leaves no half picture", async () => {
      const dir = join(folder, "out");
      const run = await args(DOG, "--source", "synthetic:", ...limit, "--out", `jpeg:${dir}`);
      // No file may have more than a few KB: the write breaks off in the middle of a picture.
      const child = startAiw(run, {}, undefined, ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"]);
      const { code, stderr } = await child.finished;
      const failed = `aiw: error OUTPUT_FAILED: \\S+synthetic-00000${picture}\\.jpg cannot be written \\(EFBIG\\)`;
      expect(stderr).toMatch(new RegExp(failed));
      expect(code).toBe(1);
      expect(readdirSync(dir)).toEqual([]);
    });
  });
});

describe.skipIf(!hasShared)("aiw run --out jpeg:DIR (with the shared test data)", () => {
  it("shows the same picture whatever format was sent", async () => {
    const means = [];
    for (const format of ["rgb24", "i420", "nv12"]) {
      const dir = join(folder, format);
      const { code, stderr } = await aiw([
        ...["run", "--model", model("yolox-nano"), "--source", "synthetic:?seed=7", "--frames", "1"],
        ...["--pixel-format", format, "--out", `jpeg:${dir}`],
      ]);
      expect(code, stderr).toBe(0);
      expect(await wholePictures(dir)).toEqual(["synthetic-seed-7-000001.jpg"]);
      const { channels } = await sharp(join(dir, "synthetic-seed-7-000001.jpg")).stats();
      means.push(channels.map(({ mean }) => mean));
    }
    const [rgb = [], ...others] = means;
    for (const mean of others) mean.forEach((value, i) => expect(Math.abs(value - rgb[i]!)).toBeLessThan(3));
  });

  it("draws what a real model finds", async () => {
    const run = ["run", "--model", model("yolo11n"), "--source", media("bus.jpg"), "--size", "native"];
    const { code, stderr } = await aiw([...run, "--out", `jpeg:${folder}`]);
    expect(code, stderr).toBe(0);
    const path = join(folder, "bus-000001.jpg");
    expect(await sharp(path).metadata()).toMatchObject({ width: 810, height: 1080 });
    // The upper edge of the bus' box (19, 230) to (801, 740), in its yellow.
    const [red, green, blue] = (await pixel(path, 500, 230)) as [number, number, number];
    expect(Math.min(red, green)).toBeGreaterThan(190);
    expect(blue).toBeLessThan(120);
  });
});

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { aiw, type Finished, hasShared, media, model } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { folder, file, subfolder } = scratchFolder("bad");

/** One clear line, the right exit code, no stack trace, nothing on stdout. */
function expectError(
  { code, stdout, stderr }: Finished,
  exit: number,
  name: string,
  ...said: string[]
): void {
  expect(stderr).toMatch(new RegExp(`^aiw: error ${name}: .*\\n$`));
  for (const text of said) expect(stderr).toContain(text);
  expect(code).toBe(exit);
  expect(stdout).toBe("");
}

const ONNX = file("some.onnx", "not looked into");

describe("bad usage", () => {
  it.each([
    [["run", "--source", "a.jpg"], "NO_MODEL", "--model"],
    [["run", "--model", ONNX], "USAGE", "--source or --camera"],
    [["run", "--model", ONNX, "--source", "a.jpg", "--conf", "high"], "USAGE", '--conf "high"'],
    [["bench", "--model", ONNX, "--gate", "p95<150"], "USAGE", "p95 needs a unit: ms or s"],
    [["bench", "--gate", "recall>=95"], "USAGE", 'is wrong at character 9 ("95"): recall is a share'],
    [
      ["bench", "--gate", "recall>=95%", "--source", "a.jpg"],
      "USAGE",
      "recall is known only of a synthetic:",
    ],
    [["bench", "--source", "synthetic:?sed=7"], "USAGE", "unknown option sed, known are seed, objects"],
    [
      ["run", "--source", "synthetic:?objects=999"],
      "USAGE",
      "objects=999 is not a whole number from 0 to 254",
    ],
    [["run", "--camera"], "NO_MODEL", "the built-in one knows only synthetic:"],
    [["bench", "--worker", "127.0.0.1:1"], "USAGE", "give the model with --model"],
    [["run", "--nonsense"], "USAGE", "--nonsense"],
    [["run", "--camra=u:XYZZY@h/"], "USAGE", "unknown option '--camra'"],
    [["rtsp://u:XYZZY@h/"], "USAGE", "unknown command 'rtsp://***@h/"],
    [["nonsense"], "USAGE", "nonsense"],
    [["doctor", "--worker", "nowhere"], "USAGE", '--worker "nowhere"'],
    [["init", "--calibrate", "a.mp4"], "USAGE", "--calibrate is about --optimize, which is not given"],
    [["init", "--min-agreement", "0.9"], "USAGE", "--min-agreement is about --optimize"],
    [["init", "--allow-unverified"], "USAGE", "--allow-unverified is about --optimize"],
    [["init", "--optimize", "--min-agreement", "95"], "USAGE", '--min-agreement "95"'],
    [["init", "--optimize", "--device", "cuda"], "USAGE", "--optimize is for the CPU"],
    [["compare", "a.json"], "USAGE", "missing required argument 'head'"],
    [["compare", "a.json", "b.json", "c.json"], "USAGE", "too many arguments"],
    [
      ["compare", "a.json", "b.json", "--max-regression", "5"],
      "USAGE",
      '--max-regression "5" is not a share',
    ],
    [["compare", "no.json", "b.json"], "REPORT_INVALID", "no.json is not there"],
    [["compare", file("none.json", ""), "b.json"], "REPORT_INVALID", "none.json is empty"],
    [["compare", folder, "b.json"], "REPORT_INVALID", "cannot be read (EISDIR)"],
    [
      ["compare", ONNX, "b.json"],
      "REPORT_INVALID",
      'some.onnx is not JSON (it begins with "not looked into")',
    ],
    [["compare", file("list.json", "[]"), "b.json"], "REPORT_INVALID", "list.json is JSON, but no report"],
    [
      ["compare", file("rates.json", '{"schema":"aiw.rates/1"}'), "b.json"],
      "REPORT_INVALID",
      'is of schema "aiw.rates/1", not "aiw.bench/1"',
    ],
    [
      ["compare", file("next.json", '{"schema":"aiw.bench/2"}'), "b.json"],
      "REPORT_INVALID",
      'is of schema "aiw.bench/2", and this aiw reads "aiw.bench/1"',
    ],
    [
      ["compare", file("part.json", '{"schema":"aiw.bench/1","time":"x"}'), "b.json"],
      "REPORT_INVALID",
      "part.json is no whole aiw.bench/1 report: at environment",
    ],
    [["run", "--model", ONNX, "--source", "synthetic:", "--config", "no.yaml"], "CONFIG_INVALID", "no.yaml"],
    [["worker", "--port", "99999"], "USAGE", '--port "99999"'],
  ])("%j exits 2", async (args, name, said) => {
    expectError(await aiw(args), 2, name, said);
  });
});

describe("a rate that cannot be", () => {
  const allowed = "is not a rate above 0 and up to 1000";

  it.each(["0", "-3", "NaN", "10000"])("--fps %s exits 2", async (fps) => {
    expectError(await aiw(["bench", "--fps", fps]), 2, "USAGE", `--fps "${fps}" ${allowed}`);
  });

  it.each([
    ["0", "0"],
    ["-3", "-3"],
    [".nan", "NaN"],
    ["10000", "10000"],
    ['"10000"', '"10000"'],
  ])("fps: %s in the file exits 2", async (written, said) => {
    const config = file("rate.yaml", `model: m.onnx\nfps: ${written}\n`);
    expectError(
      await aiw(["bench", "--config", config]),
      2,
      "CONFIG_INVALID",
      `rate.yaml:2: fps ${said} ${allowed}`,
    );
  });
});

describe("what is missing", () => {
  it("names a model that is not there", async () => {
    const result = await aiw(["run", "--model", "no.onnx", "--source", "synthetic:"]);
    expectError(result, 1, "MODEL_NOT_FOUND", "no.onnx");
  });

  it("names a Python that cannot be used", async () => {
    const result = await aiw(["run", "--model", ONNX, "--source", "synthetic:"], {
      AIW_PYTHON: join(folder, "py"),
    });
    expectError(result, 1, "PYTHON_UNUSABLE", join(folder, "py"));
  });

  it("says which step needs a network, and how to do without; a first start leaves nothing half made", async () => {
    const cache = join(folder, "offline-cache");
    const nowhere = "http://127.0.0.1:9/simple";
    const result = await aiw(["bench"], {
      ...{ AIW_CACHE: cache, AIW_PYTHON: "" },
      ...{ PIP_INDEX_URL: nowhere, PIP_EXTRA_INDEX_URL: "", PIP_RETRIES: "1", PIP_NO_CACHE_DIR: "1" },
      ...{ UV_DEFAULT_INDEX: nowhere, UV_NO_CACHE: "1", UV_HTTP_RETRIES: "0" },
    });
    expectError(
      result,
      1,
      "ENV_OFFLINE",
      "cannot be reached (no network?)",
      "Only this step needs the network",
    );
    const [slot = ""] = readdirSync(join(cache, "env"));
    expect(readdirSync(join(cache, "env", slot))).toEqual([]);
  });

  it("names the cache folder where nothing can be made", async () => {
    const cache = join(file("no-folder", ""), "cache");
    const result = await aiw(["bench"], { AIW_CACHE: cache, AIW_PYTHON: "" });
    expectError(result, 1, "CACHE_UNUSABLE", "cannot make the cache folder", "Set AIW_CACHE");
  });

  it("names an environment that was damaged, and what makes it anew, which init then does", async () => {
    const cache = join(folder, "damaged-cache");
    const env = { AIW_CACHE: cache, AIW_PYTHON: "" };
    const config = join(folder, "damaged.yaml");
    const made = await aiw(["init", "--json", "--config", config], env);
    const { python } = JSON.parse(made.stdout).environment;
    const packages = join(dirname(dirname(python)), "lib");
    const [version = ""] = readdirSync(packages);
    rmSync(join(packages, version, "site-packages", "numpy"), { recursive: true });
    const bench = ["bench", "--frames", "1", "--warmup", "0s"];
    expectError(await aiw(bench, env), 1, "ENV_DAMAGED", "numpy", "Run `aiw init`");
    const again = await aiw(["init", "--config", config], env);
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect((await aiw(bench, env)).code).toBe(0);
  });

  it("names host and port of a worker that is not there, and does not wait for ever", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const result = await aiw([
      "run",
      "--model",
      "m.onnx",
      "--source",
      "synthetic:",
      "--worker",
      `127.0.0.1:${port}`,
    ]);
    expectError(result, 1, "WORKER_UNREACHABLE", `127.0.0.1:${port}`);
  });
});

describe.skipIf(!hasShared)("bad input (skipped without the shared test data)", () => {
  const good = model("yolox-nano");
  const run = (modelFile: string, source: string, ...more: string[]) => [
    ...["run", "--model", modelFile, "--source", source],
    ...more,
  ];

  it.each([
    ["empty", () => file("empty.onnx", ""), "MODEL_EMPTY", "empty.onnx"],
    ["cut off", () => file("cut.onnx", readFileSync(good).subarray(0, 50_000)), "MODEL_[A-Z_]+", "cut.onnx"],
    ["not ONNX", () => file("text.onnx", "hello\n"), "MODEL_[A-Z_]+", "text.onnx"],
    ["a folder", () => folder, "MODEL_[A-Z_]+", folder],
    ["of an unknown layout", () => model("fastestdet"), "MODEL_UNKNOWN_LAYOUT", "758 1x85x22x22"],
  ])("model %s", async (_, path, name, said) => {
    expectError(await aiw(run(path(), media("bus.jpg"))), 1, name, said);
  });

  it("says of an unknown layout what its input is and which families are known", async () => {
    const { stderr } = await aiw(run(model("fastestdet"), media("bus.jpg")));
    for (const said of ["input.1 1x3x352x352", "yolo11", "yolov5", "yolox", "nms"])
      expect(stderr).toContain(said);
  });

  it.each([
    ["missing", () => "no.jpg", "SOURCE_NOT_FOUND", "no.jpg"],
    ["of text", () => file("text.jpg", "hello\n"), "SOURCE_UNDECODABLE", "text.jpg"],
    ["empty", () => file("empty.mp4", ""), "SOURCE_UNDECODABLE", "empty.mp4"],
    [
      "cut off",
      () => file("cut.mp4", readFileSync(media("car-detection.mp4")).subarray(0, 30_000)),
      "SOURCE_UNDECODABLE",
      "cut.mp4",
    ],
    ["a folder without pictures", () => subfolder("none"), "SOURCE_EMPTY", "none"],
    ["a glob without a match", () => join(folder, "*.png"), "SOURCE_EMPTY", "*.png"],
    ["of an unknown scheme", () => "ftp://x/y", "USAGE", "ftp"],
  ])("source %s", async (_, source, name, said) => {
    expectError(await aiw(run(good, source())), name === "USAGE" ? 2 : 1, name, said);
  });

  it("goes on after a picture that cannot be read, and says so in its record", async () => {
    mkdirSync(join(folder, "mixed"));
    writeFileSync(join(folder, "mixed", "1.jpg"), readFileSync(media("bus.jpg")));
    writeFileSync(join(folder, "mixed", "2.jpg"), "not a picture");
    writeFileSync(join(folder, "mixed", "3.jpg"), readFileSync(media("dog.jpg")));
    const { code, stdout } = await aiw(run(good, join(folder, "mixed")));
    const records = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.map(({ source, seq }) => [source, seq])).toEqual([
      ["1.jpg", 1],
      ["2.jpg", 2],
      ["3.jpg", 3],
    ]);
    expect(records[1]).toMatchObject({ error: { code: "SOURCE_UNDECODABLE" } });
    expect(records[1]).not.toHaveProperty("detections");
    expect(code).toBe(0);
  });

  it("has no ffmpeg", async () => {
    const result = await aiw(run(good, media("car-detection.mp4")), { AIW_FFMPEG: join(folder, "ffmpeg") });
    expectError(result, 1, "FFMPEG_MISSING", join(folder, "ffmpeg"));
  });

  it("takes whole frames of stdin and names the bytes of a part", async () => {
    const frames = Buffer.alloc(2 * 64 * 48 * 3 + 100);
    const { code, stdout, stderr } = await aiw(run(good, "-", "--size", "64x48"), {}, frames);
    expect(stdout.trim().split("\n")).toHaveLength(2);
    expect(stderr).toMatch(/aiw: error SOURCE_FRAME_SIZE: .*100 of the 9216 bytes/);
    expect(code).toBe(1);
  });

  it("names a class that the model does not have", async () => {
    const result = await aiw(run(good, media("bus.jpg"), "--classes", "unicorn"));
    expectError(result, 2, "CLASS_UNKNOWN", '"unicorn"');
  });

  it("leaves no file behind when the run cannot start", async () => {
    const target = join(folder, "nothing.ndjson");
    await aiw(run("no.onnx", media("bus.jpg"), "--out", `ndjson:${target}`));
    expect(() => readFileSync(target)).toThrow("ENOENT");
  });

  it("shows credentials of a camera nowhere", async () => {
    const args = ["run", "--model", good, "--camera", "rtsp://user:s3cret@127.0.0.1:9/cam", "--debug"];
    const { code, stdout, stderr } = await aiw(args);
    expect(code).toBe(1);
    expect(stderr).toContain("rtsp://***@127.0.0.1:9/cam");
    expect(stdout + stderr).not.toContain("s3cret");
  });

  it("shows a stack trace with --debug only", async () => {
    const { stderr } = await aiw(run("no.onnx", media("bus.jpg"), "--debug"));
    expect(stderr).toMatch(/\n {4}at /);
  });

  it("says that a port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { code, stdout, stderr } = await aiw(["worker", "--port", String(port)]);
    await new Promise((resolve) => server.close(resolve));
    expect(stderr).toMatch(/^aiw-worker: error PORT_IN_USE: .*\n$/);
    expect(stderr).toContain(String(port));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});

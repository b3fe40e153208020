import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { aiw } from "./aiw.js";

let worker: TableWorker | undefined;
const folder = mkdtempSync(join(tmpdir(), "aiw-reports-"));
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");
afterEach(async () => {
  await worker?.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schema = (name: string) => JSON.parse(readFileSync(join("dist", "schemas", name), "utf8")) as object;

async function bench(script: TableWorkerScript, ...args: string[]) {
  worker = await TableWorker.start(script);
  const small = ["--source", "synthetic:", "--size", "64x48", "--warmup", "0s", "--fps", "20"];
  return aiw(["bench", "--worker", `127.0.0.1:${worker.port}`, "--model", "old.onnx", ...small, ...args]);
}

const FRAMES = ["--frames", "10"];

describe("reports of aiw bench", () => {
  it("are written in every form, the JSON as the published schema has it", async () => {
    const gates = ["--gate", "max<60s", "--gate", "max<0.001ms"];
    const files = [
      "--json",
      at("r.json"),
      "--junit",
      at("r.xml"),
      "--markdown",
      at("r.md"),
      "--html",
      at("r.html"),
    ];
    const { code, stdout, stderr } = await bench({}, ...FRAMES, ...gates, ...files);
    expect({ code, stdout }, stderr).toEqual({ code: 3, stdout: "" });
    const report = JSON.parse(read("r.json")) as { frames: { offered: number } };
    const validate = new Ajv2020({ strict: true }).compile(schema("aiw.bench-1.schema.json"));
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report.frames.offered).toBe(10);
    expect(read("r.xml")).toMatch(/<testsuites name="aiw bench" tests="3" failures="1" errors="0"/);
    expect(read("r.md")).toMatch(/^### aiw bench: fail\n/);
    expect(read("r.html")).toMatch(/^<!DOCTYPE html>/i);
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("are written of several rates as well", async () => {
    const args = ["--sweep", "fps=10,20", "--duration", "500ms"];
    const files = [
      "--json",
      at("s.json"),
      "--junit",
      at("s.xml"),
      "--markdown",
      at("s.md"),
      "--html",
      at("s.html"),
    ];
    const { code, stderr } = await bench({}, ...args, ...files);
    expect(code, stderr).toBe(0);
    const validate = new Ajv2020({ strict: true }).compile(schema("aiw.rates-1.schema.json"));
    expect(validate(JSON.parse(read("s.json"))), JSON.stringify(validate.errors)).toBe(true);
    expect(read("s.xml").match(/<testsuite /g)).toHaveLength(2);
    expect(read("s.md")).toMatch(/^### aiw bench: 2 rates\n/);
    expect(read("s.html")).toMatch(/^<!DOCTYPE html>/i);
  });

  it("go to stdout, as any of them", async () => {
    const { code, stdout } = await bench({}, ...FRAMES, "--markdown", "-");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^### aiw bench: pass\n/);
  });

  it("have the detections beside them, one record for each frame that was not dropped", async () => {
    const out = ["--out", `ndjson:${at("r.ndjson")}`, "--json", "-"];
    const { code, stdout, stderr } = await bench({}, ...FRAMES, ...out);
    expect(code, stderr).toBe(0);
    const { frames } = JSON.parse(stdout) as { frames: { results: number; errors: number } };
    const records = read("r.ndjson").trim().split("\n");
    expect(records).toHaveLength(frames.results + frames.errors);
    expect(JSON.parse(records[0] ?? "")).toMatchObject({ schema: "aiw.detections/1", width: 64 });
  });

  it.skipIf(!existsSync("/dev/full"))(
    "that cannot be written keep neither the table nor each other back: exit 1",
    async () => {
      for (const [flag, other] of [
        ["--json", "--junit"],
        ["--markdown", "--json"],
        ["--junit", "--html"],
        ["--html", "--markdown"],
      ] as const) {
        const { code, stderr } = await bench({}, ...FRAMES, flag, "/dev/full", other, at("other"));
        expect(code).toBe(1);
        expect(stderr).toContain("│ total ");
        expect(stderr).toMatch(/aiw: error OUTPUT_FAILED: \/dev\/full cannot be written \(ENOSPC\)\..*\n$/);
        expect(read("other")).not.toBe("");
      }
    },
  );

  it.skipIf(!existsSync("/dev/full"))(
    "end early where detections cannot be written, with exit 1",
    async () => {
      const { code, stdout, stderr } = await bench(
        {},
        "--duration",
        "60s",
        "--out",
        "ndjson:/dev/full",
        "--json",
        "-",
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/aiw: error OUTPUT_FAILED: \/dev\/full cannot be written \(ENOSPC\)\..*\n$/);
      const report = JSON.parse(stdout) as { verdict: string; ended_early: string };
      expect(report).toMatchObject({ verdict: "fail", ended_early: "/dev/full cannot be written (ENOSPC)" });
    },
  );

  it("are refused where two would write to one place", async () => {
    writeFileSync(at("same"), "");
    symlinkSync(at("same"), at("link"));
    const refused = async (...args: string[]) => {
      const { code, stderr } = await bench({}, ...args);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused("--json", "-", "--junit", "-")).toMatch(
      /USAGE: --junit -: --json - writes to stdout already/,
    );
    expect(await refused("--out", "ndjson:-", "--json", "-")).toMatch(/--json -: --out ndjson:- writes/);
    expect(await refused("--json", at("a"), "--markdown", `${folder}/./a`)).toMatch(/writes there already/);
    expect(await refused("--json", at("same"), "--junit", at("link"))).toMatch(/writes there already/);
    expect(read("same")).toBe("");
    expect(await refused("--sweep", "fps=2,4", "--out", "ndjson:-")).toMatch(/USAGE: --out with --sweep/);
  });
});

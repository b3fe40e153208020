import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { aiw, startAiw } from "./aiw.js";

/** The CLI's gates against a worker that knows only the wire's table: it reports no stages and no usage. */
let worker: TableWorker | undefined;
const folder = mkdtempSync(join(tmpdir(), "aiw-gates-"));
afterEach(async () => {
  await worker?.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function command(script: TableWorkerScript, ...args: string[]): Promise<string[]> {
  worker = await TableWorker.start(script);
  const small = ["--source", "synthetic:", "--size", "64x48", "--warmup", "0s", "--json", "-"];
  return ["bench", "--worker", `127.0.0.1:${worker.port}`, "--model", "old.onnx", ...small, ...args];
}

async function bench(...args: string[]) {
  const { code, stdout, stderr } = await aiw(await command({}, ...args));
  return { code, stderr, report: stdout === "" ? undefined : JSON.parse(stdout) };
}

/** Limits that only a defect would miss, so that timing decides nothing. */
const SURE = ["--gate", "p95<60s", "--gate", "errors<=0%", "--gate", "fps>=0.001"];

describe("gates of aiw bench", () => {
  it("pass, with value, limit, samples and what was needed in the report", async () => {
    const { code, stderr, report } = await bench("--fps", "100", "--frames", "150", ...SURE);
    expect(code, stderr).toBe(0);
    expect(report.verdict).toBe("pass");
    const { results } = report.frames;
    expect(report.gates).toEqual([
      ...[{ gate: "p95<60s", value: report.latency_ms.total.p95, limit: 60000, verdict: "pass" }].map(
        (gate) => ({ ...gate, samples: results, needed: 90 }),
      ),
      { gate: "errors<=0%", value: 0, limit: 0, verdict: "pass", samples: 150, needed: 1 },
      expect.objectContaining({ gate: "fps>=0.001", verdict: "pass", samples: results }),
    ]);
  });

  it("exit 3 where one fails, also beside one that cannot be judged", async () => {
    const gates = ["--gate", "max<0.001ms", "--gate", "p99<60s"];
    const { code, stderr, report } = await bench("--fps", "20", "--frames", "10", ...gates);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /aiw: error GATE_FAILED: "max<0.001ms" does not hold, measured was [\d.]+ ms\.\n$/,
    );
    expect(report).toMatchObject({
      verdict: "fail",
      gates: [{ verdict: "fail" }, { verdict: "insufficient" }],
    });
  });

  it("exit 4 with the samples that are needed where there are too few", async () => {
    const { code, stderr, report } = await bench("--fps", "20", "--frames", "10", "--gate", "p95<60s");
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /GATE_INSUFFICIENT: "p95<60s" cannot be judged, of 90 samples needed there are \d+;/,
    );
    expect(report.verdict).toBe("insufficient");
  });

  it("exit 4 and say so on a stage, or a usage, that the worker does not report", async () => {
    const gates = ["--gate", "inference.p95<60s", "--gate", "worker_rss<1MB"];
    const { code, stderr, report } = await bench("--fps", "20", "--frames", "10", ...gates);
    expect(code).toBe(4);
    expect(stderr).toContain('"inference.p95<60s" cannot be judged: the worker does not report inference;');
    expect(stderr).toContain('"worker_rss<1MB" cannot be judged: the worker does not report what it uses.');
    expect(report.gates[0]).toMatchObject({ value: null, samples: 0, verdict: "insufficient" });
  });

  it("stand in aiw.yaml as well", async () => {
    const file = join(folder, "aiw.yaml");
    writeFileSync(file, "gates:\n  - max<0.001ms\n  - errors<=0%\n");
    const { code, report } = await bench("--fps", "20", "--frames", "5", "--config", file);
    expect(code).toBe(3);
    expect(report.gates.map(({ gate }: { gate: string }) => gate)).toEqual(["max<0.001ms", "errors<=0%"]);
  });

  it("extend the run with --max-duration until there are samples enough, and not without it", async () => {
    const length = ["--fps", "50", "--duration", "400ms"];
    const exact = await bench(...length, "--gate", "errors<=5%");
    expect(exact).toMatchObject({ code: 4, report: { frames: { offered: 20 }, duration_s: 0.4 } });
    const more = await bench(...length, "--max-duration", "60s", "--gate", "errors<=5%");
    expect(more.code, more.stderr).toBe(0);
    // Half the chance of a false pass was spent on the first look, and the bound is that much stricter.
    expect(more.report.frames.offered).toBe(117);
    expect(more.report.gates[0]).toMatchObject({ verdict: "pass", samples: 117, needed: 117 });
    expect(more.report.settings).toMatchObject({ duration_s: 0.4, max_duration_s: 60 });
  });

  it("exit 4 with --require-stable where that cannot be judged", async () => {
    const { code, stderr, report } = await bench("--fps", "20", "--frames", "10", "--require-stable");
    expect(code).toBe(4);
    expect(stderr).toContain(
      "--require-stable: of the 130 results needed in each third of the run there are",
    );
    expect(report).toMatchObject({ stable: false, verdict: "insufficient" });
  });
});

describe("aiw bench at several rates", () => {
  it("sweeps, and reports each rate as a bench of its own", async () => {
    const { code, stderr, report } = await bench("--sweep", "fps=40,10,20", "--duration", "500ms");
    expect(code, stderr).toBe(0);
    expect(report.schema).toBe("aiw.rates/1");
    expect(report.runs.map((run: { settings: { fps: number } }) => run.settings.fps)).toEqual([10, 20, 40]);
    expect(report.runs.map((run: { frames: { offered: number } }) => run.frames.offered)).toEqual([
      5, 10, 20,
    ]);
    expect(report).not.toHaveProperty("max_fps");
    const lines = stderr.split("\n").filter((line) => /^[│┌├└]/.test(line));
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[0]?.length).toBeLessThanOrEqual(80);
  });

  it("names the rate at which a gate of a sweep fails", async () => {
    const { code, stderr } = await bench(
      "--sweep",
      "fps=10,20",
      "--duration",
      "300ms",
      "--gate",
      "max<0.001ms",
    );
    expect(code).toBe(3);
    expect(stderr).toContain('"max<0.001ms at 10 fps" does not hold');
    expect(stderr).toContain('"max<0.001ms at 20 fps" does not hold');
  });

  it("finds that every rate passes, or none", async () => {
    const all = await bench("--find-max", "--fps", "600", "--duration", "100ms", "--gate", "errors<=0%");
    expect(all.code, all.stderr).toBe(0);
    expect(all.report).toMatchObject({ max_fps: 1000, failed_fps: null });
    expect(all.stderr).toContain("1000 fps is the highest that passes errors<=0%.");
    await worker?.close();
    const none = await bench("--find-max", "--fps", "4", "--duration", "300ms", "--gate", "max<0.001ms");
    expect(none.code).toBe(3);
    expect(none.report).toMatchObject({ max_fps: null, failed_fps: 1 });
    expect(none.stderr).toContain('"max<0.001ms": no rate down to 1 fps passes');
  });

  it("exits 4 where the samples were too few at every rate of a search", async () => {
    const args = ["--find-max", "--fps", "2", "--duration", "1s", "--gate", "p95<60s"];
    const { code, stderr, report } = await bench(...args);
    expect(code).toBe(4);
    expect(report).toMatchObject({ max_fps: null, failed_fps: 1 });
    expect(stderr).toMatch(
      /GATE_INSUFFICIENT: no rate was shown to pass, at 1 fps "p95<60s" cannot be judged, of 90 samples needed/,
    );
  });

  it("takes no rate of a search for longer than --max-duration", async () => {
    const args = ["--find-max", "--fps", "500", "--max-duration", "300ms", "--gate", "max<0.001ms"];
    const { code, stderr } = await bench(...args);
    expect(code).toBe(3);
    expect(stderr).toContain("measuring at 500 fps for 0.3 s");
  });

  it("reports the rates that were measured when it is interrupted", async () => {
    let frames = 0;
    let seen: () => void = () => {};
    const inSecond = new Promise<void>((resolve) => (seen = resolve));
    const script: TableWorkerScript = {
      onFrame(c, f) {
        c.result(f);
        if (++frames === 15) seen();
      },
    };
    const args = await command(script, "--sweep", "fps=20,10", "--duration", "500ms", "--gate", "errors<=0%");
    const running = startAiw([...args, "--duration", "60s", "--sweep", "fps=20,10"]);
    await inSecond;
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout).runs[0]).toMatchObject({ ended_early: "interrupted" });
    expect(stderr).toMatch(/│ +20 │.*│ cut off │\n/);
    expect(stderr).toContain("At 20 fps it ended early: interrupted.");
  });

  it.each([
    [["--find-max", "--sweep", "fps=1,2"], "--find-max and --sweep exclude each other"],
    [["--sweep", "fps=2,x"], '--sweep "fps=2,x" is not a list of rates'],
    [["--sweep", "2,4"], '--sweep "2,4" is not a list of rates'],
    [["--sweep", "fps=0"], '--sweep "fps=0" is not a list of rates'],
    [["--sweep", "fps=10000"], '--sweep "fps=10000" is not a list of rates'],
    [["--find-max", "--frames", "9"], "--frames with --find-max"],
    [["--duration", "3s", "--max-duration", "2s"], "--max-duration 2 s is less than the duration of 3 s"],
  ])("refuses %j", async (args, said) => {
    const { code, stderr } = await aiw(["bench", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

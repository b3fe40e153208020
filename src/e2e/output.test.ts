import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aiw, hasShared, media, model, startAiw } from "./aiw.js";

const MODEL = model("yolox-nano");

describe.skipIf(!hasShared)("output that cannot be written (with the shared test data)", () => {
  it.skipIf(!existsSync("/dev/full"))("is a failure, on stdout as in a file", async () => {
    const { openSync, closeSync } = await import("node:fs");
    const { spawnSync } = await import("node:child_process");
    const full = openSync("/dev/full", "w");
    const args = ["bin/aiw.js", "run", "--model", MODEL, "--source", media("bus.jpg")];
    const stdout = spawnSync(process.execPath, args, { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
    closeSync(full);
    expect(stdout.stderr).toMatch(/aiw: error OUTPUT_FAILED: stdout cannot be written \(ENOSPC\)/);
    expect(stdout.status).toBe(1);
    const file = await aiw([...args.slice(1), "--out", "ndjson:/dev/full"]);
    expect(file.stderr).toMatch(/aiw: error OUTPUT_FAILED: \/dev\/full cannot be written \(ENOSPC\)/);
    expect(file.code).toBe(1);
  });

  it("is known before anything is started", async () => {
    for (const args of [
      ["run", "--out", "ndjson:/nowhere/x"],
      ["bench", "--json", "/nowhere/x"],
    ]) {
      const { code, stderr } = await aiw([...args, "--model", "no.onnx", "--source", "synthetic:"]);
      expect(stderr).toMatch(/^aiw: error OUTPUT_FAILED: \/nowhere\/x cannot be written \(ENOENT\).*\n$/);
      expect(code).toBe(1);
    }
  });

  it("is no failure of a bench when the reader of its report has gone", async () => {
    const bench = startAiw([
      ...["bench", "--model", MODEL, "--fps", "10", "--frames", "5", "--warmup", "0s", "--json", "-"],
    ]);
    bench.child.stdout?.destroy();
    const { code, stderr } = await bench.finished;
    expect(stderr).not.toContain("error E");
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(0);
  });

  it("does not pile up behind a reader that has stopped reading, and Ctrl-C still ends it", async () => {
    const run = startAiw(["run", "--model", MODEL, "--source", "synthetic:"]);
    await run.sees(/\n/);
    run.child.stdout?.pause();
    run.child.kill("SIGINT");
    const ended = new Promise<number | null>((resolve) => run.child.once("exit", resolve));
    expect(await ended).toBe(130);
    run.child.stdout?.resume();
    await run.finished;
  });

  it("reports a bench of some frames at the rate they were offered, without waiting for the duration", async () => {
    const args = [
      "bench",
      "--model",
      MODEL,
      "--fps",
      "20",
      "--frames",
      "10",
      "--warmup",
      "0s",
      "--json",
      "-",
    ];
    const report = JSON.parse((await aiw(args)).stdout);
    expect(report).toMatchObject({ settings: { duration_s: 0.5 }, frames: { offered: 10 } });
    expect(report.fps.offered).toBeGreaterThan(15);
  });
});

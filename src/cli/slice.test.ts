import { describe, expect, it } from "vitest";
import type { AiwError } from "../core/errors.js";
import { measured, reportOf } from "../testing/measured-report.js";
import type { SideCommand } from "./against-command.js";
import { runSlice } from "./slice.js";

/** A side whose bench is a script; its arguments follow. */
const side = (script: string, env: Record<string, string> = {}): SideCommand => {
  return { name: "aiw bench -x", program: process.execPath, args: ["-e", script, "--"], env };
};

const run = (command: SideCommand, signal?: AbortSignal) =>
  runSlice(command, {
    side: "base",
    env: process.env,
    args: ["--duration=1s"],
    measuredUs: 1_000_000,
    ...(signal === undefined ? {} : { signal }),
  });

const report = async () => JSON.stringify(reportOf((await measured(() => 10_000, 10, 1_000_000)).result));

describe("a slice", () => {
  it("is a process with the side's arguments and environment, and gives its report", async () => {
    const script = `
      const report = JSON.parse(process.env.REPORT);
      console.log(JSON.stringify({ ...report, time: process.argv.slice(1).join(" ") }));`;
    const { time, frames } = await run(side(script, { REPORT: await report() }));
    expect(time).toBe("--duration=1s --json=- --quiet");
    expect(frames.results).toBe(10);
  });

  it.each([3, 4])(
    "that ends with %i gives it too: gates of a configuration are not looked at",
    async (code) => {
      const script = `console.log(process.env.REPORT); process.exitCode = ${code}`;
      expect(await run(side(script, { REPORT: await report() }))).toMatchObject({ schema: "aiw.bench/1" });
    },
  );

  it.each([
    [
      "its own error",
      `console.log("{}"); console.error("aiw: error MODEL_NOT_FOUND: there is no x.onnx. Check the path."); process.exitCode = 1`,
      {
        code: "SLICE_FAILED",
        workerName: "MODEL_NOT_FOUND",
        message: "base: there is no x.onnx. Check the path.",
      },
    ],
    [
      "its usage error as ours",
      `console.error("aiw: error USAGE: unknown option '--y'. See --help."); process.exitCode = 2`,
      { code: "USAGE", message: "base: unknown option '--y'." },
    ],
    [
      "what it said last",
      `console.error("boom"); process.exitCode = 7`,
      {
        code: "SLICE_FAILED",
        message: 'base: "aiw bench -x" gave no report (exit code 7); it said last: boom',
      },
    ],
    [
      "a signal",
      `process.kill(process.pid, "SIGKILL")`,
      {
        code: "SLICE_FAILED",
        message: 'base: "aiw bench -x" gave no report (ended by a signal); it said nothing',
      },
    ],
    [
      "a report that is none",
      `console.log('{"schema": "aiw.rates/1"}')`,
      {
        code: "SLICE_FAILED",
        message:
          'base: what "aiw bench -x" wrote as its report is of schema "aiw.rates/1", not "aiw.bench/1"',
      },
    ],
  ])("that fails is %s", async (_, script, error) => {
    await expect(run(side(script))).rejects.toMatchObject(error);
  });

  it.each([
    `console.error("aiw: error SOURCE_FAILED: rtsp://u:pa/ss@h/x, http://h/x?a=1&pwd=SECRET: no. " + process.env.CAM_PASS)`,
    `console.error("cannot open rtsp://u:pa/ss@h/x with " + process.env.CAM_PASS + process.argv.at(2).slice(8))`,
  ])("that fails is shown without its secrets: %s", async (script) => {
    const command = side(`${script}; process.exitCode = 1`, { CAM_PASS: "hunter2" });
    const error: unknown = await run({ ...command, args: [...command.args, "x", "--token=SECRET"] }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "SLICE_FAILED", message: expect.stringContaining("***") });
    const { message, detail } = error as AiwError;
    expect(message + detail).not.toMatch(/SECRET|hunter2|pa\/ss/);
  });

  it("of a program that is not there is bad usage", async () => {
    const nowhere = { ...side(""), program: "no-such-aiw" };
    await expect(run(nowhere)).rejects.toMatchObject({
      code: "USAGE",
      message: '--against "aiw bench -x": there is no program no-such-aiw',
    });
  });

  it("ends with the interruption, and its process before that", async () => {
    const stop = new AbortController();
    const running = run(side("setInterval(() => {}, 1000)"), stop.signal);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

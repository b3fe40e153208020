import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { tempDir } from "../worker-process/testing/fakes.js";
import {
  addFlags,
  BENCH_FLAGS,
  COMMON_FLAGS,
  DOCTOR_FLAGS,
  GENERAL_FLAGS,
  INIT_FLAGS,
  longName,
  RUN_FLAGS,
  WORKER_FLAGS,
} from "./flags.js";
import { commandSettings } from "./settings.js";

/** The flags of the commands' contract, written down a second time. */
const CONTRACT = {
  common:
    "--model --conf --iou --classes --size --pixel-format --engine --device --require-provider --threads --fps --frames --duration --out --quiet --debug --log-format --source --camera --loop --realtime --worker --config",
  run: "--metrics",
  bench:
    "--fps --duration --max-duration --warmup --gate --against --max-regression --find-max --sweep --require-stable --json --junit --markdown --html",
  worker:
    "--host --port --model-dir --idle-timeout --sessions-dir --max-clients --max-models --token-file --tls-cert --tls-key --tls-client-ca --metrics --engine --device --threads --insecure",
  doctor: "--json --bundle --model --worker --source --camera --config --quiet --debug --log-format",
};

const RUN = [...COMMON_FLAGS, ...RUN_FLAGS, ...GENERAL_FLAGS];
const BENCH = [...COMMON_FLAGS, ...BENCH_FLAGS, ...GENERAL_FLAGS];
const WORKER = [...WORKER_FLAGS, ...GENERAL_FLAGS];
const DOCTOR = [...DOCTOR_FLAGS, ...GENERAL_FLAGS];

function parse(flags: typeof RUN, ...argv: string[]) {
  const command = addFlags(new Command("x").exitOverride(), flags);
  command.parse(argv, { from: "user" });
  return command.opts();
}

const settings = (flags: typeof RUN, ...argv: string[]) => commandSettings(flags, parse(flags, ...argv), {});

describe("flags", () => {
  it.each([
    ["run", RUN, `${CONTRACT.common} ${CONTRACT.run}`],
    ["bench", BENCH, `${CONTRACT.common} ${CONTRACT.bench}`],
    ["worker", WORKER, CONTRACT.worker],
    ["doctor", DOCTOR, CONTRACT.doctor],
  ] as const)("%s has every flag of the contract", (_, flags, contract) => {
    const names = new Set(flags.map(longName));
    expect(contract.split(" ").filter((name) => !names.has(name))).toEqual([]);
  });

  it("takes an engine and a device, but for OpenVINO on CUDA, whoever gives them", async () => {
    const INIT = [...INIT_FLAGS, ...GENERAL_FLAGS];
    for (const flags of [RUN, BENCH, WORKER, INIT]) {
      expect(await settings(flags, "--engine", "openvino")).toMatchObject({ engine: "openvino" });
      expect(await settings(flags, "--device", "cuda")).toMatchObject({ device: "cuda" });
      await expect(settings(flags, "--engine", "openvino", "--device", "cuda")).rejects.toMatchObject({
        code: "USAGE",
        message: expect.stringContaining("--engine onnxruntime"),
      });
    }
    const config = join(tempDir(), "aiw.yaml");
    writeFileSync(config, "engine: openvino\n");
    expect(await settings(RUN, "--config", config)).toMatchObject({ engine: "openvino" });
    await expect(settings(RUN, "--config", config, "--device", "cuda")).rejects.toMatchObject({
      code: "USAGE",
    });
  });

  it("takes a shape for a model where it is known, and says which are", async () => {
    expect((await settings(RUN, "--model", "shape:yolo11s")).model).toBe("shape:yolo11s");
    for (const model of ["shape:", "shape:yolo11", "shape:YOLO11S", "shape:yolo11s.onnx"]) {
      await expect(settings(RUN, "--model", model)).rejects.toMatchObject({
        code: "USAGE",
        message: expect.stringMatching(/^--model "shape:.* known are shape:yolo11n, .*shape:yolo11x$/),
      });
    }
  });

  it("takes sources and outputs repeated or in a row, and a camera without a value", async () => {
    const parsed = await settings(
      RUN,
      "--source",
      "a.jpg",
      "b.jpg",
      "--source",
      "c.jpg",
      "--camera",
      "--conf",
      ".2",
    );
    expect(parsed).toMatchObject({ source: ["a.jpg", "b.jpg", "c.jpg"], camera: ["default"], conf: 0.2 });
    const both = await settings(RUN, "--camera", "--camera", "rtsp://cam/1", "--camera", "rtsp://cam/2");
    expect(both.camera).toEqual(["default", "rtsp://cam/1", "rtsp://cam/2"]);
    const outputs = await settings(RUN, "--out", "ndjson:-", "--out", "ndjson:x", "--out", "jpeg:y");
    expect(outputs.out).toHaveLength(3);
  });
});

import { describe, expect, it } from "vitest";
import { parseConfigFile } from "./config-file.js";
import { environmentLayer } from "./environment.js";
import { type Layer, resolveSettings, type SettingName } from "./settings.js";

function flags(values: Partial<Record<SettingName, unknown>>): Layer {
  return { values, errorCode: "USAGE", describe: (name) => `--${name}` };
}

describe("resolveSettings", () => {
  it("takes flag, then environment, then aiw.yaml", () => {
    const file = parseConfigFile("/home/a/aiw.yaml", "conf: 0.1\niou: 0.2\nfps: 7\nmodel: m.onnx\n");
    const env = environmentLayer({ AI_UMBRAL: "0.3", AI_MODEL_NAME: "env.onnx" });
    expect(resolveSettings([flags({ conf: "0.5" }), env, file])).toEqual({
      conf: 0.5,
      iou: 0.2,
      fps: 7,
      model: "env.onnx",
    });
  });

  it.each([
    ["worker", "host.local:7001", { host: "host.local", port: 7001, tls: false }],
    ["worker", "[::1]:7001", { host: "::1", port: 7001, tls: false }],
    ["metrics", "127.0.0.1:9464", { host: "127.0.0.1", port: 9464 }],
    ["metrics", "localhost:0", { host: "localhost", port: 0 }],
    ["metrics", " [::1]:9464 ", { host: "::1", port: 9464 }],
    ["classes", "person, 2", ["person", "2"]],
    ["classes", ["person", "car"], ["person", "car"]],
    ["size", "640x480", { width: 640, height: 480 }],
    ["size", "native", "native"],
    ["duration", "500ms", 500_000],
    ["duration", "2m", 120_000_000],
    ["duration", "1.5", 1_500_000],
    ["warmup", "0s", 0],
    ["max_regression", "5%", 0.05],
    ["max_regression", "2.5 %", 0.025],
    ["max_regression", 0.1, 0.1],
    ["out", "ndjson:-", [{ kind: "ndjson", target: "-" }]],
    ["out", ["ndjson:C:/x"], [{ kind: "ndjson", target: "C:/x" }]],
    ["source", ["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"]],
  ] as const)("reads %s %j", (name, value, expected) => {
    expect(resolveSettings([flags({ [name]: value })])).toEqual({ [name]: expected });
  });

  it.each([
    ["conf", "1.5", '--conf "1.5" is not a number from 0 to 1'],
    ["conf", "NaN", '--conf "NaN" is not a number from 0 to 1'],
    ["conf", "", '--conf "" is not a number from 0 to 1'],
    ["fps", "0", '--fps "0" is not a rate above 0 and up to 1000'],
    ["fps", "-1", '--fps "-1" is not a rate above 0 and up to 1000'],
    ["fps", "NaN", '--fps "NaN" is not a rate above 0 and up to 1000'],
    ["fps", "10000", '--fps "10000" is not a rate above 0 and up to 1000'],
    ...["5", "0%", "100%", "-5%", "a%", "%", ""].map(
      (value) =>
        [
          "max_regression",
          value,
          `--max_regression "${value}" is not a share above 0 and below 100 %, such as "5%" or "0.05"`,
        ] as const,
    ),
    ["frames", "1.5", '--frames "1.5" is not a whole number of 1 or more'],
    ["duration", "0s", '--duration "0s" is not a time above 0 such as "500ms", "30s" or "2m"'],
    ["duration", "soon", '--duration "soon" is not a time above 0 such as "500ms", "30s" or "2m"'],
    ["size", "640", '--size "640" is not WIDTHxHEIGHT (sides up to 16384) or "native"'],
    ["size", "0x480", '--size "0x480" is not WIDTHxHEIGHT (sides up to 16384) or "native"'],
    ["worker", "localhost", '--worker "localhost" is not HOST:PORT'],
    ["worker", "localhost:0", '--worker "localhost:0" is not HOST:PORT'],
    ...[
      "",
      "9464",
      ":9464",
      "localhost",
      "localhost:",
      "localhost:65536",
      "::1:9464",
      "[::g]:1",
      "[1:2]:1",
    ].map(
      (value) =>
        [
          "metrics",
          value,
          `--metrics "${value}" is not HOST:PORT, such as "127.0.0.1:9464" or "[::1]:9464"`,
        ] as const,
    ),
    ["metrics", "tls://a:1", '--metrics "tls://a:1" is not HOST:PORT'],
    ["metrics", ["a:1", "b:1"], '--metrics ["a:1","b:1"] is not a text'],
    ["pixel_format", "bgr", '--pixel_format "bgr" is not one of auto, rgb24, i420, nv12, jpeg, webp'],
    ["out", "ndjson", '--out "ndjson" is not KIND:TARGET, such as "ndjson:-"'],
  ] as const)("refuses %s %j with one clear line", (name, value, message) => {
    expect(() => resolveSettings([flags({ [name]: value })])).toThrow(message);
  });
});

describe("parseConfigFile", () => {
  it.each([
    ["conf: 2\n", "aiw.yaml:1: conf 2 is not a number from 0 to 1"],
    ["fps: 0\n", "aiw.yaml:1: fps 0 is not a rate above 0 and up to 1000"],
    ["fps: -3\n", "aiw.yaml:1: fps -3 is not a rate above 0 and up to 1000"],
    ["fps: .nan\n", "aiw.yaml:1: fps NaN is not a rate above 0 and up to 1000"],
    ["fps: .inf\n", "aiw.yaml:1: fps Infinity is not a rate above 0 and up to 1000"],
    ["fps: 10000\n", "aiw.yaml:1: fps 10000 is not a rate above 0 and up to 1000"],
    ['fps: "10000"\n', 'aiw.yaml:1: fps "10000" is not a rate above 0 and up to 1000'],
    ["\nmodel: m.onnx\nconff: 0.3\n", 'aiw.yaml:3: unknown key "conff"'],
    ["fps: 12\nsize: [1, 2]\n", "aiw.yaml:2: size [1,2] is not a text"],
    ["a: b: c\n", "aiw.yaml:1: "],
    ["- model\n", "aiw.yaml:1: not a mapping of settings"],
    ["loop: perhaps\n", 'aiw.yaml:1: loop "perhaps" is not true or false'],
  ])("names file, line and key: %j", (text, message) => {
    const resolve = () => resolveSettings([parseConfigFile("/home/a/aiw.yaml", text)]);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("takes cameras by name, files among them from the file's own folder", () => {
    const yaml = "cameras:\n  door: rtsp://u:p@10.0.0.5/live\n  yard: clips/yard.mp4\n  desk: default\n";
    expect(resolveSettings([parseConfigFile("/home/a/aiw.yaml", yaml)]).cameras).toEqual({
      door: "rtsp://u:p@10.0.0.5/live",
      yard: "/home/a/clips/yard.mp4",
      desk: "default",
    });
    const bad = (text: string) => () => resolveSettings([parseConfigFile("aiw.yaml", text)]);
    expect(bad("cameras: [a, b]\n")).toThrow("aiw.yaml:1: cameras");
    expect(bad("cameras:\n  a/b: x\n")).toThrow('aiw.yaml:1: cameras has a camera called "a/b": a name is');
    expect(bad('cameras:\n  a: ""\n')).toThrow("is empty");
  });

  it("takes relative paths from the file's own folder", () => {
    const file = parseConfigFile(
      "/home/a/aiw.yaml",
      [
        "model: m/y.onnx",
        "source: [clip.mp4, 'rtsp://cam/1', '-']",
        "events: ['ndjson:log/e.ndjson', 'ndjson:-', 'mqtt://hub/aiw', 'webhook:http://hub/in']",
      ].join("\n"),
    );
    const chosen = parseConfigFile(
      "/home/a/aiw.yaml",
      'events: ["ndjson:-#events=session.*,camera.state", "ndjson:e#1.ndjson#events=*"]\n',
    );
    expect(resolveSettings([chosen])).toEqual({
      events: [
        { kind: "ndjson", target: "-#events=session.*,camera.state" },
        { kind: "ndjson", target: "/home/a/e#1.ndjson#events=*" },
      ],
    });
    expect(resolveSettings([parseConfigFile("/home/a/aiw.yaml", "events: ndjson:e.ndjson\n")])).toEqual({
      events: [{ kind: "ndjson", target: "/home/a/e.ndjson" }],
    });
    expect(resolveSettings([file])).toEqual({
      events: [
        { kind: "ndjson", target: "/home/a/log/e.ndjson" },
        { kind: "ndjson", target: "-" },
        { kind: "mqtt", target: "//hub/aiw" },
        { kind: "webhook", target: "http://hub/in" },
      ],
      model: "/home/a/m/y.onnx",
      source: ["/home/a/clip.mp4", "rtsp://cam/1", "-"],
    });
  });

  it("leaves the model's name to a worker elsewhere", () => {
    const file = parseConfigFile("/home/a/aiw.yaml", "model: y.onnx\nworker: box:7001\n");
    expect(resolveSettings([file])).toMatchObject({ model: "y.onnx", worker: { host: "box", port: 7001 } });
  });

  it("takes an empty file for no settings", () => {
    expect(resolveSettings([parseConfigFile("/aiw.yaml", "# nothing\n")])).toEqual({});
  });
});

describe("environmentLayer", () => {
  it("honours the names that deployments use", () => {
    const env = { AI_WORKER_HOST: "box", AI_WORKER_PORT: "7002" };
    expect(resolveSettings([environmentLayer(env)])).toEqual({
      worker: { host: "box", port: 7002, tls: false },
    });
    expect(resolveSettings([environmentLayer({ AI_WORKER_HOST: "box" })])).toEqual({
      worker: { host: "box", port: 7001, tls: false },
    });
  });

  it("takes the agent's rates, as deployments name them", () => {
    const env = environmentLayer({ AI_FPS_IDLE: "2", AI_FPS_ACTIVE: "15" });
    expect(resolveSettings([env])).toEqual({ fps_idle: 2, fps_active: 15 });
    expect(() => resolveSettings([environmentLayer({ AI_FPS_IDLE: "0" })])).toThrow(
      'AI_FPS_IDLE "0" is not a rate',
    );
  });

  it("names the variable that is wrong", () => {
    expect(() => resolveSettings([environmentLayer({ AI_UMBRAL: "high" })])).toThrow(
      'AI_UMBRAL "high" is not a number from 0 to 1',
    );
  });
});

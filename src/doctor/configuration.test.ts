import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { tempDir } from "../worker-process/testing/fakes.js";
import { readConfiguration } from "./configuration.js";

interface Given {
  yaml?: string;
  named?: string;
  flags?: Record<string, unknown>;
  env?: Record<string, string>;
  refuse?: () => void;
}

async function read({ yaml, named, flags = {}, env = {}, refuse = () => {} }: Given) {
  const folder = tempDir();
  const deep = join(folder, "a", "b");
  mkdirSync(deep, { recursive: true });
  if (yaml !== undefined) writeFileSync(join(folder, "aiw.yaml"), yaml);
  const layer = { values: flags, errorCode: "USAGE" as const, describe: (name: string) => `--${name}` };
  const found = await readConfiguration({ named, folder: deep, flags: layer, env, refuse });
  const [config, variables] = found.checks;
  return { ...found, folder, config: config!, variables: variables! };
}

it("needs no file", async () => {
  const { config, variables, settings, file } = await read({});
  expect([config.status, variables.status]).toEqual(["ok", "ok"]);
  expect({ settings, file }).toEqual({ settings: {}, file: undefined });
});

it("says where the file was found, and gives what is in force", async () => {
  const { folder, config, settings, file } = await read({
    yaml: "fps: 7\nconf: 0.1\nsource: [a.jpg]\n",
    env: { AI_UMBRAL: "0.2" },
    flags: { camera: "default" },
  });
  expect(config).toMatchObject({ status: "ok", detail: `${join(folder, "aiw.yaml")}, 3 settings` });
  expect(settings).toEqual({ fps: 7, conf: 0.2, camera: ["default"] });
  expect(file?.content).toContain("fps: 7");
});

it("names every wrong key with its line, and goes on with the others", async () => {
  const { config, settings } = await read({ yaml: "fps: 2000\nmodel: /m.onnx\nconf: high\n" });
  expect(config.status).toBe("failure");
  expect(config.detail).toContain("aiw.yaml:1: fps 2000");
  expect(config.detail).toContain('aiw.yaml:3: conf "high"');
  expect(settings).toEqual({ model: "/m.onnx" });
});

it.each([
  ["unknown key", "fps: 1\nbogus: 1\n", /aiw\.yaml:2: unknown key "bogus"/],
  ["no YAML", "fps: [1\n", /aiw\.yaml:\d: /],
  ["no mapping", "- a\n", /not a mapping/],
])("%s", async (_, yaml, said) => {
  const { config, settings, file } = await read({ yaml, flags: { fps: "5" } });
  expect(config).toMatchObject({
    status: "failure",
    detail: expect.stringMatching(said),
    advice: expect.stringContaining("--config"),
  });
  expect(settings).toEqual({ fps: 5 });
  // A bug report shows it as it is.
  expect(file?.content).toBe(yaml);
});

it("fails a file that is named and not there, and values that no command takes", async () => {
  expect((await read({ named: "no.yaml" })).config).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("no.yaml"),
  });
  const refuse = () => {
    throw new AiwError("USAGE", "--engine openvino does not run on --device cuda");
  };
  expect((await read({ yaml: "engine: openvino\ndevice: cuda\n", refuse })).config).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("does not run on --device cuda"),
  });
});

it("names wrong variables, and those that are heeded", async () => {
  const env = { AI_UMBRAL: "x", BIND_PORT: "99999", AIW_CACHE: "/c" };
  expect((await read({ env })).variables).toMatchObject({
    status: "failure",
    detail: expect.stringMatching(/AI_UMBRAL "x".*; BIND_PORT "99999"/),
  });
  expect(
    (await read({ env: { IDLE_TIMEOUT_SEC: "60", AI_FPS_IDLE: "5", AIW_TOKEN: "secret" } })).variables,
  ).toMatchObject({
    status: "ok",
    detail: "AI_FPS_IDLE, IDLE_TIMEOUT_SEC, AIW_TOKEN",
  });
});

it("throws what is wrong with a flag, as every command does", async () => {
  await expect(read({ flags: { worker: "nowhere" } })).rejects.toMatchObject({ code: "USAGE" });
});

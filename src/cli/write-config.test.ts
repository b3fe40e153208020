import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configTemplate } from "../config/config-template.js";
import { tempDir } from "../worker-process/testing/fakes.js";
import { writeConfig } from "./write-config.js";

const model = (path: string) => configTemplate({ path, description: "a model", classNames: [] });
const wanted = (path: string, overwrites = false) => ({ content: model(path), asked: undefined, overwrites });

function place() {
  const dir = tempDir();
  const path = join(dir, "aiw.yaml");
  return { dir, path, now: () => readFileSync(path, "utf8") };
}

describe("writeConfig", () => {
  it("writes a new file, and nothing when it is run again", async () => {
    const { dir, path, now } = place();
    expect(await writeConfig(path, wanted("a.onnx"))).toEqual({ path, action: "written" });
    expect(now()).toBe(model("a.onnx"));
    expect(await writeConfig(path, wanted("a.onnx"))).toEqual({ path, action: "unchanged" });
    expect(readdirSync(dir)).toEqual(["aiw.yaml"]);
  });

  it("writes over what it wrote itself, and says what changed", async () => {
    const { path, now } = place();
    await writeConfig(path, wanted("a.onnx"));
    const { action, difference } = await writeConfig(path, wanted("b.onnx"));
    expect(action).toBe("written");
    expect(now()).toBe(model("b.onnx"));
    expect(difference).toMatch(
      /^--- as it is\n\+\+\+ as aiw init writes it\n[^]*-model: a.onnx\n\+model: b.onnx/,
    );
  });

  it.each([
    ["edited", () => model("a.onnx").replace("# conf: 0.35", "conf: 0.5")],
    ["somebody's own", () => "model: mine.onnx\n"],
    ["empty", () => ""],
  ])("keeps a file that is %s, and shows the difference, unless forced", async (_, content) => {
    const { path, now } = place();
    writeFileSync(path, content());
    const kept = await writeConfig(path, wanted("b.onnx"));
    expect(kept).toMatchObject({ action: "kept", difference: expect.stringContaining("+model: b.onnx") });
    expect(now()).toBe(content());
    const forced = await writeConfig(path, wanted("b.onnx", true));
    expect(forced).toEqual({ ...kept, action: "written" });
    expect(now()).toBe(model("b.onnx"));
  });

  it("changes in an edited file what was asked for and no more, unless that is so already", async () => {
    const { path, now } = place();
    const edited = model("a.onnx").replace("# conf: 0.35", "conf: 0.5 # mine");
    writeFileSync(path, edited);
    const asked = { changes: { model: "b.onnx", threads: undefined }, modelComment: undefined };
    const changed = await writeConfig(path, { ...wanted("b.onnx"), asked });
    expect(changed).toMatchObject({ path, action: "changed" });
    expect(changed.difference?.match(/^[-+](?![-+]).*$/gm)).toEqual(["-model: a.onnx", "+model: b.onnx"]);
    expect(now()).toBe(edited.replace("model: a.onnx", "model: b.onnx"));
    expect(await writeConfig(path, { ...wanted("b.onnx"), asked })).toEqual({ path, action: "unchanged" });
  });

  it("says what it cannot read", async () => {
    const { path } = place();
    mkdirSync(path);
    await expect(writeConfig(path, wanted("a.onnx"))).rejects.toMatchObject({ code: "OUTPUT_FAILED" });
  });
});

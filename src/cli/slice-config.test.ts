import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfigFile } from "../config/config-file.js";
import type { SideCommand } from "./against-command.js";
import { withSliceConfigs } from "./slice-config.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aiw-slice-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const side = (program: string, ...args: string[]): SideCommand => ({ name: "x", program, args, env: {} });
const own = (...args: string[]) => side(process.execPath, "aiw.js", "bench", ...args);

/** What the base's last argument, --config=FILE, says; undefined where nothing was added to it. */
async function given(base: SideCommand) {
  let copy = "";
  const config = await withSliceConfigs({ base, head: own() }, folder, async (sides) => {
    const added = sides.base.args.slice(base.args.length);
    if (added.length === 0) return undefined;
    copy = /^--config=(.*)$/.exec(added.join())?.[1] ?? "";
    expect(basename(dirname(copy))).toBe("base");
    return { values: (await loadConfigFile(copy, "/"))?.values, name: basename(copy) };
  });
  expect(existsSync(copy)).toBe(false);
  return config;
}

describe("the configuration of a slice", () => {
  it("is the file's, from wherever it was found, without what is of benches by themselves", async () => {
    const lines = ["model: m.onnx # mine", "source: [a.jpg, 'rtsp://u:p@h/x']", "conf: 0.5", "loop: true"];
    const own_ = ["json: a.json", "junit: j", "markdown: m", "html: h", "out: ndjson:x", "frames: 3"];
    const more = ["gates: p95<1s", "require_stable: true", "max_duration: 9m", "find_max: false"];
    writeFileSync(
      join(folder, "aiw.yaml"),
      [...lines, ...own_, ...more, "sweep: fps=1", "max_regression: 3%"].join("\n"),
    );
    const inner = join(folder, "inner");
    mkdirSync(inner);
    folder = inner;
    const config = await given(side("npx", "aiw@0.1", "bench"));
    folder = dirname(inner);
    expect(config).toEqual({
      name: "aiw.yaml",
      values: {
        ...{ model: join(folder, "m.onnx"), source: [join(folder, "a.jpg"), "rtsp://u:p@h/x"] },
        ...{ conf: 0.5, loop: true },
      },
    });
  });

  it.each([[["--config", "b.yaml"]], [["--config=a.yaml", "--config=b.yaml"]]])(
    "is the file that the side names: %j",
    async (args) => {
      writeFileSync(join(folder, "a.yaml"), "fps: 1\nframes: 1");
      writeFileSync(join(folder, "b.yaml"), "fps: 2\nframes: 2\nof_a_newer_aiw: 1");
      writeFileSync(join(folder, "aiw.yaml"), "fps: 3\nframes: 3");
      await expect(given(own(...args))).rejects.toThrow('b.yaml:2: unknown key "of_a_newer_aiw"');
      writeFileSync(join(folder, "b.yaml"), "fps: 2\nframes: 2");
      expect(await given(own(...args))).toEqual({ name: "b.yaml", values: { fps: 2 } });
    },
  );

  it.each([
    ["says nothing of them", "fps: 1", own()],
    ["is not there", "frames: 1", own("--config", "no.yaml")],
    ["is none", "[frames, 1]", own()],
    ["is read in some other place", "frames: 1", side("docker", "run", "x", "aiw", "bench")],
  ])("is left alone where it %s", async (_, text, base) => {
    writeFileSync(join(folder, "aiw.yaml"), text);
    expect(await given(base)).toBeUndefined();
    expect(readFileSync(join(folder, "aiw.yaml"), "utf8")).toBe(text);
  });
});

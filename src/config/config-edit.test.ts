import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { editConfig } from "./config-edit.js";
import { parseConfigFile } from "./config-file.js";
import { configTemplate, modelComment } from "./config-template.js";

const OLD = { path: "a.onnx", description: "yolo11, fp32", classNames: ["person"] };
const NEW = { path: "b.onnx", description: "yolo11, int8", classNames: ["person"], from: "a.onnx: int8" };

describe("editConfig", () => {
  it("writes a changed model, what it is and what runs it into a template that somebody has edited", () => {
    const edited = (text: string) =>
      text.replace("# conf: 0.35", "conf: 0.5").replace("# source:", "source:");
    const changed = editConfig(
      edited(configTemplate(OLD)),
      { model: "b.onnx", engine: "openvino", threads: 2 },
      modelComment(NEW),
    );
    const whole = edited(configTemplate(NEW, { engine: "openvino", threads: 2 }));
    const body = (text: string) => text.slice(0, text.indexOf("# checksum"));
    expect(body(changed)).toBe(body(whole));
  });

  it("edits a template with Windows line ends as any other, its examples too", () => {
    const windows = (text: string) => text.replaceAll("\n", "\r\n");
    const changes = { model: "b.onnx", engine: "openvino", threads: 2 };
    const changed = editConfig(windows(configTemplate(OLD)), changes, modelComment(NEW));
    expect(changed).toBe(windows(editConfig(configTemplate(OLD), changes, modelComment(NEW))));
    expect(changed).not.toContain("# engine: onnxruntime");
  });

  it("says anew of a model what has changed, and leaves what somebody wrote between", () => {
    const note = "# NOTE: never change, ask Ann";
    const before = `${modelComment({ ...NEW, from: "a.onnx: 4.0 times" })}\n${note}\nmodel: b.onnx\n`;
    expect(editConfig(before, { model: "b.onnx" }, modelComment(NEW))).toBe(
      `${modelComment(NEW)}\n${note}\nmodel: b.onnx\n`,
    );
  });

  it("puts a model into a template that had none", () => {
    const changed = editConfig(configTemplate(undefined), { model: "b.onnx" }, modelComment(NEW));
    expect(changed).toContain(`explain more.\n\n${modelComment(NEW)}\nmodel: b.onnx\n\n# What to look at`);
    expect(changed).not.toContain("Without one");
  });

  it.each([
    [
      "a comment behind",
      "model: a.onnx # mine\nconf: 0.5   # low\n",
      "model: b.onnx # mine\nthreads: 2\nconf: 0.5   # low\n",
    ],
    ["no line end", "conf: 0.5", "conf: 0.5\nmodel: b.onnx\nthreads: 2\n"],
    ["nothing", "", "model: b.onnx\nthreads: 2\n"],
    ["only comments", "# mine\n", "# mine\nmodel: b.onnx\nthreads: 2\n"],
    ["quotes", `"model": 'a b.onnx'\n`, `"model": b.onnx\nthreads: 2\n`],
    ["an engine to take away", "engine: openvino\nmodel: a.onnx\n", "model: b.onnx\nthreads: 2\n"],
    ["Windows line ends", "model: a.onnx\r\nconf: 1\r\n", "model: b.onnx\r\nthreads: 2\r\nconf: 1\r\n"],
    [
      "a list at its end",
      "model: a.onnx\ngates:\n  - p95 < 1ms\n\n",
      "model: b.onnx\nthreads: 2\ngates:\n  - p95 < 1ms\n\n",
    ],
    [
      "no value",
      "model:   # none yet\r\nconf: 1\r\n",
      "model: b.onnx   # none yet\r\nthreads: 2\r\nconf: 1\r\n",
    ],
    [
      "an example of somebody's own",
      "# Tried:\n# engine: openvino\nmodel: a.onnx\n",
      "# Tried:\n# engine: openvino\nmodel: b.onnx\nthreads: 2\n",
    ],
    ["braces and Windows line ends", "{ model: a.onnx }\r\n", "{ model: b.onnx, threads: 2 }\r\n"],
    ["braces", "{ model: a.onnx, conf: 0.5 }\n", "{ model: b.onnx, conf: 0.5, threads: 2 }\n"],
    [
      "a comment of somebody's own",
      "# The small one.\nmodel: a.onnx\n",
      "# The small one.\nmodel: b.onnx\nthreads: 2\n",
    ],
  ])("edits a file with %s", (_, content, expected) => {
    const changes = { model: "b.onnx", engine: undefined, threads: 2 };
    expect(editConfig(content, changes, modelComment(NEW))).toBe(expected);
  });

  it("says afterwards what it was to say, and the rest as before, whatever the model is called", () => {
    const lines = fc.subarray([
      "conf: 0.5",
      "model: a.onnx",
      "# note",
      "",
      "classes: [a, b]",
      "threads: 7",
      "source: x.mp4",
    ]);
    fc.assert(
      fc.property(lines, fc.string({ minLength: 1 }), fc.constantFrom("\n", "\r\n"), (kept, path, eol) => {
        const before = kept.join(eol);
        const changed = editConfig(before, { model: path, threads: undefined }, modelComment(NEW));
        const { threads: _, ...rest } = (parse(before) ?? {}) as Record<string, unknown>;
        expect(parse(changed)).toEqual({ ...rest, model: path });
        parseConfigFile("/aiw.yaml", changed);
      }),
    );
  });
});

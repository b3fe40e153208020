import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkModelFile } from "./model-file.js";
import { tempDir } from "./testing/fakes.js";

function file(name: string, content: string | Buffer): string {
  const path = join(tempDir(), name);
  writeFileSync(path, content);
  return path;
}

const refusal = (code: string, ...said: string[]) => ({
  code,
  exitCode: 1,
  message: expect.stringMatching(
    new RegExp(said.map((text) => text.replace(/[$^()|.]/g, "\\$&")).join(".*")),
  ),
});

describe("checkModelFile", () => {
  it("gives the real path of what may be a model", async () => {
    const path = file("a model.onnx", "\x08\x08\x12");
    const link = join(tempDir(), "link.onnx");
    symlinkSync(path, link);
    expect(await checkModelFile(link)).toBe(path);
  });

  it("says of a missing file how to come by a model", async () => {
    const error = await checkModelFile("no/model.onnx").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refusal("MODEL_NOT_FOUND", "no/model.onnx is not there"));
    expect(error).toMatchObject({
      advice: expect.stringMatching(/yolo export model=yolo11n\.pt format=onnx.*synthetic:/),
    });
    await expect(checkModelFile("")).rejects.toMatchObject(refusal("MODEL_NOT_FOUND", 'model ""'));
    const loop = join(tempDir(), "loop");
    symlinkSync(loop, loop);
    await expect(checkModelFile(loop)).rejects.toMatchObject(refusal("MODEL_NOT_FOUND", "ELOOP"));
  });

  it("answers a checkpoint with the command that exports it, and its licence", async () => {
    const error = await checkModelFile(file("yolo11n.pt", "PK\x03\x04yolo11n/data.pkl")).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject(
      refusal("MODEL_NOT_EXPORTED", "`yolo export model=/", "yolo11n.pt format=onnx`"),
    );
    expect(error).toMatchObject({ advice: expect.stringContaining("AGPL-3.0") });
  });

  it.each([
    ["it's mine.pt", "model='", "it'\\''s mine.pt' format=onnx`"],
    ["renamed.onnx", "name it /", "renamed.pt and export it with `yolo export model=/", "renamed.pt format"],
    ["$(reboot).pt", "model='", "$(reboot).pt' format=onnx`"],
  ])("gives a command that a shell takes for %s", async (name, ...said) => {
    const { message } = await checkModelFile(file(name, "PK\x03\x04x/data.pkl")).then(
      () => expect.unreachable(),
      (thrown: Error) => thrown,
    );
    for (const text of said) expect(message).toContain(text);
  });

  it("finds the list of a large archive at its end", async () => {
    const content = Buffer.concat([
      Buffer.from("PK\x03\x04"),
      Buffer.alloc(1_000_000),
      Buffer.from("PK\x01\x02m/data.pkl m/constants.pkl"),
    ]);
    await expect(checkModelFile(file("m.pt", content))).rejects.toMatchObject(
      refusal("MODEL_NOT_ONNX", "TorchScript"),
    );
  });

  it("names the models in a folder", async () => {
    const folder = tempDir();
    await expect(checkModelFile(folder)).rejects.toMatchObject(
      refusal("MODEL_NOT_A_FILE", "is a folder; no .onnx file lies in it"),
    );
    for (const name of ["b.onnx", "a.ONNX", "c.txt"]) writeFileSync(join(folder, name), "");
    await expect(checkModelFile(folder)).rejects.toMatchObject(
      refusal("MODEL_NOT_A_FILE", "in it lie a.ONNX, b.onnx"),
    );
    for (let i = 0; i < 9; i++) mkdirSync(join(folder, `${i}.onnx`));
    await expect(checkModelFile(folder)).rejects.toMatchObject(
      refusal("MODEL_NOT_A_FILE", "4.onnx, 5.onnx and 5 more"),
    );
  });

  it("does not wait for who writes into a pipe", async () => {
    const pipe = join(tempDir(), "pipe.onnx");
    execFileSync("mkfifo", [pipe]);
    await expect(checkModelFile(pipe)).rejects.toMatchObject(refusal("MODEL_NOT_A_FILE", "device or pipe"));
    await expect(checkModelFile("/dev/null")).rejects.toMatchObject({ code: "MODEL_NOT_A_FILE" });
  });

  it.each([
    ["empty.pt", "", "MODEL_EMPTY"],
    ["lfs.onnx", "version https://git-lfs.github.com/spec/v1\n", "MODEL_NOT_FETCHED"],
    ["m.tflite", "\x1c\0\0\0TFL3", "MODEL_NOT_ONNX"],
  ])("refuses %s", async (name, content, code) => {
    await expect(checkModelFile(file(name, content))).rejects.toMatchObject(refusal(code, name));
  });

  it.skipIf(process.getuid?.() === 0)("says that a file can't be read", async () => {
    const path = file("m.onnx", "x");
    chmodSync(path, 0);
    await expect(checkModelFile(path)).rejects.toMatchObject(refusal("MODEL_UNREADABLE", "EACCES"));
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { provenanceOf } from "../testing/provenance.js";
import {
  checkFresh,
  fileSha256,
  provenanceOfModel,
  provenancePath,
  readProvenance,
  sourceOf,
} from "./provenance.js";

/** A model and what was made of it. */
async function optimized() {
  const folder = mkdtempSync(join(tmpdir(), "aiw-provenance-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const source = join(folder, "source.onnx");
  const model = join(folder, "source-int8.onnx");
  writeFileSync(source, "abc");
  writeFileSync(model, "int8");
  const { sha256 } = await sourceOf(source, []);
  const found = provenanceOf({ source: { path: source, sha256, weights: [] } });
  writeFileSync(provenancePath(model), JSON.stringify(found));
  return { source, model, sha256, found };
}

it("hashes a file as everybody does", async () => {
  const { sha256 } = await optimized();
  expect(sha256).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

it.each([
  ["a/b.onnx", "a/b.provenance.json"],
  ["a/b.ONNX", "a/b.provenance.json"],
  ["a.onnx/b", "a.onnx/b.provenance.json"],
])("lies beside %s as %s", (model, path) => {
  expect(provenancePath(model)).toBe(path);
});

describe("a model that aiw has optimised", () => {
  it("is fresh while its original is the same, whatever else happens to that", async () => {
    const { model, source, found } = await optimized();
    expect(await checkFresh(model)).toBeUndefined();
    writeFileSync(source, "abc");
    expect(await checkFresh(model)).toBeUndefined();
    expect(await readProvenance(provenancePath(model))).toEqual(found);
  });

  it("is stale once that has changed, with both hashes", async () => {
    const { model, source, sha256 } = await optimized();
    writeFileSync(source, "abd");
    const { sha256: now } = await sourceOf(source, []);
    expect(now).not.toBe(sha256);
    await expect(checkFresh(model)).rejects.toMatchObject({
      code: "MODEL_STALE",
      message: `source-int8.onnx was made from ${source}, which has changed since (SHA-256 ${now.slice(0, 12)}, was ${sha256.slice(0, 12)})`,
    });
  });

  it("is stale once weights have changed that lie in a file of their own", async () => {
    const { model, source } = await optimized();
    const weights = join(dirname(source), "source.bin");
    writeFileSync(weights, "weights");
    const found = provenanceOf({ source: await sourceOf(source, ["source.bin"]) });
    writeFileSync(provenancePath(model), JSON.stringify(found));
    expect(await checkFresh(model)).toBeUndefined();
    writeFileSync(weights, "others!");
    await expect(checkFresh(model)).rejects.toMatchObject({
      code: "MODEL_STALE",
      message: expect.stringContaining(`was made from ${weights}, which has changed since`),
    });
  });

  it("is known by its search too, where what lies beside it is gone or broken", async () => {
    const { model } = await optimized();
    const found = provenanceOf({ file: basename(model) });
    writeFileSync(join(dirname(model), "provenance.json"), JSON.stringify(found));
    for (const broken of ["{", '{"schema":"aiw.optimized/1"}']) {
      writeFileSync(provenancePath(model), broken);
      expect(await provenanceOfModel(model)).toEqual({ provenance: found });
    }
    rmSync(provenancePath(model));
    expect(await provenanceOfModel(model)).toEqual({ provenance: found });
    // Of another model in that folder it says nothing.
    expect(await provenanceOfModel(join(dirname(model), "other.onnx"))).toBeUndefined();
  });

  it("is no more itself once its own file has changed", async () => {
    const { model, source } = await optimized();
    const made = {
      ...provenanceOf({ source: await sourceOf(source, []) }),
      file_sha256: await fileSha256(model),
    };
    writeFileSync(provenancePath(model), JSON.stringify(made));
    expect(await checkFresh(model)).toBeUndefined();
    writeFileSync(model, "cut");
    await expect(checkFresh(model)).rejects.toMatchObject({
      code: "MODEL_STALE",
      message: expect.stringMatching(/ is damaged: it is not the file that aiw made$/),
    });
  });

  it("is no more once its own file is gone", async () => {
    const { model, source } = await optimized();
    rmSync(model);
    await expect(checkFresh(model)).rejects.toMatchObject({
      code: "MODEL_STALE",
      message: `source-int8.onnx, which was made from ${source}, is not there any more`,
    });
  });

  it("can't be told to be fresh where that has vanished", async () => {
    const { model, source } = await optimized();
    rmSync(source);
    expect(await checkFresh(model)).toBe(
      `source-int8.onnx was made from ${source}, which is not there any more: whether it is up to date can't be told`,
    );
  });

  it("nor where that can't be read", async () => {
    const { model, source } = await optimized();
    rmSync(source);
    mkdirSync(source);
    expect(await checkFresh(model)).toContain("can't be read");
  });
});

describe("a model that aiw has not optimised", () => {
  it("has no provenance", async () => {
    const { source } = await optimized();
    expect(await checkFresh(source)).toBeUndefined();
  });

  it.each([
    ["of another tool", '{"schema":"slsa/1"}'],
    ["without a schema", '{"_type":"https://in-toto.io/Statement/v1"}'],
    ["no object", "null"],
  ])("is what one is taken for whose provenance is %s", async (_, text) => {
    const { model, source } = await optimized();
    writeFileSync(provenancePath(model), text);
    writeFileSync(source, "changed");
    expect(await readProvenance(provenancePath(model))).toBeUndefined();
    expect(await checkFresh(model)).toBeUndefined();
  });

  it.each([
    ["cut off", (text: string) => text.slice(0, 100), "is not JSON"],
    ["empty", () => "", "is not JSON"],
    [
      "of a later aiw",
      (text: string) => text.replace("aiw.optimized/1", "aiw.optimized/2"),
      'is of schema "aiw.optimized/2", and this aiw reads "aiw.optimized/1"',
    ],
    ["damaged", (text: string) => text.replace('"file":', '"fyle":'), "is broken at file: "],
  ])("may be one whose provenance is %s: that is said", async (_, damaged, said) => {
    const { model, found } = await optimized();
    writeFileSync(provenancePath(model), damaged(JSON.stringify(found)));
    expect(await readProvenance(provenancePath(model))).toBeUndefined();
    expect(await checkFresh(model)).toContain(`source-int8.provenance.json ${said}`);
  });
});

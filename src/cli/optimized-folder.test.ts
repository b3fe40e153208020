import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Settings } from "../config/settings.js";
import type { Provenance } from "../optimize/provenance.js";
import { modelDescription } from "../testing/model-description.js";
import { provenanceOf } from "../testing/provenance.js";
import { tempDir } from "../worker-process/testing/fakes.js";
import { findOptimized } from "./optimized-folder.js";

const FILE = "m-int8.onnx";
const CONTENT = "a model in 8 bits";

/** A folder in which an earlier command has found something. */
function found(changes: Partial<Provenance> = {}) {
  const folder = tempDir();
  const source = { path: join(folder, "m.onnx"), sha256: "", weights: [] };
  const sha256 = createHash("sha256").update(CONTENT).digest("hex");
  const provenance = provenanceOf({ source, file: FILE, file_sha256: sha256, ...changes });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, FILE), CONTENT);
  writeFileSync(join(folder, "provenance.json"), JSON.stringify(provenance));
  const said: string[] = [];
  const original = { path: source.path, description: modelDescription(), source };
  const find = (settings: Settings = {}) =>
    findOptimized(folder, { original, settings }, (why) => said.push(why));
  return { folder, find, said };
}

describe("what an earlier command has found", () => {
  it("is taken as it is", async () => {
    const { folder, find, said } = found();
    expect(await find()).toMatchObject({ path: join(folder, FILE), reused: true });
    expect(said).toEqual([]);
  });

  it("says again beside the model what it was made from, where that is gone or broken", async () => {
    const { folder, find } = found();
    const beside = join(folder, "m-int8.provenance.json");
    for (const broken of [undefined, "{"]) {
      if (broken === undefined) rmSync(beside, { force: true });
      else writeFileSync(beside, broken);
      const result = await find();
      expect(JSON.parse(readFileSync(beside, "utf8"))).toEqual(result?.provenance);
    }
  });

  it("is not taken where its file is damaged", async () => {
    const { folder, find, said } = found();
    truncateSync(join(folder, FILE), 5);
    expect(await find()).toBeUndefined();
    expect(said).toEqual([
      `${FILE} in aiw's cache is damaged: it is not the file that aiw made; making it anew`,
    ]);
  });

  it("is not all where something had too little memory", async () => {
    const { find, said } = found({ lacked_memory: true });
    expect(await find()).toBeUndefined();
    expect(said).toEqual(["what had too little memory the last time is tried again"]);
  });

  it("is taken unverified only where that is allowed, again", async () => {
    const { find } = found({ verified: false });
    expect(await find()).toBeUndefined();
    expect(await find({ allow_unverified: true })).toMatchObject({ reused: true });
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { provenanceOf } from "../testing/provenance.js";
import { originalOf } from "./original-of.js";

it("names the original that is gone, and both ways out", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aiw-original-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "source.onnx");
  const provenance = provenanceOf({ source: { path, sha256: "a".repeat(64), weights: [] } });
  await expect(originalOf("/cache/source-int8.onnx", { provenance })).rejects.toMatchObject({
    code: "ORIGINAL_GONE",
    message: `source-int8.onnx was made from ${path}, which is not there any more`,
    advice: expect.stringMatching(/--model PATH.*without --optimize/),
  });
});

it("takes a model whose making can't be told for no original", async () => {
  await expect(originalOf("/cache/m-int8.onnx", { problem: "m.json is not JSON" })).rejects.toMatchObject({
    code: "ORIGINAL_GONE",
    message: "m.json is not JSON: what m-int8.onnx was made from can't be told",
  });
});

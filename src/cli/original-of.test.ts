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
  await expect(originalOf("/cache/source-int8.onnx", provenance)).rejects.toMatchObject({
    code: "ORIGINAL_GONE",
    message: `source-int8.onnx was made from ${path}, which is not there any more`,
    advice: expect.stringMatching(/--model PATH.*without --optimize/),
  });
});

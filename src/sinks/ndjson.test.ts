import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { detectionRecord } from "../results/record.js";
import { openNdjson } from "./ndjson.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiw-ndjson-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it("writes the record of each outcome as a line, whole after each write", async () => {
  const path = join(root, "x.ndjson");
  const sink = openNdjson(path, "ab");
  const outcomes = [1, 2].map((seq) => ({
    ...{ seq, origin: { source: "bus.jpg", width: 8, height: 6 }, dueUs: 0, wallMs: 0 },
    error: new AiwError("WORKER_REFUSED", "no"),
  }));
  let lines = "";
  for (const outcome of outcomes) {
    sink.write(outcome);
    lines += `${JSON.stringify(detectionRecord(outcome, "ab"))}\n`;
    expect(readFileSync(path, "utf8")).toBe(lines);
  }
  await sink.close(new AbortController().signal);
  await sink.close(new AbortController().signal);
  expect(readFileSync(path, "utf8")).toBe(lines);
});

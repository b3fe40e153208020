import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkFolder, makeFolder } from "./folder.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiw-folder-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("a folder to write into", () => {
  it("may be there or be missing, and is made with its parents only when asked for", () => {
    const missing = join(root, "a", "b");
    checkFolder(root);
    checkFolder(missing);
    expect(existsSync(join(root, "a"))).toBe(false);
    makeFolder(missing);
    makeFolder(missing);
    checkFolder(missing);
    expect(existsSync(missing)).toBe(true);
  });

  it("is no file, nor below one", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    for (const target of [file, join(file, "a", "b")]) {
      const error = { code: "OUTPUT_FAILED", message: `${target} cannot be written (ENOTDIR)` };
      expect(() => checkFolder(target)).toThrow(expect.objectContaining(error));
      expect(() => makeFolder(target)).toThrow(expect.objectContaining({ code: "OUTPUT_FAILED" }));
    }
  });

  // Root may write anywhere.
  it.skipIf(process.getuid?.() === 0)("can be written", () => {
    chmodSync(root, 0o555);
    for (const target of [root, join(root, "a")]) {
      expect(() => checkFolder(target)).toThrow(`${target} cannot be written (EACCES)`);
    }
  });

  it.runIf(process.platform === "linux")("ends where a folder can neither be made nor is there", () => {
    expect(() => makeFolder("/proc/no-such/folder")).toThrow(
      expect.objectContaining({ code: "OUTPUT_FAILED" }),
    );
  });
});

import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeWholeFile } from "./whole-file.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiw-whole-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("writeWholeFile", () => {
  it("writes text and bytes, in place of what was there", async () => {
    const path = join(root, "x");
    await writeWholeFile(path, "text");
    await writeWholeFile(path, Uint8Array.of(1, 2));
    expect([...readFileSync(path)]).toEqual([1, 2]);
    expect(readdirSync(root)).toEqual(["x"]);
  });

  it("writes through a link, and keeps the mode that is there", async () => {
    const [path, link] = [join(root, "secret"), join(root, "link")];
    writeFileSync(path, "before", { mode: 0o600 });
    symlinkSync(path, link);
    await writeWholeFile(link, "after");
    expect(readFileSync(path, "utf8")).toBe("after");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(root).sort()).toEqual(["link", "secret"]);
  });

  it("leaves nothing behind when it fails", async () => {
    const failed = { code: "OUTPUT_FAILED" };
    await expect(writeWholeFile(join(root, "no", "x"), "text")).rejects.toMatchObject(failed);
    mkdirSync(join(root, "folder"));
    await expect(writeWholeFile(join(root, "folder"), "text")).rejects.toMatchObject(failed);
    expect(readdirSync(root)).toEqual(["folder"]);
    // Its name and the rest of an unfinished file's are too long together: what was there stays.
    const long = join(root, "x".repeat(250));
    writeFileSync(long, "before");
    await expect(writeWholeFile(long, "text")).rejects.toMatchObject(failed);
    expect(readFileSync(long, "utf8")).toBe("before");
  });

  it.skipIf(!existsSync("/dev/full"))("writes what is no ordinary file as it is", async () => {
    const full = join(root, "full");
    symlinkSync("/dev/full", full);
    await expect(writeWholeFile(full, "text")).rejects.toThrow(`${full} cannot be written (ENOSPC)`);
    const nothing = join(root, "null");
    symlinkSync("/dev/null", nothing);
    await writeWholeFile(nothing, "text");
    expect(readdirSync(root).sort()).toEqual(["full", "null"]);
  });
});

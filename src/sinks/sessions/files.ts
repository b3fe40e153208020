import { mkdir, open, rename, rmdir, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../../core/errors.js";

/** A file that is open for writing. */
export interface OpenFile {
  /** Appends some of the bytes, or all; returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Drops what is beyond so many bytes. */
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  /** Brings it to the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What sessions do to the disk, a system call each: a test counts them, and stops after any of them. */
export interface Files {
  makeFolder(path: string): Promise<void>;
  /** "a": append to what may be there; "w": anew. */
  open(path: string, mode: "a" | "w"): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** Of a file. False where it is not there, as of two that remove it at once for one of them. */
  remove(path: string): Promise<boolean>;
  /** Of a folder that is empty. */
  removeFolder(path: string): Promise<void>;
  /** So that new names in it are on the disk too; where folders can't be opened it is as the system sees fit. */
  syncFolder(path: string): Promise<void>;
}

/** The machine's. */
export const diskFiles: Files = {
  makeFolder: async (path) => {
    await mkdir(path);
  },
  async open(path, mode) {
    const handle = await open(path, mode);
    return {
      write: async (bytes) => (await handle.write(bytes)).bytesWritten,
      truncate: (size) => handle.truncate(size),
      size: async () => (await handle.stat()).size,
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  rename,
  async remove(path) {
    try {
      await unlink(path);
      return true;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return false;
      throw error;
    }
  },
  removeFolder: rmdir,
  async syncFolder(path) {
    const handle = await open(path, "r").catch(() => undefined);
    await handle?.sync().catch(() => {});
    await handle?.close();
  },
};

/** What is being written beside a file that it will replace; the worker's has the same ending. */
export const TEMPORARY = ".tmp";

/**
 * Replaces a file, of which there is never half: on the disk first, then under its name.
 * @throws what the system says; nothing was replaced then
 */
export async function replaceFile(files: Files, path: string, content: Uint8Array): Promise<void> {
  const temporary = path + TEMPORARY;
  try {
    const file = await files.open(temporary, "w");
    try {
      await writeAll(file, content);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, path);
  } catch (error) {
    // A disk that is full has some room again; where even that fails, the error before says more.
    await files.remove(temporary).catch(() => {});
    throw error;
  }
  await files.syncFolder(dirname(path));
}

/** As a person may want to read it. */
export function replaceJson(files: Files, path: string, value: object): Promise<void> {
  return replaceFile(files, path, Buffer.from(`${JSON.stringify(value, null, 2)}\n`));
}

/** @throws what the system says, with a part of it written or none */
export async function writeAll(file: OpenFile, content: Uint8Array): Promise<void> {
  for (let written = 0; written < content.length;) written += await file.write(content.subarray(written));
}

import { type Files, type OpenFile, writeAll } from "./files.js";

/** Appends whole lines to a file. What could be written of a line only in part is cut off again. */
export class LineFile {
  /** Until the last write is known to be whole. */
  private isTorn = false;

  private constructor(
    private readonly file: OpenFile,
    private size: number,
  ) {}

  /** Made where it is not there. @throws what the system says */
  static async open(files: Files, path: string): Promise<LineFile> {
    const file = await files.open(path, "a");
    try {
      return new LineFile(file, await file.size());
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** Writes one line, or nothing. @throws what the system says, as that the disk is full */
  async append(line: Uint8Array): Promise<void> {
    // Of an attempt before this one, where not even that was possible.
    if (this.isTorn) await this.cut(this.size);
    this.isTorn = true;
    try {
      await writeAll(this.file, line);
    } catch (error) {
      await this.cut(this.size).catch(() => {});
      throw error;
    }
    this.size += line.length;
    this.isTorn = false;
  }

  /** Drops what is beyond so many bytes. @throws what the system says */
  async cut(size: number): Promise<void> {
    await this.file.truncate(size);
    this.size = size;
    this.isTorn = false;
  }

  /** Brings it to the disk. @throws what the system says */
  async sync(): Promise<void> {
    if (this.isTorn) await this.cut(this.size);
    await this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close().catch(() => {});
  }
}

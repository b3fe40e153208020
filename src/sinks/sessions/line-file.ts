import { type Files, type OpenFile, writeAll } from "./files.js";

/** Appends whole lines to a file. What could be written of a line only in part is cut off again. */
export class LineFile {
  private constructor(
    private readonly file: OpenFile,
    private size: number,
    /** Until the last write is known to be whole. */
    private isTorn: boolean,
  ) {}

  /**
   * Made where it is not there.
   * @param wholeBytes of a file that was open before, where that is known; what is beyond them is cut off
   * @throws what the system says
   */
  static async open(files: Files, path: string, wholeBytes?: number): Promise<LineFile> {
    const file = await files.open(path, "a");
    try {
      const size = await file.size();
      const isTorn = wholeBytes !== undefined && size > wholeBytes;
      return new LineFile(file, isTorn ? wholeBytes : size, isTorn);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** Bytes of the lines that are whole. */
  get wholeBytes(): number {
    return this.size;
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

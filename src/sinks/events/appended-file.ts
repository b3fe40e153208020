import {
  close,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  open,
  openSync,
  readSync,
  stat,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import type { Clock } from "../../core/clock.js";
import { systemCode } from "../../core/errors.js";
import { outputFailed } from "../output-failed.js";

/** How often it is looked whether the file is still where it was, microseconds, while there is something to write. */
const LOOK_EVERY_US = 1_000_000;
/** A line that was cut off is looked for in so many bytes at the end of a file. */
const TAIL_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
/** How each of our lines begins. */
const OUR_BEGINNING = '{"schema":"aiw.event/';
/** NONBLOCK is for pipes alone: a write to one that is full would hold a thread of the pool for good. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;
const MODE = 0o666;

interface Place {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * A file, or a pipe, that lines are appended to for months. A file is opened anew, and made where it is gone, once
 * another has taken its place, as one that rotates logs does it.
 */
export class AppendedFile {
  private lookedAtUs: number;

  private constructor(
    private readonly path: string,
    private readonly clock: Clock,
    private fd: number,
    /** undefined: it is no regular file, and stays what it is. */
    private place: Place | undefined,
  ) {
    this.lookedAtUs = clock.nowUs();
  }

  /** @throws OUTPUT_FAILED */
  static open(path: string, clock: Clock): AppendedFile {
    try {
      const fd = openSync(path, FLAGS, MODE);
      return new AppendedFile(path, clock, fd, preparedFile(path, fd));
    } catch (error) {
      throw outputFailed(path, error);
    }
  }

  /**
   * What to write to now; of the thread pool, as a disk may hang.
   * @throws what the system says where the file has gone and can't be made again
   */
  async current(): Promise<number> {
    const nowUs = this.clock.nowUs();
    if (this.place === undefined || nowUs - this.lookedAtUs < LOOK_EVERY_US) return this.fd;
    if (await this.isElsewhere(this.place)) await this.openAnew();
    this.lookedAtUs = nowUs;
    return this.fd;
  }

  /** Not before a write that is under way is over: the number would soon be another file's. */
  close(): Promise<void> {
    return closed(this.fd);
  }

  private async openAnew(): Promise<void> {
    const [fd, before] = [await promisify(open)(this.path, FLAGS, MODE), this.fd];
    try {
      this.place = preparedFile(this.path, fd);
    } catch (error) {
      await closed(fd);
      throw error;
    }
    this.fd = fd;
    await closed(before);
  }

  private async isElsewhere({ dev, ino }: Place): Promise<boolean> {
    try {
      const there = await promisify(stat)(this.path, { bigint: true });
      return there.dev !== dev || there.ino !== ino;
    } catch (error) {
      // Of a folder that can't be looked into any more nothing is known.
      return systemCode(error) === "ENOENT";
    }
  }
}

async function closed(fd: number): Promise<void> {
  await promisify(close)(fd).catch(() => {});
}

/** Makes the end of a regular file ready for a line. @returns which file it is; undefined for what is none */
function preparedFile(path: string, fd: number): Place | undefined {
  const there = fstatSync(fd, { bigint: true });
  if (!there.isFile()) return undefined;
  if (there.size > 0n) mendTail(path, fd);
  return { dev: there.dev, ino: there.ino };
}

/**
 * Before the first line: a machine that lost its power may have left half of one at the end, which nobody can
 * read. One of ours is taken away; what somebody else left is ended, and stays.
 */
function mendTail(path: string, fd: number): void {
  const { size } = fstatSync(fd);
  const tail = endOf(path, size);
  if (tail.length === 0 || tail.at(-1) === NEWLINE) return;
  const half = tail.subarray(tail.lastIndexOf(NEWLINE) + 1);
  if (half.subarray(0, OUR_BEGINNING.length).toString() === OUR_BEGINNING) {
    ftruncateSync(fd, size - half.length);
  } else {
    writeSync(fd, "\n");
  }
}

/** The last bytes of a file; none of one that we may write and not read. */
function endOf(path: string, size: number): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    return tail.subarray(0, readSync(fd, tail, 0, tail.length, size - tail.length));
  } catch (error) {
    if (systemCode(error) === "EACCES") return Buffer.alloc(0);
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

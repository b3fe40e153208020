import { read as fsRead, fstatSync } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import { AiwError, toAiwError } from "../core/errors.js";
import type { Frame, SourceItem } from "../frame/frame.js";
import { FramePool, type PooledBuffer } from "../frame/frame-pool.js";
import { frameBytes, type PixelFormat, type Size } from "../frame/pixel-format.js";
import { FrameAssembler } from "./frame-assembler.js";
import { FrameQueue } from "./frame-queue.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";

/** Frames that wait for their consumer, besides the one that is being read. */
const WAITING_FRAMES = 2;
const STDIN_FD = 0;

/**
 * Raw frames of one size from a file descriptor (stdin unless told otherwise), one after another
 * without anything between. `loop` starts a regular file again; what cannot be read twice ends.
 * @throws USAGE without a size, or for a terminal. While reading: SOURCE_FRAME_SIZE when the bytes
 * end within a frame, SOURCE_LOST when they cannot be read.
 */
export function openRawFrames(options: SourceOptions, fd = STDIN_FD): FrameSource {
  if (options.size === "native") {
    throw new AiwError("USAGE", "--source -: raw frames have no size of their own, give one with --size WxH");
  }
  const format = options.pixelFormat === "auto" ? "rgb24" : options.pixelFormat;
  const source = new RawFrameSource(options, options.size, format);
  const kind = kindOf(fd);
  if (kind === "terminal") {
    throw new AiwError("USAGE", "--source -: stdin is a terminal, pipe raw frames into it");
  }
  source.start(kind === "file" ? new FileReader(fd, options.loop) : new SocketReader(fd));
  return source;
}

function kindOf(fd: number): "file" | "stream" | "terminal" {
  let stat: ReturnType<typeof fstatSync>;
  try {
    stat = fstatSync(fd);
  } catch (cause) {
    throw new AiwError("SOURCE_NOT_FOUND", "--source -: stdin is closed", { cause });
  }
  if (stat.isFIFO() || stat.isSocket()) return "stream";
  return stat.isCharacterDevice() && isatty(fd) ? "terminal" : "file";
}

/** Reads into an assembler until the bytes end. */
interface Reader {
  /** @param done called once, with what broke it if something did */
  start(assembler: FrameAssembler, done: (error?: Error) => void): void;
  /** Goes on after the assembler said to stop. */
  resume(): void;
  stop(): void;
}

class SocketReader implements Reader {
  private socket: Socket | undefined;

  constructor(private readonly fd: number) {}

  start(assembler: FrameAssembler, done: (error?: Error) => void): void {
    // TypeScript's types give `onread` to connections only; Node takes it for any socket.
    const settings = { fd: this.fd, readable: true, writable: false, onread: assembler.onread };
    const socket = new Socket(settings);
    socket.once("error", done);
    socket.once("end", () => done());
    socket.once("close", () => done());
    this.socket = socket;
    socket.resume();
  }

  resume(): void {
    this.socket?.resume();
  }

  stop(): void {
    this.socket?.destroy();
  }
}

const readInto = promisify(fsRead);

class FileReader implements Reader {
  private state: "idle" | "reading" | "stopped" = "idle";
  private step: () => Promise<void> = async () => {};

  constructor(
    private readonly fd: number,
    private readonly loop: boolean,
  ) {}

  start(assembler: FrameAssembler, done: (error?: Error) => void): void {
    // A regular file is read at positions of our own, so that it can be read again.
    const seekable = this.loop && fstatSync(this.fd).isFile();
    let position = 0;
    this.step = async () => {
      this.state = "reading";
      try {
        while (this.state === "reading") {
          const room = assembler.room();
          const { bytesRead } = await readInto(this.fd, room, 0, room.length, seekable ? position : null);
          position += bytesRead;
          if (bytesRead > 0) {
            if (!assembler.filled(bytesRead) && this.state === "reading") this.state = "idle";
          } else if (seekable && position > 0 && assembler.partialBytes === 0) {
            position = 0;
          } else {
            return done();
          }
        }
      } catch (error) {
        done(toAiwError(error));
      }
    };
    void this.step();
  }

  resume(): void {
    if (this.state === "idle") void this.step();
  }

  stop(): void {
    this.state = "stopped";
  }
}

class RawFrameSource implements FrameSource {
  readonly name = "-";
  readonly live = false;
  readonly rateFps = null;
  private readonly pool: FramePool;
  private readonly queue: FrameQueue<Frame>;
  private reader: Reader | undefined;
  private frameCount = 0;

  constructor(
    private readonly options: SourceOptions,
    private readonly size: Size,
    readonly format: PixelFormat,
  ) {
    this.pool = new FramePool(frameBytes(format, size));
    this.queue = new FrameQueue({
      limit: WAITING_FRAMES,
      overflow: "wait",
      onRoom: () => this.reader?.resume(),
      discard: (frame) => frame.release(),
    });
  }

  start(reader: Reader): void {
    const assembler = new FrameAssembler((buffer) => this.queue.push(this.frame(buffer)));
    assembler.begin(this.pool);
    this.reader = reader;
    reader.start(assembler, (cause) => {
      if (cause !== undefined) {
        this.queue.end(new AiwError("SOURCE_LOST", `stdin cannot be read: ${cause.message}`, { cause }));
      } else if (assembler.partialBytes > 0) {
        this.queue.end(this.partialFrame(assembler.partialBytes));
      } else if (this.frameCount === 0) {
        this.queue.end(new AiwError("SOURCE_EMPTY", "stdin held no frame: it ended before the first byte"));
      } else {
        this.queue.end();
      }
    });
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    try {
      yield* this.queue.drain();
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.reader?.stop();
    this.queue.abandon();
  }

  private partialFrame(got: number): AiwError {
    const { width, height } = this.size;
    return new AiwError(
      "SOURCE_FRAME_SIZE",
      `stdin ended within a frame: ${got} of the ${this.pool.bytes} bytes that ${width}x${height} ${this.format} has`,
    );
  }

  private frame(buffer: PooledBuffer): Frame {
    const { width, height } = this.size;
    this.frameCount += 1;
    return {
      data: buffer.data,
      release: buffer.release,
      width,
      height,
      format: this.format,
      origin: { source: this.name, width, height },
      capturedAtUs: this.options.clock.nowUs(),
    };
  }
}

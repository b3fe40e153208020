import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, type Clock } from "../core/clock.js";
import { AiwError, systemCode } from "../core/errors.js";
import { processCpuUs } from "./cpu-time.js";
import { FfmpegLog } from "./ffmpeg-log.js";
import type { FrameAssembler } from "./frame-assembler.js";
import { type SocketPair, socketPair } from "./socket-pair.js";

/**
 * How long ffmpeg may take to end when asked to. Where it waits for a camera that says nothing it does not heed
 * one SIGTERM, and a run that is interrupted has two seconds for all it has to do.
 */
const STOP_GRACE_US = 400_000;

export interface FfmpegEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface FfmpegCommand {
  readonly binary: string;
  readonly args: readonly string[];
  /** What it is given to read there. */
  readonly stdin?: string | undefined;
  /** Takes what ffmpeg writes, from `startReading` on. */
  readonly assembler: FrameAssembler;
  /** Takes credentials out of what ffmpeg prints. */
  readonly mask: (text: string) => string;
  readonly clock: Clock;
}

interface Output {
  resume(): void;
  destroy(): void;
  /** Resolves when everything was read, or when it was destroyed. */
  readonly closed: Promise<void>;
}

/** One run of ffmpeg with raw frames on its stdout. */
export class FfmpegProcess {
  /** Resolves when the header is known, or ffmpeg ended without one. */
  readonly headed: Promise<void>;
  /** Resolves when ffmpeg has ended; some of its output may still wait to be read. */
  readonly exited: Promise<FfmpegEnd>;
  /** Resolves when ffmpeg has ended and all its output was read. */
  readonly finished: Promise<FfmpegEnd>;
  private lastCpuUs: number | null = null;
  private hasEnded = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly output: Output,
    readonly log: FfmpegLog,
    private readonly clock: Clock,
  ) {
    running.add(this);
    const { stderr } = child;
    child.on("error", () => {});
    stderr?.setEncoding("utf8");
    this.exited = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.hasEnded = true;
        running.delete(this);
        resolve({ code, signal });
      });
    });
    this.headed = new Promise((resolve) => {
      stderr?.on("data", (chunk: string) => {
        log.push(chunk);
        if (log.header !== undefined) resolve();
      });
      void this.exited.then(() => resolve());
    });
    this.finished = this.exited.then(async (end) => {
      if (log.header === undefined) output.destroy();
      await output.closed;
      return end;
    });
    void output.closed.then(() => this.cpuUs());
  }

  /** @throws FFMPEG_MISSING when the binary cannot be run */
  static async start({ binary, args, stdin, assembler, mask, clock }: FfmpegCommand): Promise<FfmpegProcess> {
    const pair = await socketPair(assembler.onread);
    try {
      const child = spawn(binary, args, {
        stdio: [stdin === undefined ? "ignore" : "pipe", pair?.writer ?? "pipe", "pipe"],
        // In a group of its own, so that Ctrl-C reaches us alone and the stop stays clean.
        detached: process.platform !== "win32",
        windowsHide: true,
      });
      await once(child, "spawn");
      // One that does not read it says why in its own words.
      child.stdin?.on("error", () => {}).end(stdin);
      const output = pair === null ? copyingOutput(child, assembler) : socketOutput(pair);
      return new FfmpegProcess(child, output, new FfmpegLog(mask), clock);
    } catch (error) {
      pair?.reader.destroy();
      throw new AiwError(
        "FFMPEG_MISSING",
        `${binary} cannot be run (${systemCode(error) ?? String(error)})`,
        {
          cause: error,
        },
      );
    } finally {
      pair?.writer.destroy();
    }
  }

  /** Lets output flow; also after the assembler said to stop. */
  resume(): void {
    this.output.resume();
  }

  /** CPU time used so far, microseconds. After the end it is ffmpeg's own word, or the last that was seen. */
  cpuUs(): number | null {
    if (this.log.cpuUs !== undefined) return this.log.cpuUs;
    const { pid, exitCode, signalCode } = this.child;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      this.lastCpuUs = processCpuUs(pid) ?? this.lastCpuUs;
    }
    return this.lastCpuUs;
  }

  /** Ends it: asks, then kills. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.cpuUs();
    this.output.destroy();
    this.signal("SIGTERM");
    if (this.hasEnded) return;
    const cancel = after(this.clock, STOP_GRACE_US, () => this.signal("SIGKILL"));
    await this.exited;
    cancel();
  }

  /** To its whole group: AIW_FFMPEG may be a script that starts the real one. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid === undefined || this.hasEnded) return;
    try {
      if (process.platform === "win32") this.child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // It ended just now.
    }
  }
}

/** Those that have not ended: one that waits for a camera would outlive us, for it writes nothing that breaks. */
const running = new Set<FfmpegProcess>();
process.on("exit", () => {
  for (const one of running) one.signal("SIGKILL");
});

function socketOutput({ reader }: SocketPair): Output {
  const closed = new Promise<void>((resolve) => reader.once("close", () => resolve()));
  // A broken connection shows as an end; why it broke is in ffmpeg's exit code and last words.
  reader.on("error", () => {});
  return { resume: () => reader.resume(), destroy: () => reader.destroy(), closed };
}

/** The way without a socket of our own: Node's buffers, copied into the frames. */
function copyingOutput(child: ChildProcess, assembler: FrameAssembler): Output {
  const { stdout } = child;
  if (stdout === null) throw new Error("spawned without a stdout");
  const closed = new Promise<void>((resolve) => stdout.once("close", () => resolve()));
  stdout.on("error", () => {});
  stdout.on("data", (chunk: Buffer) => {
    if (!assembler.write(chunk)) stdout.pause();
  });
  stdout.pause();
  return { resume: () => stdout.resume(), destroy: () => stdout.destroy(), closed };
}

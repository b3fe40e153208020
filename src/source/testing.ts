import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { globSync } from "tinyglobby";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import { isFailure, type SourceItem } from "../frame/frame.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";

/** What several tests of this room need. Not part of the program. */

/** A file of the shared test data, or null with the reason why a test has to be skipped. */
export function sharedFile(path: string): { path: string | null; reason: string } {
  const file = resolve(process.env.AIW_SHARED ?? "../shared", path);
  return { path: existsSync(file) ? file : null, reason: `no test data: ${file} is absent` };
}

/** A real ffmpeg: AIW_FFMPEG, the system's, or imageio-ffmpeg's in aiw's own environment; else null. */
export function realFfmpeg(): string | null {
  const named = process.env.AIW_FFMPEG;
  if (named) return named;
  try {
    execFileSync("ffmpeg", ["-version"], { stdio: "ignore" });
    return "ffmpeg";
  } catch {
    const cache =
      process.env.AIW_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "aiw");
    const pattern = "env/*/**/imageio_ffmpeg/binaries/ffmpeg-*";
    const found = existsSync(cache) ? globSync(pattern, { cwd: cache, absolute: true, dot: true }) : [];
    return found[0] ?? null;
  }
}

export const NO_FFMPEG = "no ffmpeg: set AIW_FFMPEG, or install it";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aiw-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function sourceOptions(changes: Partial<SourceOptions> = {}): SourceOptions {
  return {
    size: { width: 640, height: 480 },
    pixelFormat: "auto",
    loop: false,
    clock: systemClock,
    ffmpeg: async () => {
      throw new AiwError("FFMPEG_MISSING", "no ffmpeg in this test");
    },
    ...changes,
  };
}

/** A clock that stands still until it is told. */
export class StillClock implements Clock {
  private now = 0;
  private due: { at: number; fn: () => void }[] = [];
  nowUs = () => this.now;
  wallMs = () => this.now / 1000;
  at(at: number, fn: () => void) {
    const entry = { at, fn };
    this.due.push(entry);
    return () => {
      this.due = this.due.filter((other) => other !== entry);
    };
  }
  /** How many wait for their time. */
  get waiting(): number {
    return this.due.length;
  }
  advance(us: number): void {
    this.now += us;
    const ready = this.due.filter(({ at }) => at <= this.now);
    this.due = this.due.filter(({ at }) => at > this.now);
    for (const { fn } of ready) fn();
  }
}

/**
 * A script in the place of ffmpeg. It has `args`, `say(...lines)` for stderr, `header({...})`, and
 * `frame(byte)`, which writes a whole rgb24 frame of 8x4 pixels of that value.
 */
export function fakeFfmpeg(body: string): string {
  const path = join(temporaryFolder(), "ffmpeg");
  writeFileSync(
    path,
    `#!${process.execPath}
const { writeSync } = require("node:fs");
const args = process.argv.slice(2);
if (args.includes("-version")) {
  process.stdout.write("ffmpeg version 9.0\\nlibavformat    63.  1.102 / 63.  1.102\\n");
  process.exit(0);
}
const say = (...lines) => { for (const line of lines) writeSync(2, line + "\\n"); };
const header = ({ duration = "00:00:01.00", demuxer = "avi" } = {}) => say(
  "[info] Input #0, " + demuxer + ", from 'x':",
  "[info]   Duration: " + duration + ", start: 0.000000, bitrate: 1 kb/s",
  "[info]   Stream #0:0: Video: mjpeg, yuv420p, 16x8, 10 fps, 10 tbr, 10 tbn",
  "[info] Stream mapping:",
  "[info] Output #0, rawvideo, to 'pipe:1':",
  "[info]   Stream #0:0: Video: rawvideo (RGB[24] / 0x18424752), rgb24, 8x4, q=2-31, 10 fps, 10 tbn",
);
const frame = (value) => writeSync(1, Buffer.alloc(96, value));
${body}
`,
  );
  chmodSync(path, 0o755);
  return path;
}

/** All that a source gives, each buffer looked at and released at once. */
export async function collect<T>(
  source: FrameSource,
  look: (item: SourceItem) => T,
  limit = Number.POSITIVE_INFINITY,
) {
  const seen: T[] = [];
  let error: unknown;
  try {
    for await (const item of source.frames()) {
      seen.push(look(item));
      if (!isFailure(item)) item.release();
      if (seen.length >= limit) break;
    }
  } catch (thrown) {
    error = thrown;
  }
  return { seen, error };
}

/** True while a process with this id is there and not a zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

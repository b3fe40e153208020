import { AiwError, type ErrorCode } from "../core/errors.js";
import type { FfmpegInput } from "./ffmpeg-args.js";
import type { FfmpegHeader, FfmpegLog } from "./ffmpeg-log.js";
import type { FfmpegEnd } from "./ffmpeg-process.js";

export interface FailedRun {
  readonly input: FfmpegInput;
  readonly binary: string;
  readonly log: FfmpegLog;
  readonly end: FfmpegEnd;
  /** Frames that came before it failed. */
  readonly frames: number;
}

/** What a run of ffmpeg that did not end well means to the user, in ffmpeg's own words. */
export function ffmpegFailure({ input, binary, log, end, frames }: FailedRun): AiwError {
  const detail = { detail: log.lastWords() };
  const reason = log.cutShort ?? log.reason(frames > 0);
  const ended = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`;
  if (input.kind === "camera") return cameraFailure(input.name, reason, frames, detail);
  if (log.cutShort !== undefined && frames > 0) {
    const message = `${input.name} is cut short: it ends after ${frames} frames (${reason})`;
    return new AiwError("SOURCE_UNDECODABLE", message, detail);
  }
  if (frames > 0) {
    const message = `${input.name}: ffmpeg ended ${ended} after ${frames} frames${because(reason)}`;
    return new AiwError("FFMPEG_FAILED", message, detail);
  }
  const isMute = reason === undefined && (end.code !== 0 || !log.hasOpened);
  if (end.signal !== null || log.unknownOption !== undefined || isMute) {
    const message = `${input.name}: ${binary} ended ${ended} before the first frame${because(reason)}`;
    return new AiwError("FFMPEG_FAILED", message, detail);
  }
  const message = `${input.name} cannot be decoded: ${reason ?? "there is no frame in it"}`;
  return new AiwError("SOURCE_UNDECODABLE", message, detail);
}

function cameraFailure(
  name: string,
  reason: string | undefined,
  frames: number,
  detail: { detail: string },
): AiwError {
  if (frames > 0)
    return new AiwError("SOURCE_LOST", `${name} ended after ${frames} frames${because(reason)}`, detail);
  const isMissing = /No such file or directory|404 Not Found/i.test(reason ?? "");
  const code: ErrorCode = isMissing ? "SOURCE_NOT_FOUND" : "SOURCE_LOST";
  return new AiwError(code, `${name} cannot be opened${because(reason)}`, detail);
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

/** ffmpeg draws text files as a video of their letters, which nobody means. */
export function notAVideo(input: FfmpegInput, header: FfmpegHeader): AiwError | null {
  if (header.demuxer !== "tty") return null;
  return new AiwError("SOURCE_UNDECODABLE", `${input.name} is text, not a video`);
}

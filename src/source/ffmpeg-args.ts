import type { PixelFormat, Size } from "../frame/pixel-format.js";
import type { LibavformatMajor } from "./ffmpeg-version.js";

/** How ffmpeg is told what to open. */
export interface FfmpegPlan {
  /** Arguments of the input, from its options to `-i` and the URL. */
  readonly args: readonly string[];
  /** What it reads on stdin. */
  readonly stdin?: string;
}

/** What ffmpeg is to open. */
export interface FfmpegInput {
  /** For people and records, credentials masked. */
  readonly name: string;
  readonly kind: "file" | "camera";
  /** Of a stream: that it has an end and can wait, where its plan keeps ffmpeg from telling. */
  readonly isRecording?: boolean;
  /** A function where it depends on ffmpeg's version. */
  readonly plan: FfmpegPlan | ((version: LibavformatMajor) => FfmpegPlan);
  /** Takes credentials out of what ffmpeg prints. */
  readonly mask: (text: string) => string;
}

/** How this ffmpeg is told neither to double nor to drop frames: `-vsync` until 5.0, gone in 9. */
export type SyncOption = "-fps_mode" | "-vsync";

const PIX_FMT: Readonly<Record<PixelFormat, string>> = { rgb24: "rgb24", i420: "yuv420p", nv12: "nv12" };

/** The whole command line: one video stream in, raw frames on stdout, all that is to be known on stderr. */
export function ffmpegArgs(
  { args }: FfmpegPlan,
  size: Size | "native",
  format: PixelFormat,
  sync: SyncOption,
): string[] {
  return [
    ...["-hide_banner", "-nostats", "-nostdin", "-benchmark", "-loglevel", "level+info"],
    ...args,
    // V: not the cover picture of a sound file.
    ...["-map", "0:V:0", "-an", "-sn", "-dn"],
    ...["-vf", scaleFilter(size, format), sync, "passthrough", "-pix_fmt", PIX_FMT[format]],
    // ffmpeg 9 copies raw frames in several threads by default and so holds one back for each.
    ...["-threads", "1"],
    // The end of a frame does not stay in ffmpeg's own buffer until the next one comes.
    ...["-flush_packets", "1", "-f", "rawvideo", "pipe:1"],
  ];
}

/**
 * ffmpeg's scale filter with the formula of `fitInside`, so that no second process has to find out
 * the size first. bilinear, which in swscale widens with the factor and so does not alias, costs
 * three quarters of the default. YUV leaves as BT.601 in limited range, which is what I420 and NV12
 * mean to those who read them without further word (OpenCV, libyuv).
 */
export function scaleFilter(size: Size | "native", format: PixelFormat): string {
  const step = format === "rgb24" ? 1 : 2;
  const factor = size === "native" ? "1" : `min(1,min(${size.width}/iw,${size.height}/ih))`;
  const side = (name: string) => `'max(${step},round(${name}*${factor}/${step})*${step})'`;
  const color = format === "rgb24" ? "" : ":out_range=tv:out_color_matrix=bt601";
  return `scale=w=${side("iw")}:h=${side("ih")}:flags=bilinear${color}`;
}

/** A video file. The prefix keeps ffmpeg from taking a name as an option or another protocol. */
export function fileInput(path: string, name: string): FfmpegInput {
  return { name, kind: "file", plan: { args: ["-i", `file:${path}`] }, mask: (text) => text };
}

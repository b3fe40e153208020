import { RingLines } from "../core/ring-lines.js";
import type { Size } from "../frame/pixel-format.js";

/** What ffmpeg says of the video before it writes the first frame. */
export interface FfmpegHeader {
  /** ffmpeg's name of the container ("mov,mp4,m4a,3gp,3g2,mj2", "rtsp"). */
  readonly demuxer: string;
  /** Size of the source's own frames, rotation applied, pixels. */
  readonly native: Size;
  /** Size of the raw frames that come out. */
  readonly output: Size;
  readonly fps: number | null;
  /** False for what has no known end, as cameras. */
  readonly hasDuration: boolean;
}

interface VideoLine {
  readonly size: Size | null;
  readonly fps: number | null;
}

/** Lines that only repeat that something failed, after the line that says why. */
const GENERIC = [
  /^Error opening (input|output)/,
  /^Error (parsing options|splitting the argument)/,
  /^Failed to set value/,
  /^(Task finished|Terminating thread) with/,
  /^(Conversion failed|Nothing was written|Cannot determine format of input|Could not open encoder)/,
  /^Decode error rate/,
  /^Error (submitting packet|while decoding)/,
];

/**
 * What it says of a stream that breaks off, after which it ends with exit code 0 all the same. A multipart
 * stream that its sender has closed ends with "Input/output error", too.
 */
const BROKEN = [
  /^Failed reading RTSP data/,
  /^Stream ends prematurely/,
  /^(Error during demuxing|https?:\/\/\S+): (?!Input\/output error)/,
  /^rtsps?:\/\/\S+: /,
];

/** Reads ffmpeg's stderr (`-loglevel level+info`), of version 4 to 9. */
export class FfmpegLog {
  private readonly ring = new RingLines();
  private section: "before" | "input" | "output" = "before";
  private demuxer = "";
  private hasDuration = false;
  private hasRate = true;
  private input: VideoLine | undefined;
  private inFirstVideo = false;
  private rotated = false;
  private firstError: string | undefined;
  private lastError: string | undefined;
  private genericError: string | undefined;
  /** Complete once the first raw frame may come. Its native size is that of the frames that come now. */
  header: FfmpegHeader | undefined;
  /** An option that this ffmpeg does not know. */
  unknownOption: string | undefined;
  /** ffmpeg's own word that the file ends too early. */
  cutShort: string | undefined;
  /** Its word that a stream broke off. */
  brokenBy: string | undefined;
  /** CPU time that it says it used, at its end; microseconds. */
  cpuUs: number | undefined;

  /** @param mask takes credentials out of a line. */
  constructor(private readonly mask: (line: string) => string = (line) => line) {}

  /** Takes a chunk of stderr. */
  push(chunk: string): void {
    for (const line of this.ring.push(chunk)) this.takeLine(this.mask(line));
  }

  /** The line that tells best why it failed: the first error, or the last one when frames came before. */
  reason(afterFrames: boolean): string | undefined {
    return (afterFrames ? this.lastError : this.firstError) ?? this.brokenBy ?? this.genericError;
  }

  /** The last lines, for --debug. */
  lastWords(): string {
    return this.ring.last(40).map(this.mask).join("\n");
  }

  /** True once it has said what it found in the input. */
  get hasOpened(): boolean {
    return this.demuxer !== "";
  }

  private takeLine(line: string): void {
    const [, context = "", level = "", text = ""] = /^((?:\[[^\]]* @ [^\]]*\] )*)\[([a-z]+)\] (.*)$/s.exec(
      line,
    ) ?? [undefined, "", "", line];
    if (level === "error" || level === "fatal" || level === "panic") this.takeError(text);
    if (level === "error" || level === "warning") this.takeBreak(text);
    if (context !== "") return this.takeRemark(text);
    const body = text.trim();
    this.takeSection(body);
    const cpu = /^bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(body);
    if (cpu !== null) this.cpuUs = Math.round((Number(cpu[1]) + Number(cpu[2])) * 1e6);
  }

  /** What one of its parts says. */
  private takeRemark(text: string): void {
    // "Reconfiguring filter graph because video parameters changed to yuvj420p(pc, bt470bg), 640x240, …";
    // before ffmpeg 6 "frame changed from size:320x240 fmt:yuv420p to size:640x240 fmt:yuv420p", or only where it is
    // told to be verbose "w:640 h:240 pixfmt:yuv420p tb:1/25 …".
    const changed =
      /changed (?:to \w+\(.*\), |from size:.* to size:)(\d{1,6})x(\d{1,6})\b/.exec(text) ??
      /^w:(\d{1,6}) h:(\d{1,6}) pixfmt:/.exec(text);
    if (changed === null || this.header === undefined) return;
    const native = this.upright({ width: Number(changed[1]), height: Number(changed[2]) });
    this.header = { ...this.header, native };
  }

  /** The size of a frame as it is to be seen. */
  private upright({ width, height }: Size): Size {
    return this.rotated ? { width: height, height: width } : { width, height };
  }

  private takeSection(body: string): void {
    const opened = /^(Input|Output) #0, ([^ ]+), /.exec(body);
    if (opened !== null) {
      this.section = opened[1] === "Input" ? "input" : "output";
      if (this.section === "input") this.demuxer = opened[2] ?? "";
      return;
    }
    if (/^Stream mapping:/.test(body)) this.section = "before";
    if (this.section === "input") this.takeInput(body);
    if (this.section === "output" && this.header === undefined) this.takeOutput(body);
  }

  private takeInput(body: string): void {
    if (/^Duration: \d/.test(body)) this.hasDuration = true;
    if (/^Stream #/.test(body)) {
      // What follows (rotation) belongs to the stream named last: only the first video's counts.
      this.inFirstVideo = this.input === undefined && isVideo(body);
      if (this.inFirstVideo) {
        this.input = parseVideoLine(body);
        this.hasRate = !isOfMultipart(this.demuxer, body);
      }
      return;
    }
    const rotation = /^display ?matrix: rotation of (-?[\d.]+) degrees/i.exec(body);
    if (rotation !== null && this.inFirstVideo) {
      this.rotated = Math.round(Number(rotation[1]) / 90) % 2 !== 0;
    }
  }

  private takeOutput(body: string): void {
    if (!isVideo(body)) return;
    const output = parseVideoLine(body);
    if (output.size === null) return;
    const coded = this.input?.size ?? output.size;
    this.header = {
      demuxer: this.demuxer,
      native: this.upright(coded),
      output: output.size,
      fps: this.hasRate ? (this.input?.fps ?? output.fps) : null,
      hasDuration: this.hasDuration,
    };
  }

  private takeBreak(text: string): void {
    if (BROKEN.some((line) => line.test(text))) this.brokenBy ??= text;
  }

  private takeError(text: string): void {
    const unknown = /^Unrecognized option '([^']+)'/.exec(text);
    if (unknown !== null) this.unknownOption = unknown[1];
    if (/partial file|File ended prematurely/i.test(text)) this.cutShort = text;
    if (GENERIC.some((pattern) => pattern.test(text))) {
      // "Error opening input: Connection refused" says more than those without a reason.
      if (this.genericError === undefined || /: /.test(text)) this.genericError = text;
      return;
    }
    const plain = /^Stream map .* matches no streams/.test(text) ? "it has no video stream" : text;
    this.firstError ??= plain;
    this.lastError = plain;
  }
}

function isVideo(body: string): boolean {
  return (
    /^Stream #\d+:\d+.*?: Video: /.test(body) && !/\((attached pic|timed thumbnails|still image)\)/.test(body)
  );
}

/**
 * A multipart stream has no rate of its own, and ffmpeg makes one up. Read from a list it is not called by its name,
 * but shows what was made up as "tbr" and not as "fps".
 */
function isOfMultipart(demuxer: string, body: string): boolean {
  return (
    demuxer === "mpjpeg" || (demuxer === "concat" && /: Video: mjpeg\b/.test(body) && !/ fps\b/.test(body))
  );
}

/** Size and rate of a line "Stream #0:0(eng): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv), 768x432 [SAR 1:1 DAR 16:9], 12.50 fps, …". */
export function parseVideoLine(line: string): VideoLine {
  // Parentheses hold tags as 0x31637661 and coded sizes, which are not what is looked for.
  const plain = line.replace(/\([^()]*(\([^()]*\)[^()]*)*\)/g, "");
  const size = /, (\d{1,6})x(\d{1,6})(?=[\s,[]|$)/.exec(plain);
  const rate = /, ([\d.]+)(k?) fps\b/.exec(plain) ?? /, ([\d.]+)(k?) tbr\b/.exec(plain);
  const fps = rate === null ? Number.NaN : Number(rate[1]) * (rate[2] === "k" ? 1000 : 1);
  return {
    size: size === null ? null : { width: Number(size[1]), height: Number(size[2]) },
    // Containers without a rate show their time base (1k, 90k tbr), which is none.
    fps: fps > 0 && fps < 1000 ? fps : null,
  };
}

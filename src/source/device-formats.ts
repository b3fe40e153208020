import { parseVideoLine } from "./ffmpeg-log.js";

/** "MJPG 1280x720 30 fps" of what `v4l2-ctl --list-formats-ext` prints; of each size the highest rate. */
export function v4l2Formats(lines: readonly string[]): string[] {
  let [format, size] = ["", ""];
  return best(
    lines.flatMap((line) => {
      format = /^\s*\[\d+\]: '([^']+)'/.exec(line)?.[1]?.trim() ?? format;
      size = /^\s*Size: \w+ (\d+x\d+)/.exec(line)?.[1] ?? size;
      const fps = /^\s*Interval: .*\(([\d.]+) fps\)/.exec(line)?.[1];
      if (fps === undefined && !/^\s*Size: /.test(line)) return [];
      return [[`${format} ${size}`, Number(fps ?? 0)] as const];
    }),
  );
}

/** "mjpeg 1280x720" of what `ffmpeg -f v4l2 -list_formats all` prints; it tells no rates. */
export function ffmpegFormats(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, format, sizes] = /\] (?:Raw|Compressed)\s*:\s*(\S+)\s*:[^:]*:\s*(.+?)\s*$/.exec(line) ?? [];
    return sizes?.match(SIZES)?.map((size) => `${format} ${plainSize(size)}`) ?? [];
  });
}

/** "640x480", or of a device that scales "{32-4096, 2}x{32-4096, 2}". */
const SIZES = /\d+x\d+|\{\d+-\d+, \d+\}x\{\d+-\d+, \d+\}/g;

function plainSize(size: string): string {
  const [, w, width, h, height] = /^\{(\d+)-(\d+), \d+\}x\{(\d+)-(\d+), \d+\}$/.exec(size) ?? [];
  return w === undefined ? size : `${w}x${h} to ${width}x${height}`;
}

/** "640x480 30 fps" of the stream that ffmpeg says it finds in a device. */
export function defaultMode(lines: readonly string[]): string | undefined {
  const line = lines.find((one) => /Stream #0:\d+.*: Video: /.test(one));
  const { size = null, fps = null } = line === undefined ? {} : parseVideoLine(line);
  if (size === null) return undefined;
  return `${size.width}x${size.height}${fps === null ? "" : ` ${fps} fps`}`;
}

/** "1280x720 30 fps" of lines "[…]   1280x720@[1.000000 30.000000]fps", of each size the highest rate. */
export function avfoundationModes(lines: readonly string[]): string[] {
  return best(
    lines.flatMap((line) => {
      const [, size, fps] = /\] +(\d+x\d+)@\[[\d.]+ ([\d.]+)\]fps/.exec(line) ?? [];
      return size === undefined ? [] : [[size, Number(fps)] as const];
    }),
  );
}

/** "mjpeg 1280x720 30 fps" of lines "[…]   vcodec=mjpeg  min s=640x480 fps=5 max s=1280x720 fps=30". */
export function dshowModes(lines: readonly string[]): string[] {
  return best(
    lines.flatMap((line) => {
      const [, format, size, fps] =
        /\] +(?:vcodec|pixel_format)=(\S+) .*max s=(\d+x\d+) fps=([\d.]+)/.exec(line) ?? [];
      return format === undefined ? [] : [[`${format} ${size}`, Number(fps)] as const];
    }),
  );
}

/** Each mode once, with the highest of its rates. */
function best(modes: readonly (readonly [mode: string, fps: number])[]): string[] {
  const highest = new Map<string, number>();
  for (const [mode, fps] of modes) highest.set(mode, Math.max(fps, highest.get(mode) ?? 0));
  return [...highest].map(([mode, fps]) => (fps > 0 ? `${mode} ${Math.round(fps * 10) / 10} fps` : mode));
}

/** Lines "[AVFoundation indev @ 0x7f] [0] FaceTime HD Camera" below "AVFoundation video devices:". */
export function avfoundationNames(lines: readonly string[]): string[] {
  let isVideo = false;
  return lines.flatMap((line) => {
    const section = /AVFoundation (video|audio) devices/.exec(line)?.[1];
    if (section !== undefined) isVideo = section === "video";
    const name = /\] \[\d+\] (.+)$/.exec(line)?.[1];
    return isVideo && name !== undefined && !/^Capture screen/.test(name) ? [name] : [];
  });
}

/** Lines '[dshow @ 0x1] "USB Camera" (video)'; before ffmpeg 5 the kind stood in a line above them. */
export function dshowNames(lines: readonly string[]): string[] {
  let isVideo = false;
  return lines.flatMap((line) => {
    const section = /DirectShow (video|audio) devices/.exec(line)?.[1];
    if (section !== undefined) isVideo = section === "video";
    const [, name, kind] = /\] +"([^"]+)"(?: \((\w+)\))?\s*$/.exec(line) ?? [];
    if (name === undefined || name.startsWith("@device")) return [];
    return kind === "video" || (kind === undefined && isVideo) ? [name] : [];
  });
}

import { WIRE_NAMES, type PictureFormat, type PixelFormat, type WireFormat } from "../frame/pixel-format.js";
import { AiwError } from "../core/errors.js";

/** What frames travel as. */
export interface Sending {
  /** What a source is asked for; auto = what costs it least. */
  readonly source: PixelFormat | "auto";
  /** What its frames are encoded to on the way; undefined = they are sent as they are. */
  readonly picture: PictureFormat | undefined;
}

/** What of a worker decides how frames travel to it. */
export interface Receiver {
  readonly isLocal: boolean;
  /** The wire's names of the formats that it takes; none from a worker that knows only the wire's table. */
  readonly pixelFormats: readonly string[];
}

/** A worker that this command starts: its end of the wire is known before it runs. */
export const OWN_WORKER: Receiver = { isLocal: true, pixelFormats: Object.values(WIRE_NAMES) };

/**
 * How frames travel. `auto` is raw on this machine, where a frame costs a copy (what costs the source least:
 * I420 of a video or a camera, RGB of all else), and JPEG across a network, where 640x480 of RGB are 0.9 MB and
 * a JPEG a tenth of that; both only where the worker takes it.
 * @throws USAGE for a format that the worker does not take
 */
export function chooseSending(asked: WireFormat | "auto", { isLocal, pixelFormats }: Receiver): Sending {
  // RGB is what every worker takes.
  const takes = (format: WireFormat) => format === "rgb24" || pixelFormats.includes(WIRE_NAMES[format]);
  if (asked === "auto") {
    if (!isLocal && takes("jpeg")) return { source: "rgb24", picture: "jpeg" };
    return { source: takes("i420") ? "auto" : "rgb24", picture: undefined };
  }
  if (!takes(asked)) {
    const taken = pixelFormats.length === 0 ? "RGB" : pixelFormats.join(", ");
    throw new AiwError("USAGE", `--pixel-format ${asked}: the worker takes ${taken}`);
  }
  if (asked === "jpeg" || asked === "webp") return { source: "rgb24", picture: asked };
  return { source: asked, picture: undefined };
}

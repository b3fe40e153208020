import { maskCredentials } from "../../core/mask.js";

/** Characters of a source's name that are kept: what every file system takes, with the rest of the name. */
const MAX_STEM = 48;
/** Digits of a frame's number; a longer one is not cut. */
const DIGITS = 6;
/** Of a picture or video, not the end of an address ("cam.10.0.0.5"). */
const EXTENSION = /\.[a-z][a-z0-9]{0,4}$/i;

/**
 * The file name of a frame's picture: "bus-000001.jpg". Those of one source sort as its frames came. The
 * number counts the frames of all sources of a run together, so no two names are the same, whatever
 * is alike in the names of the sources.
 * @param source the frame's origin, such as "street/bus.jpg" or "rtsp://***@host/live"
 */
export function pictureName(source: string, seq: number): string {
  const isUrl = source.includes("://");
  const name = isUrl ? maskCredentials(source) : source.replace(EXTENSION, "");
  const plain = name
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    // One dash for "://***@", and no name that a shell or a listing would take for something else.
    .replace(/-{2,}/g, "-");
  const stem = [...plain]
    .slice(0, MAX_STEM)
    .join("")
    .replace(/^[-.]+/, "")
    .replace(/[-.]+$/, "");
  return `${stem || "frame"}-${String(seq).padStart(DIGITS, "0")}.jpg`;
}

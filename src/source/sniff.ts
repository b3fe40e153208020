import { open } from "node:fs/promises";

/** What a file's first bytes say that it is; "other" is left to ffmpeg to find out. */
export type ContentKind = "picture" | "bmp" | "empty" | "text" | "other";

const SNIFFED_BYTES = 512;

/** @throws the system's error when the file cannot be read */
export async function sniffFile(path: string): Promise<ContentKind> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return sniff(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** Tells by the magic numbers of the formats that sharp reads. */
export function sniff(head: Buffer): ContentKind {
  if (head.length === 0) return "empty";
  const ascii = head.toString("latin1");
  if (
    ascii.startsWith("\xff\xd8\xff") ||
    ascii.startsWith("\x89PNG\r\n\x1a\n") ||
    /^RIFF.{4}WEBP/s.test(ascii) ||
    /^(II\*\0|MM\0\*|GIF8)/.test(ascii) ||
    /^.{4}ftyp(avif|avis)/s.test(ascii)
  ) {
    return "picture";
  }
  if (/^BM.{4}\0\0\0\0/s.test(ascii)) return "bmp";
  return isText(ascii) ? "text" : "other";
}

/** Playlists and stream descriptions are text that ffmpeg can play. */
const PLAYABLE_TEXT = /^(\xef\xbb\xbf)?\s*(#EXTM3U|ffconcat|v=0|<\?xml|<MPD|YUV4MPEG2)/;

function isText(ascii: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what text has none of
  return !/[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(ascii) && !PLAYABLE_TEXT.test(ascii);
}

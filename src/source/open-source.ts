import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AiwError, systemCode } from "../core/errors.js";
import type { PixelFormat } from "../frame/pixel-format.js";
import { deviceInput, firstCamera, streamInput } from "./cameras.js";
import { fileInput } from "./ffmpeg-args.js";
import { openFfmpeg } from "./ffmpeg-source.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";
import { isGlob, listFolder, listGlob } from "./picture-list.js";
import { openPictures } from "./pictures.js";
import { openRawFrames } from "./raw-frames.js";
import { isFileUrl, refuseMisnamed } from "./source-uri.js";
import { type ContentKind, sniffFile } from "./sniff.js";
import { isStreamUrl } from "./stream-name.js";
import { openSynthetic } from "./synthetic.js";
import { isSynthetic } from "./synthetic-uri.js";

/**
 * Opens what `--source` names: a picture, a folder or glob of pictures, a video file, `-` (raw frames
 * on stdin), /dev/videoN, an rtsp, rtsps, http or https URL, or `synthetic:`. A file is told by its
 * content, not by its name.
 * @throws USAGE, SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_UNDECODABLE, SOURCE_LOST, FFMPEG_MISSING, FFMPEG_FAILED
 */
export async function openSource(uri: string, options: SourceOptions): Promise<FrameSource> {
  refuseMisnamed(uri);
  if (uri === "-") return openRawFrames(options);
  if (isSynthetic(uri)) return openSynthetic(uri, options);
  if (isStreamUrl(uri)) return openFfmpeg(streamInput(uri), options);
  return openPath(isFileUrl(uri) ? fileURLToPath(uri) : uri, options);
}

/**
 * Opens a camera: the one named (/dev/videoN, its name on macOS and Windows, a stream's URL), or else
 * the first of this machine.
 * @throws as openSource
 */
export async function openCamera(device: string | undefined, options: SourceOptions): Promise<FrameSource> {
  const name = device ?? (await firstCamera());
  if (isStreamUrl(name)) return openSource(name, options);
  if (process.platform === "linux") await statSource(name);
  return openFfmpeg(deviceInput(name), options);
}

async function openPath(path: string, options: SourceOptions): Promise<FrameSource> {
  if (/^\/dev\/video\d+$/.test(path)) return openCamera(path, options);
  const found = await statSource(path).catch((error: unknown) => {
    if (isGlob(path)) return null;
    throw error;
  });
  const folderOptions = { name: path, onUndecodable: "yield" } as const;
  if (found === null) return openPictures(await listGlob(path), folderOptions, options);
  if (found.isDirectory()) {
    return openPictures(await listFolder(path).catch(rethrowUnreadable(path)), folderOptions, options);
  }
  // Looking into a pipe would take its first bytes away.
  const kind = found.isFile() ? await sniffFile(path).catch(rethrowUnreadable(path)) : "other";
  // A pipe cannot be read twice.
  return openFile(path, kind, { ...options, loop: options.loop && found.isFile() });
}

function openFile(
  path: string,
  kind: ContentKind,
  options: SourceOptions,
): Promise<FrameSource> | FrameSource {
  const name = basename(path);
  switch (kind) {
    case "picture":
      return openPictures([{ path, name }], { name, onUndecodable: "throw" }, options);
    case "empty":
      throw new AiwError("SOURCE_UNDECODABLE", `${path} is empty (0 bytes)`);
    case "text":
      throw new AiwError("SOURCE_UNDECODABLE", `${path} is text, neither a picture nor a video`);
    case "bmp":
      return openFfmpeg(fileInput(resolve(path), name), { ...options, pixelFormat: ofPicture(options) });
    case "other":
      return openFfmpeg(fileInput(resolve(path), name), options);
  }
}

/** A picture keeps its colours as they are; only of videos is half the chroma there anyway. */
function ofPicture({ pixelFormat }: SourceOptions): PixelFormat {
  return pixelFormat === "auto" ? "rgb24" : pixelFormat;
}

async function statSource(path: string) {
  return stat(path).catch((cause: unknown) => {
    const code = systemCode(cause);
    if (code !== "ENOENT" && code !== "ENOTDIR") rethrowUnreadable(path)(cause);
    throw new AiwError("SOURCE_NOT_FOUND", `there is no ${path}`, { cause });
  });
}

function rethrowUnreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof AiwError) throw cause;
    throw new AiwError("SOURCE_NOT_FOUND", `${path} cannot be read (${systemCode(cause) ?? String(cause)})`, {
      cause,
    });
  };
}

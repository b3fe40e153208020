import { AiwError } from "../core/errors.js";
import { isStreamUrl } from "./stream-name.js";
import { isSynthetic, parseSynthetic } from "./synthetic-uri.js";

/**
 * Whether it is a name of a source at all, before anything is opened.
 * @throws USAGE
 */
export function refuseMisnamed(uri: string): void {
  if (uri === "") throw new AiwError("USAGE", "--source is empty");
  if (isSynthetic(uri)) parseSynthetic(uri);
  if (isSynthetic(uri) || isStreamUrl(uri) || isFileUrl(uri)) return;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1];
  if (scheme === undefined) return;
  const message = `--source ${scheme}://…: known are rtsp, rtsps, http, https, file and synthetic:`;
  throw new AiwError("USAGE", message);
}

export function isFileUrl(uri: string): boolean {
  return /^file:\/\//i.test(uri);
}

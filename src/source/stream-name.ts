import { maskSecrets } from "../core/mask.js";

/** True for URLs of network streams that ffmpeg opens as a camera. */
export function isStreamUrl(uri: string): boolean {
  return /^(rtsps?|https?):\/\//i.test(uri);
}

/** "/cam/realmonitor?channel=1&subtype=0": numbers only, which as a password would be no secret. */
const CHANNEL = /^[^?#]*\?(?:&?(?:channel|subtype|stream|camera|cam|ch|id|profile)=\d{1,4})+$/i;

/**
 * The name of a network stream for records, logs and errors. Cameras carry credentials before the
 * host as well as in the query ("?user=..&pwd=.."), so neither is in the name; but for a query that does nothing
 * but choose a channel, by which the cameras of one recorder are told apart.
 */
export function streamName(url: string): string {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? [undefined, "", url];
  const authority = rest.replace(/[/?#].*$/s, "");
  const isPlainHost = /^([^:@[\]]*|\[[^\]]*\])(:\d+)?$/.test(authority);
  // A password may wrongly hold "@", "/" or "?", so with credentials all up to the last "@" is hidden.
  const end = isPlainHost ? -1 : rest.lastIndexOf("@");
  const behind = rest.slice(end + 1);
  const shown = CHANNEL.test(behind) ? behind : behind.replace(/[?#].*$/s, "");
  return end < 0 ? `${scheme}${shown}` : `${scheme}***@${shown}`;
}

/** Takes the credentials of one URL out of any text that quotes it (ffmpeg's stderr does). */
export function urlMasker(url: string): (text: string) => string {
  const name = streamName(url);
  return (text) => maskSecrets(text.replaceAll(url, name));
}

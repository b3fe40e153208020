import type { CameraChange, CameraState } from "../source/camera-state.js";

/** What people are told of cameras: one line for what is new, none for each attempt to reach one. */
export class CameraNotes {
  /** By camera: what was said of it last, and since when it is away. */
  private readonly said = new Map<
    string,
    { readonly line: string; readonly awaySinceUs: number | undefined }
  >();

  /** The line about a change, or undefined where it tells nothing new. */
  lineOf({ source, from, to, text, atUs }: CameraChange): string | undefined {
    const before = this.said.get(source);
    const isRetry = to === "connecting" && (from === "lost" || from === "ended");
    if (isRetry) return undefined;
    const awaySinceUs = to === "live" ? undefined : (before?.awaySinceUs ?? atUs);
    const line = `camera ${source} ${this.words(to, text, before?.awaySinceUs, before !== undefined, atUs)}`;
    this.said.set(source, { line, awaySinceUs });
    return line === before?.line ? undefined : line;
  }

  private words(
    to: CameraState,
    text: string,
    awaySinceUs: number | undefined,
    isKnown: boolean,
    atUs: number,
  ): string {
    switch (to) {
      case "live":
        if (!isKnown || awaySinceUs === undefined) return `is live: ${text}`;
        return `is live again after ${((atUs - awaySinceUs) / 1e6).toFixed(1)} s: ${text}`;
      case "connecting":
        return `is opened anew: ${text}`;
      case "ended":
        return `has ended ${text}; it is opened again`;
      case "lost":
        return `is lost: ${text}; it is opened again`;
      case "stalled":
      case "blocked":
        return `is ${to}: ${text}`;
    }
  }
}

import type { CameraChange } from "../source/camera-state.js";

/** What people are told of cameras: one line for what is new, none for each attempt to reach one. */
export class CameraNotes {
  /** By camera: what was said of it last, and since when it is away. */
  private readonly said = new Map<
    string,
    { readonly line: string; readonly awaySinceUs: number | undefined }
  >();

  /** The line about a change, or undefined where it tells nothing new. */
  lineOf(change: CameraChange): string | undefined {
    const { source, from, to, atUs } = change;
    const before = this.said.get(source);
    const isRetry = to === "connecting" && (from === "lost" || from === "ended");
    if (isRetry) return undefined;
    const awaySinceUs = to === "live" ? undefined : (before?.awaySinceUs ?? atUs);
    const line = `camera ${source} ${words(change, before?.awaySinceUs)}`;
    this.said.set(source, { line, awaySinceUs });
    return line === before?.line ? undefined : line;
  }
}

function words({ to, text, isAwaited, atUs }: CameraChange, awaySinceUs: number | undefined): string {
  const goesOn = isAwaited ? "; it is opened again" : "";
  switch (to) {
    case "live":
      if (awaySinceUs === undefined) return `is live: ${text}`;
      return `is live again after ${((atUs - awaySinceUs) / 1e6).toFixed(1)} s: ${text}`;
    case "connecting":
      return `is opened anew: ${text}`;
    case "ended":
      return `has ended ${text}${goesOn}`;
    case "lost":
      return `is lost: ${text}${goesOn}`;
    case "stalled":
    case "blocked":
      return `is ${to}: ${text}`;
  }
}

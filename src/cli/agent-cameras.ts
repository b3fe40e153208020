import { existsSync, statSync } from "node:fs";
import type { CameraPlan } from "../agent/agent.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { asCamera } from "../source/realtime-source.js";
import { isStreamUrl } from "../source/stream-name.js";
import { isSynthetic } from "../source/synthetic-uri.js";
import type { NamedCamera } from "./agent-config.js";
import type { CommandContext } from "./command-context.js";
import type { Machine } from "./machine.js";
import type { Sending } from "./sending.js";
import { openNamedSource, SERVE } from "./sources.js";

/** Settings of which a change makes a camera another one. */
const OF_A_CAMERA = ["size", "loop"] as const;

/**
 * How a camera of the configuration is opened: a device or a stream as it is, a file and what aiw draws played in
 * real time.
 */
export function cameraPlan(
  { name, uri, kind: given }: NamedCamera,
  settings: Settings,
  sending: Sending,
  machine: Machine,
  context: CommandContext,
): CameraPlan {
  const kind = given ?? (isDevice(uri) ? "camera" : "source");
  const isLive = kind === "camera" || isStreamUrl(uri);
  return {
    name,
    identity: JSON.stringify([kind, uri, ...OF_A_CAMERA.map((setting) => settings[setting] ?? null)]),
    isFinite: !isLive && settings.loop !== true && !isSynthetic(uri),
    async open(onChange, signal) {
      const source = await openNamedSource(
        { kind, uri },
        settings,
        sending,
        machine,
        SERVE,
        context,
        signal,
        onChange,
      );
      // Only what is live tells of its states by itself: a recording may have a URL, too.
      if (!source.live)
        onChange({ from: "connecting", to: "live", text: `${source.name} is played in real time` });
      return source.live ? source : asCamera(source, systemClock);
    },
  };
}

/** A camera of this machine, as against what can be played. */
function isDevice(uri: string): boolean {
  if (uri === "default" || /^\/dev\/(video\d+$|v4l\/)/.test(uri)) return true;
  if (isStreamUrl(uri) || isSynthetic(uri) || uri === "-") return false;
  // macOS and Windows call cameras by names that are no files.
  return process.platform !== "linux" && !(existsSync(uri) && statSync(uri).isFile());
}

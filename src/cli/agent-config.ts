import type { Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import { isStreamUrl, streamName } from "../source/stream-name.js";
import { isSynthetic } from "../source/synthetic-uri.js";
import type { WatchPlan } from "../agent/watch.js";

/** Frames a second that are looked at without and with a session, unless told otherwise. */
const DEFAULT_FPS = { idle: 5, active: 12 };
/** Microseconds. */
const DEFAULT_TIMES = { dwell: 500_000, silence: 3_000_000, post_roll: 5_000_000 };
const DEFAULT_CONF = 0.35;
/** What is not confirmed is forgotten after so many frames of the low rate without it, if that is longer. */
const FRAMES_OF_A_GAP = 2.5;

/** A camera of the configuration. */
export interface NamedCamera {
  /** Credentials masked; no two have the same. */
  readonly name: string;
  readonly uri: string;
  /** Undefined where it is told by what is there: a device, a stream, a file. */
  readonly kind: "camera" | "source" | undefined;
}

/**
 * The cameras to watch: those of `cameras:` by their names, else all that `camera` and `source` name, which are
 * called as their URLs without credentials, or as their files.
 * @throws USAGE where there is none
 */
export function namedCameras(
  { cameras, camera = [], source = [] }: Settings,
  simulated: boolean,
): NamedCamera[] {
  const named =
    cameras === undefined
      ? [...ofKind("source", source), ...ofKind("camera", camera)]
      : Object.entries(cameras).map(([name, uri]) => ({ name, uri, kind: undefined }));
  if (named.length === 0 && simulated) return ofKind("source", ["synthetic:"]);
  if (named.length === 0) {
    throw new AiwError("USAGE", "nothing to watch: give --camera or --source, or cameras: in aiw.yaml");
  }
  const seen = new Map<string, number>();
  return named.map(({ name, uri, kind }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { name: times === 1 ? name : `${name} (${times})`, uri, kind };
  });
}

function ofKind(kind: "camera" | "source", uris: readonly string[]): NamedCamera[] {
  return uris.map((uri) => ({ name: nameOf(uri), uri, kind }));
}

function nameOf(uri: string): string {
  if (isStreamUrl(uri)) return streamName(uri);
  if (isSynthetic(uri)) return "synthetic";
  return uri.replace(/^.*[\\/](?=.)/, "");
}

/**
 * @param classes names of the classes that are watched for; all without
 * @param modelId SHA-256 of the model file in use, hex
 */
export function watchPlan(
  settings: Settings,
  classes: readonly string[] | undefined,
  modelId: string,
): WatchPlan {
  const { dwell, silence, post_roll: postRoll, fps_idle: idle, fps_active: active, conf } = settings;
  const fps = { idle: idle ?? DEFAULT_FPS.idle, active: active ?? DEFAULT_FPS.active };
  const dwellUs = dwell ?? DEFAULT_TIMES.dwell;
  return {
    fps,
    times: {
      dwellUs,
      gapUs: Math.max(dwellUs, Math.round((FRAMES_OF_A_GAP * 1e6) / fps.idle)),
      silenceUs: silence ?? DEFAULT_TIMES.silence,
      postRollUs: postRoll ?? DEFAULT_TIMES.post_roll,
    },
    relevance: { conf: conf ?? DEFAULT_CONF, classes },
    modelId,
  };
}

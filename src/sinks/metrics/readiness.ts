import type { LinkState } from "../../client/reconnecting-client.js";
import type { CameraState } from "../../source/camera-state.js";

/** Whether what is asked for is being done, and why (not), for people. */
export interface Health {
  readonly ready: boolean;
  readonly reason: string;
}

/** What is known of one camera; times are microseconds, of the Clock where they are points. */
export interface CameraFacts {
  readonly name: string;
  /** When it was added, which is when its first result began to be waited for. */
  readonly sinceUs: number;
  /** Undefined before the first. */
  readonly lastResultUs: number | undefined;
  /** How long that frame took. */
  readonly lastLatencyUs: number;
  /** At which frames are to be expected; undefined where nobody knows. */
  readonly rateFps: number | undefined;
  /** Why no frames are to be expected, where that is meant to be so. */
  readonly rest: string | undefined;
  /** Undefined of what is no camera. */
  readonly state: CameraState | undefined;
  readonly link: LinkState;
}

/** "Lately" is this many frame periods, or times what the last frame took where that is longer … */
const PERIODS = 5;
const LATENCIES = 3;
/** … but never less than this: a link that is cut, and a camera that hiccups, are back within seconds. */
const SHORTEST_US = 5_000_000;
/** Cameras that the words name. */
const NAMED_CAMERAS = 8;

const LINK_WORDS: Readonly<Partial<Record<LinkState, string>>> = {
  opening: "no session with the worker so far",
  away: "the worker is lost and being tried for",
  lost: "the worker is lost for good",
};

/** Ready is a camera of which a frame was processed lately, or that rests by design. */
export function cameraHealth(facts: CameraFacts, nowUs: number): Health {
  const { rest, lastResultUs, sinceUs } = facts;
  if (rest !== undefined) return { ready: true, reason: `at rest: ${rest}` };
  const agoUs = nowUs - (lastResultUs ?? sinceUs);
  const age = `${(agoUs / 1e6).toFixed(1)} s`;
  if (lastResultUs !== undefined && agoUs <= boundUs(facts)) {
    return { ready: true, reason: `a frame was processed ${age} ago` };
  }
  return { ready: false, reason: `${causeOf(facts)}no result for ${age}` };
}

/**
 * The process does what it is for as long as one of its cameras does: which of the others does not, the words say,
 * and a gauge for each. One that none was added to is starting.
 */
export function healthOfAll(cameras: readonly CameraFacts[], nowUs: number): Health {
  if (cameras.length === 0) return { ready: false, reason: "starting: there is no camera so far" };
  const all = cameras.map((facts) => ({ facts, ...cameraHealth(facts, nowUs) }));
  const awake = all.filter(({ facts }) => facts.rest === undefined);
  const ready = awake.length === 0 || awake.some((camera) => camera.ready);
  // What is wrong first: the words end somewhere.
  const sorted = [...all.filter((camera) => !camera.ready), ...all.filter((camera) => camera.ready)];
  const named = sorted.slice(0, NAMED_CAMERAS).map(({ facts, reason }) => `${facts.name}: ${reason}`);
  const more = sorted.length > named.length ? [`${sorted.length - named.length} more`] : [];
  return { ready, reason: [...named, ...more].join("; ") };
}

function boundUs({ rateFps, lastLatencyUs }: CameraFacts): number {
  const periodUs = rateFps === undefined || rateFps <= 0 ? 0 : 1e6 / rateFps;
  return Math.max(SHORTEST_US, PERIODS * periodUs, LATENCIES * lastLatencyUs);
}

/** What is known to be wrong, before the words about what follows from it. */
function causeOf({ link, state }: CameraFacts): string {
  const causes = [
    ...(LINK_WORDS[link] === undefined ? [] : [LINK_WORDS[link]]),
    ...(state === undefined || state === "live" ? [] : [`the camera is ${state}`]),
  ];
  return causes.length === 0 ? "" : `${causes.join(", ")}: `;
}

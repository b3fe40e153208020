import type { CloseReason, WatchState } from "../results/agent-event.js";

/** What can be away, so that nothing is seen. */
export type Away = "camera" | "worker";

/**
 * Where the watch over one camera is:
 * - `idle`: nothing relevant is there; the camera is looked at with the low rate
 * - `dwell`: something relevant was seen, and has to be confirmed
 * - `active`: it was; a session is open, and the camera is looked at with the high rate
 * - `closing`: nothing relevant was seen for the silence time; the session is still open
 *
 * What is away (`away`) has no states of its own. What can't be seen is not relevant, so it
 * - forgets what was not confirmed (dwell -> idle)
 * - lets silence and post-roll run: a camera that is back before their end goes on in the same session, and a
 *   session that ends meanwhile says why, also where frames were sent and none was answered.
 */
export type State = {
  readonly away: readonly Away[];
} & (
  | { readonly name: "idle" }
  /** `firstUs`: when it was first seen. `lastUs`: when something relevant was seen last. */
  | { readonly name: "dwell"; readonly firstUs: number; readonly lastUs: number }
  | { readonly name: "active"; readonly lastUs: number }
  /** Since the silence time was over. */
  | { readonly name: "closing"; readonly sinceUs: number }
);

export type Event =
  /** A frame has its result. */
  | { readonly type: "seen"; readonly atUs: number; readonly relevant: boolean }
  /** The time that `wake` asked for has come, or later; since when a frame has had no answer, where one is sent. */
  | { readonly type: "due"; readonly atUs: number; readonly unansweredSinceUs: number | undefined }
  | { readonly type: "away"; readonly what: Away }
  | { readonly type: "back"; readonly what: Away }
  /** The watch ends: the camera's stream is over, or nobody wants it any more. */
  | { readonly type: "end"; readonly reason: EndReason };

/** Why a watch ends. */
export type EndReason = Exclude<CloseReason, "silence" | "recovered">;

export type Command =
  /** The frame at hand may become part of a session. */
  | { readonly do: "hold" }
  /** What was held will not. */
  | { readonly do: "forget" }
  /** A session begins, with what was held. */
  | { readonly do: "open"; readonly sinceUs: number }
  /** The frame at hand is part of it. */
  | { readonly do: "append" }
  | { readonly do: "close"; readonly reason: CloseReason }
  | { readonly do: "rate"; readonly rate: "idle" | "active" }
  | { readonly do: "recorder"; readonly action: "start" | "stop" }
  /** `due` is wanted then, in place of what was asked for before. */
  | { readonly do: "wake"; readonly atUs: number }
  /** `due` is not wanted any more. */
  | { readonly do: "sleep" };

/** Microseconds. */
export interface Times {
  /** How long something relevant has to be seen before it counts. */
  readonly dwellUs: number;
  /** Without anything relevant for so long, what was not confirmed is forgotten: some frames of the low rate. */
  readonly gapUs: number;
  /** Nothing relevant for so long, and the session begins to close. */
  readonly silenceUs: number;
  /** How long it stays open after that. */
  readonly postRollUs: number;
}

export interface Step {
  readonly state: State;
  readonly commands: readonly Command[];
  /** Why the state is another one, for people. */
  readonly because: string;
}

export const INITIAL: State = { name: "idle", away: [] };

/**
 * Without an answer for so long, and for silence or post-roll, nobody has seen that nobody was there: a worker that
 * hangs is not known to be away before its link is given up. Microseconds; below it a machine may have been busy.
 */
const BLIND_US = 2_000_000;

const AWAY_REASON: Readonly<Record<Away, CloseReason>> = { camera: "camera_lost", worker: "worker_lost" };

/** What follows from an event; pure, and total: each event may come in each state. */
export function reduce(state: State, event: Event, times: Times): Step {
  switch (event.type) {
    case "seen":
      return seen(state, event, times);
    case "due":
      return due(state, event, times);
    case "away":
      return away(state, event.what);
    case "back":
      return stay({ ...state, away: state.away.filter((what) => what !== event.what) });
    case "end":
      return end(state, event.reason);
  }
}

function seen(state: State, { atUs, relevant }: Event & { type: "seen" }, times: Times): Step {
  switch (state.name) {
    case "idle":
      if (!relevant) return stay(state);
      return times.dwellUs === 0 ? opened(state, atUs, atUs, times) : dwelling(state, atUs, times);
    case "dwell":
      if (!relevant) return stay(state, [{ do: "hold" }]);
      if (atUs - state.firstUs >= times.dwellUs) return opened(state, state.firstUs, atUs, times);
      return stay({ name: "dwell", away: state.away, firstUs: state.firstUs, lastUs: atUs }, [
        { do: "hold" },
      ]);
    case "active":
      return stay(relevant ? { name: "active", away: state.away, lastUs: atUs } : state, [{ do: "append" }]);
    case "closing":
      if (!relevant) return stay(state, [{ do: "append" }]);
      return {
        state: { name: "active", away: state.away, lastUs: atUs },
        commands: [{ do: "append" }, { do: "wake", atUs: atUs + times.silenceUs }],
        because: "something relevant was seen again",
      };
  }
}

function dwelling({ away }: State, atUs: number, { gapUs }: Times): Step {
  return {
    state: { name: "dwell", away, firstUs: atUs, lastUs: atUs },
    commands: [{ do: "hold" }, { do: "wake", atUs: atUs + gapUs }],
    because: "something relevant was seen",
  };
}

function opened({ away }: State, firstUs: number, atUs: number, { silenceUs }: Times): Step {
  return {
    state: { name: "active", away, lastUs: atUs },
    commands: [
      { do: "open", sinceUs: firstUs },
      { do: "append" },
      { do: "rate", rate: "active" },
      { do: "recorder", action: "start" },
      { do: "wake", atUs: atUs + silenceUs },
    ],
    because: "it was confirmed over the dwell time",
  };
}

/** Not asked anew with each frame, so that it may come before its time was put off. */
function due(state: State, { atUs, unansweredSinceUs = atUs }: Event & { type: "due" }, times: Times): Step {
  switch (state.name) {
    case "idle":
      return stay(state);
    case "dwell": {
      const untilUs = state.lastUs + times.gapUs;
      return atUs < untilUs ? later(state, untilUs) : forgotten(state, "it was not seen again");
    }
    case "active": {
      const untilUs = state.lastUs + times.silenceUs;
      if (atUs < untilUs) return later(state, untilUs);
      return {
        state: { name: "closing", away: state.away, sinceUs: untilUs },
        commands: [{ do: "wake", atUs: untilUs + times.postRollUs }],
        because: "nothing relevant was seen for the silence time",
      };
    }
    case "closing": {
      const untilUs = state.sinceUs + times.postRollUs;
      if (atUs < untilUs) return later(state, untilUs);
      const [first] = state.away;
      const isBlind = untilUs - unansweredSinceUs >= Math.max(times.silenceUs, times.postRollUs, BLIND_US);
      const reason = first !== undefined ? AWAY_REASON[first] : isBlind ? "worker_lost" : "silence";
      return closed(state, reason, "the post-roll is over");
    }
  }
}

function away(state: State, what: Away): Step {
  const gone: State = state.away.includes(what) ? state : { ...state, away: [...state.away, what] };
  return gone.name === "dwell" ? forgotten(gone, `the ${what} is away`) : stay(gone);
}

function end(state: State, reason: EndReason): Step {
  switch (state.name) {
    case "idle":
      return stay(state);
    case "dwell":
      return forgotten(state, "the watch ends");
    case "active":
    case "closing":
      return closed(state, reason, "the watch ends");
  }
}

function stay(state: State, commands: readonly Command[] = []): Step {
  return { state, commands, because: "" };
}

function later(state: State, atUs: number): Step {
  return stay(state, [{ do: "wake", atUs }]);
}

function forgotten({ away }: State, because: string): Step {
  return { state: { name: "idle", away }, commands: [{ do: "forget" }, { do: "sleep" }], because };
}

function closed({ away }: State, reason: CloseReason, because: string): Step {
  return {
    state: { name: "idle", away },
    commands: [
      { do: "close", reason },
      { do: "recorder", action: "stop" },
      { do: "rate", rate: "idle" },
      { do: "sleep" },
    ],
    because,
  };
}

/** Whether a session is open. */
export function hasSession(name: WatchState): boolean {
  return name === "active" || name === "closing";
}

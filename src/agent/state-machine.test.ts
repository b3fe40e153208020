import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Command,
  type Event,
  hasSession,
  INITIAL,
  reduce,
  type State,
  type Times,
} from "./state-machine.js";

const TIMES: Times = { dwellUs: 500_000, gapUs: 500_000, silenceUs: 3_000_000, postRollUs: 5_000_000 };

const STATES = {
  idle: { name: "idle", away: [] },
  dwell: { name: "dwell", away: [], firstUs: 0, lastUs: 200_000 },
  active: { name: "active", away: [], lastUs: 1_000_000 },
  closing: { name: "closing", away: [], sinceUs: 4_000_000 },
} as const satisfies Record<string, State>;

const seen = (atUs: number, relevant: boolean): Event => ({ type: "seen", atUs, relevant });
const due = (atUs: number, unansweredSinceUs?: number): Event => ({ type: "due", atUs, unansweredSinceUs });
const wake = (atUs: number): Command => ({ do: "wake", atUs });
const FORGET: Command[] = [{ do: "forget" }, { do: "sleep" }];
const closing = (reason: "silence" | "stopped" | "ended" | "worker_lost" | "camera_lost"): Command[] => [
  { do: "close", reason },
  { do: "recorder", action: "stop" },
  { do: "rate", rate: "idle" },
  { do: "sleep" },
];
const OPEN = (sinceUs: number, atUs: number): Command[] => [
  { do: "open", sinceUs },
  { do: "append" },
  { do: "rate", rate: "active" },
  { do: "recorder", action: "start" },
  wake(atUs + 3_000_000),
];

type Row = readonly [from: keyof typeof STATES, event: Event, to: State, commands: Command[]];

/** Every state with every event; where an event's time or kind matters, each side of it. */
const TABLE: readonly Row[] = [
  ["idle", seen(1, false), STATES.idle, []],
  [
    "idle",
    seen(7, true),
    { name: "dwell", away: [], firstUs: 7, lastUs: 7 },
    [{ do: "hold" }, wake(500_007)],
  ],
  ["idle", due(9), STATES.idle, []],
  ["idle", { type: "away", what: "camera" }, { name: "idle", away: ["camera"] }, []],
  ["idle", { type: "back", what: "camera" }, STATES.idle, []],
  ["idle", { type: "end", reason: "stopped" }, STATES.idle, []],

  ["dwell", seen(400_000, false), STATES.dwell, [{ do: "hold" }]],
  ["dwell", seen(499_999, true), { ...STATES.dwell, lastUs: 499_999 }, [{ do: "hold" }]],
  ["dwell", seen(500_000, true), { name: "active", away: [], lastUs: 500_000 }, OPEN(0, 500_000)],
  ["dwell", due(500_000), STATES.dwell, [wake(700_000)]],
  ["dwell", due(700_000), STATES.idle, FORGET],
  ["dwell", { type: "away", what: "worker" }, { name: "idle", away: ["worker"] }, FORGET],
  ["dwell", { type: "back", what: "worker" }, STATES.dwell, []],
  ["dwell", { type: "end", reason: "ended" }, STATES.idle, FORGET],

  ["active", seen(1_100_000, false), STATES.active, [{ do: "append" }]],
  ["active", seen(1_100_000, true), { name: "active", away: [], lastUs: 1_100_000 }, [{ do: "append" }]],
  ["active", due(3_999_999), STATES.active, [wake(4_000_000)]],
  ["active", due(4_000_123), { name: "closing", away: [], sinceUs: 4_000_000 }, [wake(9_000_000)]],
  ["active", { type: "away", what: "camera" }, { ...STATES.active, away: ["camera"] }, []],
  ["active", { type: "back", what: "camera" }, STATES.active, []],
  ["active", { type: "end", reason: "worker_lost" }, STATES.idle, closing("worker_lost")],

  ["closing", seen(5_000_000, false), STATES.closing, [{ do: "append" }]],
  [
    "closing",
    seen(5_000_000, true),
    { name: "active", away: [], lastUs: 5_000_000 },
    [{ do: "append" }, wake(8_000_000)],
  ],
  ["closing", due(8_999_999), STATES.closing, [wake(9_000_000)]],
  ["closing", due(9_000_000), STATES.idle, closing("silence")],
  ["closing", due(9_000_000, 4_000_001), STATES.idle, closing("silence")],
  ["closing", due(9_000_000, 4_000_000), STATES.idle, closing("worker_lost")],
  ["closing", { type: "away", what: "camera" }, { ...STATES.closing, away: ["camera"] }, []],
  ["closing", { type: "back", what: "camera" }, STATES.closing, []],
  ["closing", { type: "end", reason: "ended" }, STATES.idle, closing("ended")],
];

describe("the state machine of a watch", () => {
  it.each(TABLE)("%s, %o", (from, event, to, commands) => {
    const step = reduce(STATES[from], event, TIMES);
    expect(step.state).toEqual(to);
    expect(step.commands).toEqual(commands);
    expect(step.because !== "").toBe(step.state.name !== from);
  });

  it("has a row for every pair of state and event", () => {
    const pairs = new Set(TABLE.map(([from, { type }]) => `${from} ${type}`));
    const types: Event["type"][] = ["seen", "due", "away", "back", "end"];
    expect(pairs.size).toBe(Object.keys(STATES).length * types.length);
  });

  it("opens at once where nothing has to be confirmed", () => {
    const step = reduce(INITIAL, seen(5, true), { ...TIMES, dwellUs: 0 });
    expect(step.state).toEqual({ name: "active", away: [], lastUs: 5 });
    expect(step.commands).toEqual(OPEN(5, 5));
  });

  it.each([
    [["camera"], "camera_lost"],
    [["worker"], "worker_lost"],
    [["worker", "camera"], "worker_lost"],
  ] as const)("says of a session that ends while %o is away: %s", (away, reason) => {
    const step = reduce({ ...STATES.closing, away }, due(9_000_000), TIMES);
    expect(step.commands[0]).toEqual({ do: "close", reason });
    expect(step.state.away).toEqual(away);
  });

  it("forgets each of what is away once it is back, in any order", () => {
    const events: Event[] = [
      { type: "away", what: "camera" },
      { type: "away", what: "worker" },
      { type: "away", what: "camera" },
      { type: "back", what: "camera" },
    ];
    const state = events.reduce((before: State, event) => reduce(before, event, TIMES).state, INITIAL);
    expect(state.away).toEqual(["worker"]);
    expect(reduce(state, { type: "back", what: "worker" }, TIMES).state.away).toEqual([]);
  });
});

/** Events in any order, `due` also where nobody has asked for it, and times that go on by any step. */
const anyEvents = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 2_500_000 }),
    fc.oneof(
      { weight: 6, arbitrary: fc.boolean().map((relevant) => ({ type: "seen", relevant }) as const) },
      { weight: 2, arbitrary: fc.constant({ type: "due" } as const) },
      fc.record({
        type: fc.constantFrom("away" as const, "back" as const),
        what: fc.constantFrom("camera" as const, "worker" as const),
      }),
      fc.constant({ type: "end", reason: "stopped" } as const),
    ),
  ),
  { maxLength: 60 },
);

describe("whatever happens", () => {
  it("opens and closes in turns, asks for one wake-up where there is something to wait for, and ends idle", () => {
    fc.assert(
      fc.property(anyEvents, (steps) => {
        let state: State = INITIAL;
        let nowUs = 0;
        let isOpen = false;
        let isRecording = false;
        let rate = "idle";
        let held = 0;
        let wakeUs: number | undefined;
        const apply = (event: Event) => {
          const step = reduce(state, event, TIMES);
          for (const command of step.commands) {
            if (command.do === "open") {
              expect(isOpen).toBe(false);
              expect(held).toBeGreaterThan(0);
              [isOpen, held] = [true, 0];
            } else if (command.do === "close") {
              expect(isOpen).toBe(true);
              isOpen = false;
            } else if (command.do === "append") expect(isOpen).toBe(true);
            else if (command.do === "hold") held++;
            else if (command.do === "forget") held = 0;
            else if (command.do === "rate") rate = command.rate;
            else if (command.do === "recorder") {
              expect(isRecording).toBe(command.action === "stop");
              isRecording = command.action === "start";
            } else if (command.do === "wake") {
              // One that lies in the past would come again and again.
              expect(command.atUs).toBeGreaterThan(event.type === "due" && step.state === state ? nowUs : -1);
              wakeUs = command.atUs;
            } else wakeUs = undefined;
          }
          ({ state } = step);
          expect(isOpen).toBe(hasSession(state.name));
          expect(isRecording).toBe(isOpen);
          expect(rate).toBe(isOpen ? "active" : "idle");
          if (state.name === "idle") expect([wakeUs, held]).toEqual([undefined, 0]);
          else expect(wakeUs).toBeDefined();
        };
        for (const [stepUs, event] of steps) {
          nowUs += stepUs;
          if (event.type === "seen") apply({ ...event, atUs: nowUs });
          else apply(event.type === "due" ? due(nowUs) : event);
        }
        // With nothing more than its own wake-ups it comes to rest.
        for (let i = 0; i < 4 && wakeUs !== undefined; i++) apply(due(Math.max(nowUs, wakeUs)));
        expect(state.name).toBe("idle");
      }),
      { numRuns: 2000 },
    );
  });
});

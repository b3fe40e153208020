import { beforeEach, describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { ManualClock } from "../testing/manual-clock.js";
import { Agent, type CameraPlan } from "./agent.js";
import { SimEngine, SIMULATED_LINK } from "./sim-engine.js";
import { type Presence, seededPresences } from "./sim-script.js";
import { Recorded, TestCamera } from "./testing.js";
import type { WatchPlan } from "./watch.js";

const S = 1_000_000;
const PLAN: WatchPlan = {
  times: { dwellUs: 0.5 * S, gapUs: 0.5 * S, silenceUs: 3 * S, postRollUs: 5 * S },
  fps: { idle: 5, active: 12.5 },
  relevance: { conf: 0.5, classes: ["person"] },
  modelId: "sim",
};

const present = (fromS: number, untilS: number, changes: Partial<Presence> = {}): Presence => ({
  fromUs: fromS * S,
  untilUs: untilS * S,
  className: "person",
  confidence: 0.8,
  box: [0.1, 0.2, 0.3, 0.4],
  ...changes,
});

let clock: ManualClock;
let recorded: Recorded;
let cameras: TestCamera[];
let openedEngines: string[];
let closedEngines: number;
/** The engine of this camera is not to be had. */
let refused: string | undefined;
/** The worker takes frames, and answers none. */
let hangs: boolean;
let isAway: boolean;

beforeEach(() => {
  clock = new ManualClock();
  recorded = new Recorded(clock);
  cameras = [];
  openedEngines = [];
  closedEngines = 0;
  refused = undefined;
  hangs = isAway = false;
});

function agentOf(script: () => Iterable<Presence, unknown, undefined>, plan = PLAN): Agent {
  return new Agent({
    ports: recorded.ports(),
    plan,
    random: () => 0.5,
    openEngine: (name) => {
      if (name === refused) return Promise.reject(new AiwError("WORKER_UNREACHABLE", "nobody there"));
      openedEngines.push(name);
      const engine = new SimEngine(script(), clock);
      const run = engine.run.bind(engine);
      Object.defineProperty(engine, "isAway", { get: () => isAway });
      const canRun = engine.canRun.bind(engine);
      engine.canRun = () => !isAway && canRun();
      engine.run = (frame) => (hangs ? frame.release() : run(frame));
      const close = () => {
        engine.close();
        closedEngines++;
        return Promise.resolve();
      };
      return Promise.resolve({ engine, link: SIMULATED_LINK, close });
    },
  });
}

function camera(name = "door", changes: Partial<CameraPlan> & { frames?: number } = {}): CameraPlan {
  return {
    name,
    identity: name,
    isFinite: changes.frames !== undefined,
    open: (onChange) => {
      const one = new TestCamera(name, clock, 25, changes.frames);
      cameras.push(one);
      onChange({ from: "connecting", to: "live", text: "" });
      return Promise.resolve(one);
    },
    ...changes,
  };
}

const framesUntil = async (untilS: number) => {
  const before = cameras.reduce((sum, { given }) => sum + given, 0);
  await clock.advanceTo((1 + untilS) * S);
  return cameras.reduce((sum, { given }) => sum + given, 0) - before;
};
const seenBetween = (fromS: number, untilS: number) =>
  recorded.named("ai.detection").filter(({ wallMs }) => {
    const s = (wallMs - 1_700_000_000_000) / 1000 - 1;
    return s >= fromS && s < untilS;
  }).length;

describe("the agent on a simulated engine", () => {
  it("confirms, opens a session, watches more closely, waits out the silence, closes", async () => {
    const script = [
      // A lone false positive; then a person; then one that comes back while the session closes.
      present(2, 2.25),
      present(10, 16),
      present(40, 42),
      present(46.5, 48),
    ];
    const agent = agentOf(() => script);
    await agent.watch([camera()]);
    await framesUntil(9);
    expect(recorded.transitions()).toEqual(["idle > dwell", "dwell > idle"]);
    expect(recorded.sessions).toEqual([]);

    await framesUntil(30);
    expect(recorded.transitions().slice(2)).toEqual([
      "idle > dwell",
      "dwell > active",
      "active > closing",
      "closing > idle",
    ]);
    const [first] = recorded.sessions;
    // With the first of the five frames a second that see it.
    const startS = ((first?.startWallMs ?? 0) - 1_700_000_000_000) / 1000 - 1;
    expect(startS).toBeGreaterThanOrEqual(10);
    expect(startS).toBeLessThan(10.25);
    expect(first?.end?.reason).toBe("silence");
    // Last seen just before 16 s, then silence of 3 s and post-roll of 5 s.
    expect(((first?.end?.endWallMs ?? 0) - 1_700_000_000_000) / 1000 - 1).toBeCloseTo(24, 0);
    // Five a second until it is confirmed, then 12.5.
    expect(seenBetween(10, 10.6)).toBeLessThanOrEqual(3);
    expect(seenBetween(11, 15)).toBe(50);
    expect(first?.seqs.length).toBeGreaterThan(150);
    expect(first?.posters).toBeGreaterThan(50);

    await framesUntil(70);
    expect(recorded.transitions().slice(6)).toEqual([
      "idle > dwell",
      "dwell > active",
      "active > closing",
      "closing > active",
      "active > closing",
      "closing > idle",
    ]);
    expect(recorded.sessions).toHaveLength(2);
    expect(recorded.recorder).toEqual(["start s1", "stop s1 silence", "start s2", "stop s2 silence"]);
    expect(recorded.named("session.close").map(({ byClass }) => Object.keys(byClass))).toEqual([
      ["person"],
      ["person"],
    ]);

    await agent.stop();
    expect(clock.pendingTimers).toBe(0);
    expect(cameras.map(({ held }) => held)).toEqual([0]);
    expect(closedEngines).toBe(1);
    expect(recorded.faults).toEqual([]);
    await agent.finished();
  });

  it("says every two seconds that a session is still open, while nothing new is seen", async () => {
    const agent = agentOf(() => [present(1, 3)]);
    await agent.watch([camera()]);
    await framesUntil(20);
    // Last seen at 3 s; closed at 11.
    expect(recorded.named("ai.keepalive").map(({ state }) => state)).toEqual([
      "active",
      "closing",
      "closing",
    ]);
    await agent.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it("tells of what is not relevant, and opens nothing for it", async () => {
    const agent = agentOf(() => [present(1, 8, { className: "dog" }), present(2, 8, { confidence: 0.4 })]);
    await agent.watch([camera()]);
    await framesUntil(10);
    const detections = recorded.named("ai.detection");
    expect(detections.length).toBeGreaterThan(30);
    expect(detections.every(({ relevant, session }) => !relevant && session === null)).toBe(true);
    expect(recorded.transitions()).toEqual([]);
    await agent.stop();
  });

  it("closes what is open when it is stopped, and when a file ends", async () => {
    const agent = agentOf(() => [present(1, 60)]);
    await agent.watch([camera("file", { frames: 100 }), camera("door")]);
    await framesUntil(10);
    expect(recorded.sessions.map(({ camera, end }) => [camera, end?.reason])).toEqual([
      ["file", "ended"],
      ["door", undefined],
    ]);
    await agent.stop();
    expect(recorded.sessions.map(({ end }) => end?.reason)).toEqual(["ended", "stopped"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends by itself when all cameras have", async () => {
    const agent = agentOf(() => []);
    await agent.watch([camera("a", { frames: 10 }), camera("b", { frames: 50 })]);
    const finished = agent.finished();
    await framesUntil(5);
    await finished;
    await agent.stop();
  });

  it("opens a camera again that breaks, in the same session when it is back in time", async () => {
    const agent = agentOf(() => [present(1, 30)]);
    await agent.watch([camera()]);
    await framesUntil(5);
    cameras[0]?.break();
    await framesUntil(12);
    expect(cameras).toHaveLength(2);
    expect(recorded.named("camera.state").map(({ state }) => state)).toEqual(["live", "lost", "live"]);
    expect(recorded.sessions).toHaveLength(1);
    expect(recorded.transitions()).toEqual(["idle > dwell", "dwell > active"]);
    await agent.stop();
  });

  it("takes a worker that hangs for no sign that nobody is there", async () => {
    const agent = agentOf(() => [present(1, 300)]);
    await agent.watch([camera()]);
    await framesUntil(5);
    hangs = true;
    await framesUntil(20);
    expect(recorded.sessions.map(({ end }) => end?.reason)).toEqual(["worker_lost"]);
    await agent.stop();
  });

  it("closes the session of a camera that stays away, and says why", async () => {
    let isThere = true;
    const plan = camera();
    const agent = agentOf(() => [present(1, 300)]);
    await agent.watch([
      {
        ...plan,
        open: (onChange, signal) =>
          isThere ? plan.open(onChange, signal) : Promise.reject(new AiwError("SOURCE_LOST", "no route")),
      },
    ]);
    await framesUntil(5);
    isThere = false;
    cameras[0]?.break();
    await framesUntil(60);
    expect(recorded.sessions.map(({ end }) => end?.reason)).toEqual(["camera_lost"]);
    isThere = true;
    await framesUntil(120);
    expect(recorded.sessions).toHaveLength(2);
    await agent.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it("changes cameras and plan while it runs; those that stay don't notice", async () => {
    const agent = agentOf(() => [present(1, 300)]);
    await agent.watch([camera("stays"), camera("goes")]);
    await framesUntil(5);
    await agent.watch([camera("stays"), camera("comes")], {
      ...PLAN,
      relevance: { conf: 0.9, classes: undefined },
    });
    await framesUntil(20);
    expect(cameras.map(({ name }) => name)).toEqual(["stays", "goes", "comes"]);
    expect(recorded.sessions.map(({ camera, end }) => [camera, end?.reason])).toEqual([
      ["stays", "silence"],
      ["goes", "stopped"],
    ]);
    expect(agent.lanes.map(({ camera }) => camera)).toEqual(["stays", "comes"]);
    await agent.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it("changes nothing where the engine of a new camera can't be had, and does not end", async () => {
    const agent = agentOf(() => [present(1, 300)]);
    let isOver = false;
    await agent.watch([camera("door")]);
    void agent.finished().then(() => (isOver = true));
    await framesUntil(5);
    refused = "porch";
    const plan = { ...PLAN, relevance: { conf: 0.9, classes: undefined } };
    await expect(agent.watch([camera("garden"), camera("porch")], plan)).rejects.toMatchObject({
      code: "WORKER_UNREACHABLE",
    });
    await framesUntil(20);
    expect([agent.lanes.map((lane) => lane.camera), isOver, closedEngines]).toEqual([["door"], false, 1]);
    expect(recorded.sessions.map(({ camera, end }) => [camera, end])).toEqual([["door", undefined]]);
    refused = undefined;
    await agent.watch([camera("porch")]);
    await framesUntil(25);
    expect([agent.lanes.map((lane) => lane.camera), isOver]).toEqual([["porch"], false]);
    await agent.stop();
    expect([isOver, clock.pendingTimers]).toEqual([true, 0]);
    expect(closedEngines).toBe(openedEngines.length);
  });

  it("fails at the start where an engine can't be had, and leaves none open", async () => {
    const agent = agentOf(() => []);
    refused = "b";
    await expect(agent.watch([camera("a"), camera("b"), camera("c")])).rejects.toMatchObject({
      code: "WORKER_UNREACHABLE",
    });
    expect([openedEngines, closedEngines, cameras]).toEqual([["a"], 1, []]);
    await agent.stop();
    await agent.finished();
  });

  it("has another camera under the same name go on with the engine of the former", async () => {
    const agent = agentOf(() => [present(1, 300)]);
    await agent.watch([camera("door")]);
    await framesUntil(5);
    await agent.watch([camera("door", { identity: "another" })]);
    await framesUntil(10);
    expect(cameras).toHaveLength(2);
    expect([openedEngines, closedEngines]).toEqual([["door"], 0]);
    expect(recorded.sessions.map(({ end }) => end?.reason)).toEqual(["stopped", undefined]);
    await agent.stop();
    expect([closedEngines, clock.pendingTimers]).toEqual([1, 0]);
  });

  it("tells that a camera whose watch fails is lost, and begins it anew when it is asked for again", async () => {
    const agent = agentOf(() => [present(1, 300)]);
    let isMended = false;
    const plan = camera("door");
    const mendable: CameraPlan = {
      ...plan,
      open: (onChange, signal) =>
        isMended ? plan.open(onChange, signal) : Promise.reject(new AiwError("USAGE", "no such thing")),
    };
    await agent.watch([mendable, camera("yard")]);
    await framesUntil(3);
    expect(recorded.named("camera.state").filter(({ camera }) => camera === "door")).toMatchObject([
      { state: "lost", text: "no such thing" },
    ]);
    expect(agent.lanes.map(({ camera }) => camera)).toEqual(["door", "yard"]);
    isMended = true;
    await agent.watch([mendable, camera("yard")]);
    await framesUntil(6);
    expect(recorded.sessions.map(({ camera }) => camera).sort()).toEqual(["door", "yard"]);
    await agent.stop();
    await agent.finished();
    expect(clock.pendingTimers).toBe(0);
  });

  it("tells that the worker is lost where a watch begins while it is away", async () => {
    isAway = true;
    const agent = agentOf(() => [present(1, 300)]);
    await agent.watch([camera()]);
    await framesUntil(2);
    expect(recorded.named("worker.state").map(({ state }) => state)).toEqual(["lost"]);
    await agent.stop();
  });

  it("takes times that are shorter at once, and closes what was of another model", async () => {
    const agent = agentOf(() => [present(1, 3), present(30, 300)], {
      ...PLAN,
      times: { ...PLAN.times, silenceUs: 3600 * S },
    });
    await agent.watch([camera()]);
    await framesUntil(10);
    expect(recorded.transitions().at(-1)).toBe("dwell > active");
    await agent.watch([camera()], PLAN);
    await framesUntil(10.1);
    expect(recorded.transitions().at(-1)).toBe("active > closing");
    await framesUntil(40);
    await agent.watch([camera()], { ...PLAN, modelId: "another" });
    await framesUntil(45);
    expect(recorded.sessions.map(({ modelId, end }) => [modelId, end?.reason])).toEqual([
      ["sim", "silence"],
      ["sim", "stopped"],
      ["another", undefined],
    ]);
    await agent.stop();
  });

  it("fails with what can't be mended, once the others have ended", async () => {
    const agent = agentOf(() => []);
    const open = () => Promise.reject(new AiwError("USAGE", "no such thing"));
    await agent.watch([camera("bad", { open }), camera("good", { frames: 10 })]);
    const finished = expect(agent.finished()).rejects.toMatchObject({ code: "USAGE" });
    await framesUntil(5);
    await finished;
    await agent.stop();
  });

  it("keeps its invariants over ten minutes of seeded presences", async () => {
    const agent = agentOf(() => seededPresences(7), { ...PLAN, fps: { idle: 5, active: 5 } });
    await agent.watch([
      {
        ...camera(),
        open: (onChange) => {
          const one = new TestCamera("door", clock, 5);
          cameras.push(one);
          onChange({ from: "connecting", to: "live", text: "" });
          return Promise.resolve(one);
        },
      },
    ]);
    await framesUntil(600);
    await agent.stop();
    expect(recorded.sessions.length).toBeGreaterThan(5);
    expect(recorded.sessions.every(({ end }) => end !== undefined)).toBe(true);
    expect(recorded.named("session.open")).toHaveLength(recorded.sessions.length);
    expect(recorded.named("session.close")).toHaveLength(recorded.sessions.length);
    expect(clock.pendingTimers).toBe(0);
    expect(cameras.map(({ held }) => held)).toEqual([0]);
  });
});

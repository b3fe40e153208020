import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type TableConnection, TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
import { aiw, type Json, jsonLines, type Running, startAiw } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { folder, file } = scratchFolder("agent");
const running: Running[] = [];
afterEach(async () => {
  for (const { child, finished } of running.splice(0)) {
    child.kill("SIGKILL");
    await finished;
  }
});

/** Somebody is there from the first frame on, and stays. */
const SOMEBODY = file("somebody.yaml", "[{from: 0, until: 3600, class: person}]");
const QUICK = "dwell: 100ms\nsilence: 200ms\npost_roll: 100ms\nfps_idle: 20\n";
let count = 0;

/** A folder of its own for each agent, with its configuration. */
function place(yaml: string) {
  const dir = join(folder, `agent-${++count}`);
  mkdirSync(dir);
  const config = join(dir, "aiw.yaml");
  writeFileSync(config, yaml);
  return { dir, config, sessions: join(dir, "sessions") };
}

function startAgent({ config, sessions }: ReturnType<typeof place>, args: readonly string[] = []): Running {
  const agent = startAiw(["agent", "--config", config, "--sessions-dir", sessions, ...args]);
  running.push(agent);
  return agent;
}

const simulated = (at: ReturnType<typeof place>, args: readonly string[] = []) =>
  startAgent(at, ["--simulate", SOMEBODY, ...args]);

const named = (events: Json[], name: string) => events.filter(({ event }) => event === name);
const sessionsIn = (dir: string): Json[] =>
  readdirSync(dir)
    .filter((name) => !name.startsWith("."))
    .map((id) => JSON.parse(readFileSync(join(dir, id, "session.json"), "utf8")));

describe("aiw agent", () => {
  it("opens a session, tells of it, and closes it at SIGTERM", async () => {
    const at = place(`cameras:\n  door: "synthetic:"\n${QUICK}`);
    const hook = join(at.dir, "hook");
    writeFileSync(
      hook,
      `#!/bin/sh\necho "$AIW_EVENT $AIW_CAMERA $AIW_REASON" $(cd "$AIW_SESSION_DIR" && ls open.json session.json 2>&-) >> "${at.dir}/hooked"\n`,
    );
    chmodSync(hook, 0o755);
    const agent = simulated(at, ["--recorder", hook, "--out", "ndjson:-", "--log-format", "json"]);
    await agent.sees(/"event":"session\.open"[^]*"relevant":true/);
    agent.child.kill("SIGTERM");
    const { code, stdout, stderr } = await agent.finished;
    expect(code).toBe(143);
    const events = jsonLines(stdout);
    expect(named(events, "camera.state").map(({ state }) => state)).toEqual(["live"]);
    const [opened] = named(events, "session.open");
    const [closed] = named(events, "session.close");
    expect(opened).toMatchObject({ schema: "aiw.event/1", camera: "door" });
    expect(closed).toMatchObject({ camera: "door", session: opened.session, reason: "stopped" });
    expect(named(events, "fsm.transition").map(({ from, to }) => `${from} ${to}`)).toEqual([
      "idle dwell",
      "dwell active",
      "active idle",
    ]);
    const [session] = sessionsIn(at.sessions);
    expect(session).toMatchObject({
      schema: "aiw.session/1",
      session_id: opened.session,
      camera: "door",
      reason: "stopped",
      frames: { errors: 0 },
      detections: { by_class: { person: session.frames.results } },
    });
    const lines = jsonLines(readFileSync(join(at.sessions, opened.session, "detections.ndjson"), "utf8"));
    expect(lines).toHaveLength(session.frames.results);
    expect([...readFileSync(join(at.sessions, opened.session, "poster.jpg")).subarray(0, 2)]).toEqual([
      0xff, 0xd8,
    ]);
    // At its start the session may already be over.
    expect(readFileSync(join(at.dir, "hooked"), "utf8")).toMatch(
      /^start door {2}.*\.json\nstop door stopped session\.json\n$/,
    );
    // Each line of the log is one of JSON, and tells whose it is.
    expect(jsonLines(stderr).find(({ msg }) => msg === "session opened")).toMatchObject({
      name: "aiw",
      level: 30,
      camera: "door",
      session: opened.session,
    });
    const list = await aiw(["sessions", "list", "--sessions-dir", at.sessions, "--json"]);
    expect(list.stdout).toContain(opened.session);
  });

  /** An agent whose recorder takes at a session's stop until it may go, told to end while a session is open. */
  async function endedWithRecorder() {
    const at = place(`cameras:\n  door: "synthetic:"\n${QUICK}`);
    const hook = join(at.dir, "hook");
    const log = join(at.dir, "hooked");
    const go = join(at.dir, "go");
    const script = `#!/bin/sh\necho "$AIW_EVENT" >> "${log}"\ntest $AIW_EVENT = start || { until test -e "${go}"; do sleep 0.05; done; echo done >> "${log}"; }\n`;
    writeFileSync(hook, script);
    chmodSync(hook, 0o755);
    const agent = simulated(at, ["--recorder", hook]);
    await agent.sees(/"event":"session\.open"/);
    agent.child.kill("SIGTERM");
    await agent.says(/session closed/);
    const hooked = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
    return { agent, hooked, letGo: () => writeFileSync(go, "") };
  }

  it("waits at its end for a recorder that is at work, longer than for all else", async () => {
    const { agent, hooked, letGo } = await endedWithRecorder();
    while (hooked().length < 2) await new Promise((resolve) => setImmediate(resolve));
    letGo();
    const { code, stderr } = await agent.finished;
    expect(code).toBe(143);
    expect(hooked()).toEqual(["start", "stop", "done"]);
    expect(stderr).not.toMatch(/recorder hook/);
  });

  it("says which run of the recorder it has cut off", async () => {
    const { agent, hooked } = await endedWithRecorder();
    const { code, stderr } = await agent.finished;
    expect(code).toBe(143);
    expect(hooked()).toEqual(["start", "stop"]);
    expect(stderr).toMatch(/recorder hook \S+, stop of session \S+, is cut off: the agent ends/);
  });

  it("waits for no recorder at a second signal", async () => {
    const { agent, hooked } = await endedWithRecorder();
    // One that comes too soon counts as the first once more.
    const again = setInterval(() => agent.child.kill("SIGTERM"), 50);
    const { code } = await agent.finished;
    clearInterval(again);
    expect(code).toBe(143);
    expect(hooked()).not.toContain("done");
  });

  it("reads its configuration again at SIGHUP: what stays doesn't notice, what is not valid changes nothing", async () => {
    const at = place(`cameras:\n  stays: "synthetic:"\n  goes: "synthetic:?seed=2"\n${QUICK}`);
    const agent = simulated(at);
    await agent.sees(/"session\.open"[^]*"session\.open"/);

    writeFileSync(at.config, `cameras:\n  stays: "synthetic:"\nfps_idle: many\n`);
    agent.child.kill("SIGHUP");
    await agent.says(/the configuration is not taken.*aiw\.yaml:3: fps_idle "many"/);

    writeFileSync(
      at.config,
      `cameras:\n  stays: "synthetic:"\n  comes: "synthetic:?seed=3"\n${QUICK}sessions_dir: x\n`,
    );
    agent.child.kill("SIGHUP");
    await agent.says(/configuration read.*changed=cameras/);
    await agent.sees(/"session\.open","time":"[^"]*","camera":"comes"/);
    agent.child.kill("SIGTERM");
    const events = jsonLines((await agent.finished).stdout);
    const closed = named(events, "session.close").map(({ camera, reason }) => `${camera} ${reason}`);
    expect(closed[0]).toBe("goes stopped");
    expect(closed.slice(1).sort()).toEqual(["comes stopped", "stays stopped"]);
    expect(
      named(events, "session.open")
        .map(({ camera }) => camera)
        .sort(),
    ).toEqual(["comes", "goes", "stays"]);
  });

  it("says Init for other thresholds at SIGHUP between two frames, of which one is always in flight", async () => {
    const inits: [conf: number, isInFlight: boolean][] = [];
    let isInFlight = false;
    const worker = await TableWorker.start({
      onInit(connection, init) {
        inits.push([Math.round(Number(init["conf_threshold"]) * 100) / 100, isInFlight]);
        connection.initOk();
      },
      // At 20 frames a second there is always another one.
      onFrame(connection, frame) {
        isInFlight = true;
        setTimeout(() => {
          isInFlight = false;
          connection.result(frame, [{ cls: "cat", conf: 0.9, bbox: { x: 1, y: 1, w: 2, h: 2 } }]);
        }, 60);
      },
    });
    const yaml = `cameras:\n  door: "synthetic:"\nmodel: m.onnx\nworker: 127.0.0.1:${worker.port}\n${QUICK}`;
    const at = place(`${yaml}conf: 0.5\n`);
    const agent = startAgent(at);
    await agent.sees(/"session\.open"/);
    for (const conf of [0.6, 0.7, 0.8]) {
      writeFileSync(at.config, `${yaml}conf: ${conf}\n`);
      agent.child.kill("SIGHUP");
      await agent.says(new RegExp(`(configuration read changed=conf[^]*){${Math.round(conf * 10) - 5}}`));
    }
    expect(inits).toEqual([0.5, 0.6, 0.7, 0.8].map((conf) => [conf, false]));
    agent.child.kill("SIGTERM");
    const { code, stdout } = await agent.finished;
    expect([code, named(jsonLines(stdout), "session.open").length]).toEqual([143, 1]);
    await worker.close();
  });

  it("refuses at SIGHUP what would end its next start, cameras that can't be one among it", async () => {
    const yaml = `cameras:\n  door: "synthetic:"\n${QUICK}`;
    const at = place(yaml);
    const agent = simulated(at);
    await agent.sees(/"session\.open"/);
    for (const [bad, said] of [
      ['cameras: { door: "ftp://x/y" }', /not taken.*code=USAGE error=--source ftp:/],
      ['cameras: { door: "synthetic:?sees=2" }', /not taken.*code=USAGE error=.*sees/],
      [`${yaml}events: ["jpeg:x"]`, /not taken.*code=USAGE error=.*jpeg/],
      [`${yaml}recorder: "'x"`, /not taken.*code=USAGE error=recorder/],
    ] as const) {
      writeFileSync(at.config, bad);
      agent.child.kill("SIGHUP");
      await agent.says(said);
    }
    agent.child.kill("SIGTERM");
    const { stdout, code } = await agent.finished;
    expect([code, named(jsonLines(stdout), "session.close").map(({ reason }) => reason)]).toEqual([
      143,
      ["stopped"],
    ]);
  });

  it("is not ended by a SIGHUP that comes before it watches, and reads its configuration then", async () => {
    let onInit: (connection: TableConnection) => void = () => {};
    const firstInit = new Promise<TableConnection>((resolve) => (onInit = resolve));
    const worker = await TableWorker.start({ onInit: (connection) => onInit(connection) });
    const at = place(`cameras:\n  door: "synthetic:"\nmodel: m.onnx\nworker: 127.0.0.1:${worker.port}\n`);
    const agent = startAgent(at);
    const connection = await firstInit;
    agent.child.kill("SIGHUP");
    onInit = (next) => next.initOk();
    connection.initOk();
    await agent.says(/configuration read changed=nothing/);
    agent.child.kill("SIGTERM");
    expect((await agent.finished).code).toBe(143);
    await worker.close();
  });

  it("closes at its next start what a kill has left open", async () => {
    const at = place(`cameras:\n  door: "synthetic:"\n${QUICK}`);
    const killed = simulated(at);
    await killed.sees(/"session\.open"[^]*"ai\.detection"[^]*"ai\.detection"/);
    killed.child.kill("SIGKILL");
    await killed.finished;
    const next = simulated(at);
    await next.says(/sessions recovered that were left open count=1/);
    await next.sees(/"session\.open"/);
    next.child.kill("SIGTERM");
    await next.finished;
    expect(
      sessionsIn(at.sessions)
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual(["recovered", "stopped"]);
  });

  it("tells at its next start of the end that a kill kept it from telling, and stops the recorder", async () => {
    const at = place(`cameras:\n  door: "synthetic:"\n${QUICK}`);
    const hook = join(at.dir, "hook");
    const hooked = join(at.dir, "hooked");
    const told = join(at.dir, "told.ndjson");
    writeFileSync(
      hook,
      `#!/bin/sh\necho "$AIW_EVENT $AIW_CAMERA $AIW_SESSION $AIW_REASON $AIW_END" $(ls "$AIW_SESSION_DIR/session.json" 2>&-) >> "${hooked}"\necho done\n`,
    );
    chmodSync(hook, 0o755);
    // Beside it an agent of another camera runs, which has a session open in the same folder.
    const yard = place(`cameras:\n  yard: "synthetic:"\n${QUICK}`);
    const neighbour = simulated({ ...yard, sessions: at.sessions });
    await neighbour.sees(/"session\.open"/);
    const killed = simulated(at, ["--recorder", hook]);
    await killed.sees(/"session\.open"/);
    // By then its folder is there.
    await killed.says(/recorder: done/);
    killed.child.kill("SIGKILL");
    await killed.finished;
    const [opened] = named(jsonLines(killed.stdout()), "session.open");
    writeFileSync(hooked, "");

    const next = simulated(at, ["--recorder", hook, "--out", `ndjson:${told}`, "--metrics", "127.0.0.1:0"]);
    const [, url = ""] = await next.says(/metrics at (http:\/\/.*)\/metrics/);
    await next.says(/session opened/);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain("ai_sessions_recovered_total 1");
    expect(metrics).not.toContain('reason="recovered"');
    next.child.kill("SIGTERM");
    await next.finished;
    const events = jsonLines(readFileSync(told, "utf8"));
    const session = JSON.parse(readFileSync(join(at.sessions, opened.session, "session.json"), "utf8"));
    // The first thing that it tells.
    expect(events[0]).toMatchObject({
      ...{ event: "session.close", camera: "door", session: opened.session, reason: "recovered" },
      ...{ start: opened.start, results: session.frames.results, by_class: session.detections.by_class },
    });
    expect(named(events, "session.close").map(({ camera, reason }) => `${camera} ${reason}`)).toEqual([
      "door recovered",
      "door stopped",
    ]);
    expect(session).toMatchObject({ reason: "recovered", frames: { results: expect.any(Number) } });
    expect(readFileSync(hooked, "utf8")).toContain(
      `stop door ${opened.session} recovered ${session.end} ${join(at.sessions, opened.session, "session.json")}\n`,
    );
    expect(readFileSync(hooked, "utf8").match(/recovered/g)).toHaveLength(1);

    // What was told is not told again.
    const third = simulated(at, ["--out", `ndjson:${told}`]);
    await third.says(/session opened/);
    third.child.kill("SIGTERM");
    await third.finished;
    expect(readFileSync(told, "utf8").match(/"recovered"/g)).toHaveLength(1);
    neighbour.child.kill("SIGTERM");
    expect(named(jsonLines((await neighbour.finished).stdout), "session.close")).toMatchObject([
      { camera: "yard", reason: "stopped" },
    ]);
  });

  it("tells of the end that a kill kept it from telling although a start in between was refused", async () => {
    const at = place(`cameras:\n  door: "synthetic:"\n${QUICK}`);
    const killed = simulated(at);
    await killed.sees(/"session\.open"[^]*"ai\.detection"[^]*"ai\.detection"/);
    killed.child.kill("SIGKILL");
    await killed.finished;
    expect((await simulated(at, ["--classes", "persn"]).finished).code).toBe(2);
    const next = simulated(at);
    await next.sees(/"session\.close".*"reason":"recovered"/);
    next.child.kill("SIGTERM");
    await next.finished;
  });

  it("lets silence and post-roll run where the worker is lost, and goes on when it is back", async () => {
    const script: TableWorkerScript = {
      onFrame: (connection, frame) =>
        connection.result(frame, [{ cls: "person", conf: 0.9, bbox: { x: 1, y: 1, w: 2, h: 2 } }]),
    };
    const worker = await TableWorker.start(script);
    const at = place(
      `cameras:\n  door: "synthetic:"\nmodel: m.onnx\nworker: 127.0.0.1:${worker.port}\n${QUICK}`,
    );
    const agent = startAgent(at);
    await agent.sees(/"session\.open"/);
    await worker.close();
    await agent.sees(/"session\.close".*"reason":"worker_lost"/);
    expect(named(jsonLines(agent.stdout()), "worker.state").map(({ state }) => state)).toEqual([
      "ready",
      "lost",
    ]);
    const back = await TableWorker.start(script, { port: worker.port });
    await agent.sees(/"state":"lost"[^]*"worker\.state".*"state":"ready"/);
    await agent.sees(/"session\.close"[^]*"session\.open"/);
    agent.child.kill("SIGTERM");
    expect((await agent.finished).code).toBe(143);
    await back.close();
  });

  it("serves metrics, says that it is ready, and which camera is not", async () => {
    const at = place(QUICK);
    const sources = ["--source", "synthetic:", "--source", "missing.mp4"];
    const agent = simulated(at, ["--metrics", "127.0.0.1:0", ...sources]);
    const [, url = ""] = await agent.says(/metrics at (http:\/\/.*)\/metrics/);
    await agent.sees(/"session\.open"[^]*"ai\.detection"/);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('ai_watch_state{camera="synthetic",state="active"} 1');
    expect(text).toMatch(/ai_sessions_opened_total\{camera="synthetic"\} 1/);
    expect(text).toContain('ai_camera_ready{camera="synthetic"} 1');
    expect(text).toContain('ai_camera_ready{camera="missing.mp4"} 0');
    expect(text).toContain('ai_camera_state{camera="missing.mp4",state="lost"} 1');
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringMatching(/missing\.mp4: the camera is lost/),
    ]);
    agent.child.kill("SIGINT");
    expect((await agent.finished).code).toBe(130);
  });
});

describe("aiw agent refuses", () => {
  it.each([
    ["nothing to watch", [], "USAGE", "nothing to watch"],
    [
      "a class that the model does not have",
      ["--source", "synthetic:", "--classes", "unicorn"],
      "CLASS_UNKNOWN",
      "unicorn",
    ],
    ["an output that is none", ["--source", "synthetic:", "--simulate", "--out", "jpeg:x"], "USAGE", "jpeg"],
    [
      "an output twice",
      ["--source", "synthetic:", "--simulate", "--out", "ndjson:-", "--out", "ndjson:-"],
      "USAGE",
      "twice",
    ],
    ["a script that is not there", ["--simulate", "missing.yaml"], "USAGE", "missing.yaml"],
    ["a recorder that is no command line", ["--simulate", "--recorder", "'x"], "USAGE", "recorder"],
    ["a time that is none", ["--simulate", "--silence", "0s"], "USAGE", "--silence"],
  ] as const)("%s", async (_name, args, code, words) => {
    const at = place("");
    const { finished } = startAgent(at, args);
    const { code: exit, stderr } = await finished;
    expect(exit).toBe(2);
    expect(stderr).toMatch(new RegExp(`aiw: error ${code}: [^\\n]*${words}`));
  });

  it("a file that is missing, sessions in no folder, and a port that is taken: exit 1 and one line", async () => {
    const at = place("");
    const missing = await startAgent(at, ["--source", "missing.mp4", "--model", "missing.onnx"]).finished;
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/aiw: error MODEL_NOT_FOUND/)]);
    const gone = await startAgent(at, ["--source", "missing.mp4", "--simulate"]).finished;
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringMatching(/aiw: error SOURCE_NOT_FOUND/)]);

    writeFileSync(at.sessions.replace("sessions", "file"), "");
    const noFolder = { ...at, sessions: join(at.dir, "file") };
    const unwritable = await startAgent(noFolder, ["--simulate"]).finished;
    expect([unwritable.code, unwritable.stderr]).toEqual([
      1,
      expect.stringMatching(/aiw: error OUTPUT_FAILED/),
    ]);

    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const taken = await startAgent(at, ["--simulate", "--metrics", `127.0.0.1:${port}`]).finished;
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringMatching(/aiw: error LISTEN_FAILED/)]);
    server.close();
  });
});

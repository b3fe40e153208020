import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { TableWorker, type TableWorkerScript } from "../testing/table-worker.js";
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

  /** An agent whose recorder takes some seconds at a session's stop, told to end while a session is open. */
  async function endedWithRecorder(seconds: number) {
    const at = place(`cameras:\n  door: "synthetic:"\n${QUICK}`);
    const hook = join(at.dir, "hook");
    const log = join(at.dir, "hooked");
    const script = `#!/bin/sh\necho "$AIW_EVENT" >> "${log}"\ntest $AIW_EVENT = start || { sleep ${seconds}; echo done >> "${log}"; }\n`;
    writeFileSync(hook, script);
    chmodSync(hook, 0o755);
    const agent = simulated(at, ["--recorder", hook]);
    await agent.sees(/"event":"session\.open"/);
    agent.child.kill("SIGTERM");
    return { agent, hooked: () => readFileSync(log, "utf8").trim().split("\n") };
  }

  it("waits at its end for a recorder that is at work, longer than for all else", async () => {
    const { agent, hooked } = await endedWithRecorder(2);
    const { code, stderr } = await agent.finished;
    expect(code).toBe(143);
    expect(hooked()).toEqual(["start", "stop", "done"]);
    expect(stderr).not.toMatch(/recorder hook/);
  });

  it("says which run of the recorder it has cut off", async () => {
    const { agent, hooked } = await endedWithRecorder(20);
    const { code, stderr } = await agent.finished;
    expect(code).toBe(143);
    expect(hooked()).toEqual(["start", "stop"]);
    expect(stderr).toMatch(/recorder hook \S+, stop of session \S+, is cut off: the agent ends/);
  });

  it("waits for no recorder at a second signal", async () => {
    const { agent, hooked } = await endedWithRecorder(3);
    await agent.says(/session closed/);
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
    expect(named(jsonLines(agent.stdout()), "worker.state").map(({ state }) => state)).toEqual(["lost"]);
    const back = await TableWorker.start(script, { port: worker.port });
    await agent.sees(/"worker\.state".*"state":"ready"/);
    await agent.sees(/"session\.close"[^]*"session\.open"/);
    agent.child.kill("SIGTERM");
    expect((await agent.finished).code).toBe(143);
    await back.close();
  });

  it("serves metrics, and says that it is ready", async () => {
    const at = place(QUICK);
    const agent = simulated(at, ["--metrics", "127.0.0.1:0", "--source", "synthetic:"]);
    const [, url = ""] = await agent.says(/metrics at (http:\/\/.*)\/metrics/);
    await agent.sees(/"session\.open"[^]*"ai\.detection"/);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('ai_watch_state{camera="synthetic",state="active"} 1');
    expect(text).toMatch(/ai_sessions_opened_total\{camera="synthetic"\} 1/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
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

// Kills an agent, or its worker, at random moments (SIGKILL), and looks at what is left of its sessions: none is lost,
// none stays open, and no line of a record is half.
//
//   node bench/agent-kills.mjs CLIP MODEL [--runs 10] [--seed 1] [--classes person]
//
// Runs take turns: the agent is killed, then its worker, … The clip is played in real time as a camera, again and
// again, with short times, so that sessions open and close all the while. After each kill of an agent another one is
// started on the same folder, and stopped. Prints what became of each run's sessions; ends with 1 unless each one
// that was told of is a folder with a session.json, as many lines as it says, and no more. Linux (/proc); needs a
// built CLI (npm ci).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { seededRandom } from "../dist/scene/random.js";
import { AIW, columns, inScratch, workerOf } from "./kit.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    classes: { type: "string", default: "person" },
  },
});
const [clip, model] = positionals.map((path) => resolve(path));
if (model === undefined) {
  console.error("usage: node bench/agent-kills.mjs CLIP MODEL");
  process.exit(2);
}

/** Between the first frame and the kill, and between the kill of a worker and the agent's end, milliseconds. */
const BEFORE_MS = { least: 3000, most: 25_000 };
const AFTER_MS = 12_000;

/** The same moments for a seed; uniform in [0, 1). */
const below = seededRandom(Number(options.seed));
const random = () => below(2 ** 20) / 2 ** 20;

const told = new Set();
let problems = 0;
function complain(text) {
  problems += 1;
  console.error(text);
}

function start(sessions) {
  const times = ["--dwell", "300ms", "--silence", "500ms", "--post-roll", "500ms"];
  const args = [
    "agent",
    "--source",
    clip,
    "--loop",
    "--model",
    model,
    "--classes",
    options.classes,
    ...times,
  ];
  const child = spawn(process.execPath, [AIW, ...args, "--sessions-dir", sessions], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const live = new Promise((isLive) => {
    child.stderr.setEncoding("utf8").on("data", (text) => {
      log += text;
      if (log.includes("camera live")) isLive();
    });
  });
  const seen = { opened: 0, resultsAfter: 0 };
  createInterface({ input: child.stdout }).on("line", (line) => {
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      // What a killed process was about to write.
      return;
    }
    if (event.event === "ai.detection") seen.resultsAfter += 1;
    if (event.event !== "session.open") return;
    seen.opened += 1;
    told.add(event.session);
  });
  return { child, live, seen, log: () => log, ended: once(child, "close") };
}

async function stop({ child, ended }) {
  child.kill("SIGTERM");
  const [code] = await ended;
  if (code !== 143) complain(`an agent that was stopped ended with ${code}`);
}

function isThere(pid) {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** The worker goes when its stdin ends: at once, but not in no time. */
async function noOrphan(pid) {
  for (let tries = 0; isThere(pid); tries += 1) {
    if (tries === 50) return complain(`the worker ${pid} outlived its agent`);
    await wait(100);
  }
}

function look(sessions) {
  const reasons = {};
  for (const id of readdirSync(sessions).filter((name) => !name.startsWith("."))) {
    const folder = join(sessions, id);
    if (!existsSync(join(folder, "session.json"))) {
      complain(`${id} is open: ${readdirSync(folder).join(", ")}`);
      continue;
    }
    const session = JSON.parse(readFileSync(join(folder, "session.json"), "utf8"));
    reasons[session.reason] = (reasons[session.reason] ?? 0) + 1;
    const lines = readFileSync(join(folder, "detections.ndjson"), "utf8").split("\n");
    if (lines.pop() !== "") complain(`${id} ends in half a line`);
    for (const line of lines) JSON.parse(line);
    const { results, errors } = session.frames;
    if (lines.length !== results + errors)
      complain(`${id}: ${lines.length} lines, ${results} results, ${errors} errors`);
    told.delete(id);
  }
  for (const id of told) complain(`${id} was told of, and is not there`);
  return reasons;
}

const rows = [["run", "killed", "after s", "sessions told of", "then"]];
await inScratch(async (folder) => {
  const sessions = join(folder, "sessions");
  for (let run = 1; run <= Number(options.runs); run += 1) {
    const victim = run % 2 === 1 ? "agent" : "worker";
    const agent = start(sessions);
    await agent.live;
    const afterMs = BEFORE_MS.least + random() * (BEFORE_MS.most - BEFORE_MS.least);
    await wait(afterMs);
    const worker = workerOf(agent.child.pid);
    let then;
    if (victim === "agent") {
      agent.child.kill("SIGKILL");
      await agent.ended;
      await noOrphan(worker);
      const next = start(sessions);
      await next.live;
      await stop(next);
      then = /sessions recovered.*/.exec(next.log())?.[0] ?? "nothing was open";
    } else {
      process.kill(worker, "SIGKILL");
      agent.seen.resultsAfter = 0;
      await wait(AFTER_MS);
      if (agent.seen.resultsAfter === 0) complain("no detections came after the worker's kill");
      await stop(agent);
      then = `${agent.seen.resultsAfter} frames with detections`;
    }
    rows.push([String(run), victim, (afterMs / 1000).toFixed(1), String(agent.seen.opened), then]);
  }
  console.log(columns(rows));
  console.log(`sessions by reason: ${JSON.stringify(look(sessions))}`);
});
console.log(problems === 0 ? "none was lost, none is open" : `${problems} problems`);
process.exitCode = problems === 0 ? 0 : 1;

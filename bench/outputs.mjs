// Whether events that go to a broker and to a webhook hold up the pipeline: `aiw agent` over one source with
// `--out mqtt:…` and `--out webhook:…`, and without, in turns (A B B A …), each a run of its own, since the outputs of
// a run stay what they are. Prints the p50 of the latency of both runs of each pair and the median of their ratios;
// the target is within 10 % of 1. Ends with 1 when it is missed.
//
//   node bench/outputs.mjs                                  the built-in scene and detector, eight pairs of 30 s
//   node bench/outputs.mjs CLIP.mp4 MODEL.onnx --pairs 12 --seconds 60
//   node bench/outputs.mjs --receiver away --broker away    or another of those below
//
//   --receiver takes | slow | refuses | fails | hangs | away
//   --broker takes | silent | away
//   -- more flags of aiw agent
//
// Needs a built CLI and the dev dependencies (npm ci). Broker and receiver live in this process and take their share
// of the machine's cores in the runs with outputs alone, where elsewhere they would take none. Latencies are those of
// the frames in which something was found: `ai.detection` of `--out ndjson:-`, which both kinds of runs have.
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Aedes } from "aedes";
import { freePort } from "./camera-servers.mjs";
import { inTurns, median, streamRecords } from "./kit.mjs";

const TARGET = 0.1;
/** Frames at the start of a run that do not count. */
const WARM_UP = 30;
/** A run in which they don't come is ended so long after its start all the same, milliseconds. */
const PATIENCE_MS = 60_000;
/** How long the slow receiver has each request wait, milliseconds. */
const SLOW_MS = 2_000;

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2).filter((_, n, args) => !args.slice(0, n + 1).includes("--")),
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "8" },
    seconds: { type: "string", default: "30" },
    receiver: { type: "string", default: "slow" },
    broker: { type: "string", default: "takes" },
  },
});
const more = process.argv.includes("--") ? process.argv.slice(process.argv.indexOf("--") + 1) : [];
const [source = "synthetic:", model] = positionals;

const answer = (status) => (response) => response.writeHead(status).end();
const RECEIVERS = {
  takes: answer(204),
  slow: (response) => setTimeout(SLOW_MS, undefined, { ref: false }).then(() => answer(204)(response)),
  refuses: answer(400),
  fails: answer(500),
  hangs: () => {},
  away: undefined,
};
const BROKERS = ["takes", "silent", "away"];
const oneOf = (flag, value, known) => {
  if (!known.includes(value)) throw new Error(`--${flag} ${value}: known are ${known.join(", ")}`);
};
oneOf("receiver", options.receiver, Object.keys(RECEIVERS));
oneOf("broker", options.broker, BROKERS);

/** What came to each, in all runs: a receiver that nobody sends to holds up nobody. */
const came = { requests: 0, messages: 0, connections: 0 };

async function listening(server) {
  server.on("connection", (socket) => socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return server.address().port;
}

async function receiverPort() {
  const react = RECEIVERS[options.receiver];
  if (react === undefined) return freePort();
  const server = createHttpServer((request, response) => {
    came.requests += 1;
    request.resume().on("end", () => react(response));
  });
  return listening(server);
}

async function brokerPort() {
  if (options.broker === "away") return freePort();
  const count = () => (came.connections += 1);
  if (options.broker === "silent")
    return listening(createServer((socket) => void socket.resume()).on("connection", count));
  const broker = await Aedes.createBroker();
  broker.on("publish", (packet, client) => {
    if (client !== null) came.messages += 1;
  });
  return listening(createServer(broker.handle).on("connection", count));
}

const outputs = [
  ...["--out", `mqtt://127.0.0.1:${await brokerPort()}/bench`],
  // Each frame's, so that there is something to hold up the pipeline with.
  ...["--out", `webhook:http://127.0.0.1:${await receiverPort()}/hook#events=*`],
];

/** @returns {Promise<number>} p50 of the latency of a run with these outputs beside stdout, milliseconds */
async function runWith(outs) {
  const totals = [];
  let seen = 0;
  const flags = ["agent", "--source", source, "--realtime", "--loop", "--quiet", ...outs, ...more];
  if (model !== undefined) flags.push("--model", model);
  let onFirst = () => {};
  const first = new Promise((resolve) => (onFirst = resolve));
  let pid;
  const begun = Promise.race([first, setTimeout(PATIENCE_MS, undefined, { ref: false })]);
  const stop = begun.then(() => setTimeout(options.seconds * 1000, undefined, { ref: false }));
  // One that has ended by itself is told of by streamRecords.
  void stop.then(() => process.kill(pid, "SIGINT")).catch(() => {});
  await streamRecords(flags, {
    onStart: (started) => (pid = started),
    onRecord({ event, latency_ms: latency }) {
      if (event !== "ai.detection") return;
      seen += 1;
      if (seen === WARM_UP) onFirst();
      if (seen > WARM_UP) totals.push(latency.total);
    },
  });
  if (totals.length === 0)
    throw new Error(`nothing was found in ${source} after the first ${WARM_UP} frames`);
  return median(totals);
}

const seen = await inTurns(Number(options.pairs), [
  async () => ({ without: await runWith([]) }),
  async () => ({ with: await runWith(outputs) }),
]);
const ratios = seen.get("with").map((ms, n) => ms / seen.get("without")[n]);
const ratio = median(ratios);
const shown = (values, digits) => values.map((value) => value.toFixed(digits)).join(" ");
console.log(`a broker that: ${options.broker}, a receiver that: ${options.receiver}; came to them:`, came);
console.log(`p50 without outputs, ms: ${shown(seen.get("without"), 1)}`);
console.log(`with them:               ${shown(seen.get("with"), 1)}`);
console.log(
  `ratios: ${shown(ratios, 3)}; median ${ratio.toFixed(3)} (target: ${1 - TARGET} to ${1 + TARGET})`,
);
process.exitCode = Math.abs(ratio - 1) <= TARGET ? 0 : 1;

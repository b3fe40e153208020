// A worker that looks at no picture and takes a known time for each frame: what a bench reports of it can be
// computed. A process of its own, and its waits are timers, so that it takes no CPU from who measures it.
//
//   node bench/fake-worker.mjs --service exponential --mean-ms 40 --log times.txt
//
//   --service    constant, two-point (9 of 10 frames take 0.4 of the mean, the tenth 6.4) or exponential
//   --log FILE   one line a frame: the time that it really took, microseconds, from its first byte here to the
//                answer in the system's hands
//   --stop-at N  stops itself with SIGSTOP while it has the N-th frame; SIGCONT lets it go on
//
// Says "listening PORT" on stdout, and "stopping" before it stops itself. Needs a built CLI (npm ci).
import { Buffer } from "node:buffer";
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers";
import { parseArgs } from "node:util";
import { seededRandom } from "../dist/scene/random.js";
import { MessageSplitter } from "../dist/wire/framing.js";
import { ai } from "../dist/wire/gen/ai.js";
import { SERVICE_SHAPES } from "./queue-simulation.mjs";

const MAX_MESSAGE_BYTES = 50_000_000;
const { values: options } = parseArgs({
  options: {
    service: { type: "string", default: "constant" },
    "mean-ms": { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    log: { type: "string" },
    "stop-at": { type: "string" },
  },
});
const shape = SERVICE_SHAPES[options.service];
if (shape === undefined) throw new Error(`--service is one of ${Object.keys(SERVICE_SHAPES).join(", ")}`);
const log = options.log === undefined ? undefined : openSync(options.log, "w");

const nowUs = () => Number(process.hrtime.bigint() / 1000n);
const random = seededRandom(Number(options.seed));
const uniform = () => (random(2 ** 30) + 0.5) / 2 ** 30;
const nextServiceUs = () => Math.round(Number(options["mean-ms"]) * 1000 * shape(uniform()));

/** Calls `fn` when that time has come, at most a millisecond late: a timer counts whole ones. */
function at(dueUs, fn) {
  const leftMs = Math.ceil((dueUs - nowUs()) / 1000);
  setTimeout(() => (nowUs() >= dueUs ? fn() : at(dueUs, fn)), leftMs);
}

function send(socket, envelope) {
  const body = ai.Envelope.encode(envelope).finish();
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(body.length);
  socket.write(Buffer.concat([prefix, body]));
}

const initOk = {
  runtime: "fake 1.0",
  classNames: ["thing"],
  maxFrameBytes: MAX_MESSAGE_BYTES,
  modelId: "00".repeat(32),
  workerVersion: "fake",
  pixelFormats: ["RGB"],
};
let frames = 0;

function serve(socket, { seq, tsIso, tsMonoNs }, beganUs) {
  frames += 1;
  if (frames === Number(options["stop-at"])) {
    writeSync(1, "stopping\n");
    process.kill(process.pid, "SIGSTOP");
  }
  const receivedUs = nowUs();
  at(beganUs + nextServiceUs(), () => {
    const inferenceUs = nowUs() - receivedUs;
    const stages = { queueUs: 0, preprocessUs: 0, inferenceUs, postprocessUs: 0 };
    send(socket, { res: { result: { seq, tsIso, tsMonoNs, ...stages } } });
    if (log !== undefined) writeSync(log, `${nowUs() - beganUs}\n`);
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  const splitter = new MessageSplitter(MAX_MESSAGE_BYTES);
  let beganUs;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    beganUs ??= nowUs();
    for (const bytes of splitter.push(chunk)) {
      const { req, hb } = ai.Envelope.decode(bytes);
      if (req?.init) {
        send(socket, { res: { initOk } });
        send(socket, { res: { ready: { seq: 0 } } });
      }
      if (req?.frame) serve(socket, req.frame, beganUs);
      if (hb) send(socket, { hb: {} });
      // With one frame in flight nothing but a Heartbeat can follow in the same chunk.
      beganUs = undefined;
    }
  });
});
server.listen(0, "127.0.0.1", () => writeSync(1, `listening ${server.address().port}\n`));

// Frames through a proxy that cuts the link every 50 frames on average, and does worse: every offered frame has to
// be in exactly one place of the ledger. It is the test src/client/faults.test.ts with more frames.
//
//   node bench/faults.mjs                        10,000 frames, a worker that knows only the wire's table
//   node bench/faults.mjs --model yolo11n.onnx   the same with a worker of ours
//
//   --frames N, --seed N
//
// Prints one line of JSON a run: what the proxy did, and the ledger. Exit 1 where a frame is in no place or in two.
// Needs a built CLI and the dev dependencies (npm ci).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AIW } from "./kit.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    frames: { type: "string", default: "10000" },
    seed: { type: "string", default: "7" },
    model: { type: "string" },
  },
});

/** A worker of ours on a free port; its environment has no token for it to ask for. */
async function startWorker(model) {
  const args = [AIW, "worker", "--port", "0", "--model-dir", dirname(model), "--quiet"];
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of createInterface({ input: worker.stdout })) {
    const port = /listening on .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { worker, port };
  }
  throw new Error("the worker did not start");
}

const model = options.model === undefined ? undefined : resolve(options.model);
const started = model === undefined ? undefined : await startWorker(model);
const env = { ...process.env, AIW_FAULT_FRAMES: options.frames, AIW_FAULT_SEED: options.seed };
if (started !== undefined) Object.assign(env, { AIW_FAULT_WORKER: started.port, AIW_FAULT_MODEL: model });
const args = ["node_modules/vitest/vitest.mjs", "run", "--reporter=verbose", "src/client/faults.test.ts"];
const run = spawn(process.execPath, args, { cwd: ROOT, env, stdio: "inherit" });
const [code] = await once(run, "close");
started?.worker.kill("SIGTERM");
process.exitCode = code ?? 1;

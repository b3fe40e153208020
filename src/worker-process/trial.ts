import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { AiwError } from "../core/errors.js";
import { RingLines } from "../core/ring-lines.js";
import type { FrameFiles, Trial } from "../core/trial.js";
import { commandFailure, type FailedCommand } from "./command-failure.js";
import { environmentError } from "./environment-error.js";
import { killTree } from "./kill-tree.js";
import type { OptimizeStepOptions } from "./optimize-steps.js";
import { interrupted } from "./run-command.js";
import { workerEnv } from "./worker-command.js";

export interface TrialOptions extends OptimizeStepOptions {
  readonly model: string;
  readonly engine: string;
  /** Without it as many as the process may use. */
  readonly threads?: number | undefined;
  readonly frames: FrameFiles;
  readonly conf?: number | undefined;
  readonly iou?: number | undefined;
}

const ready = z.object({
  load_ms: z.number(),
  width: z.number(),
  height: z.number(),
  provider: z.string(),
  version: z.string(),
  threads: z.number(),
  rss_bytes: z.number(),
});
const times = z.object({ inference_us: z.array(z.number()) });
const row = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()]);
const detected = times.extend({ detections: z.array(z.array(row)) });

/**
 * Loads a model and warms it up.
 * @throws AiwError WORKER_REFUSED with the worker's own error, OUT_OF_MEMORY, WORKER_START, INTERRUPTED; no process is left
 */
export async function openTrial(options: TrialOptions): Promise<Trial> {
  const process = new TrialProcess(options);
  try {
    const facts = await process.answer(ready);
    const { load_ms: loadMs, rss_bytes: rssBytes, ...others } = facts;
    return {
      facts: { loadMs, rssBytes, ...others },
      time: async (runs) => (await process.ask({ time: runs }, times)).inference_us,
      detect: async (first, end) => (await process.ask({ detect: [first, end] }, detected)).detections,
      close: () => process.close(),
    };
  } catch (error) {
    await process.close();
    throw error;
  }
}

/** A process that answers lines with lines, one at a time. It ends when its stdin does: also when we die. */
class TrialProcess {
  private readonly child;
  private readonly exited: Promise<Pick<FailedCommand, "code" | "endedBy">>;
  private readonly answers: AsyncIterator<string>;
  private readonly stderr = new RingLines(200);
  private spawnError: Error | undefined;
  private closed = false;

  constructor(private readonly options: TrialOptions) {
    const { python, signal } = options;
    if (signal?.aborted) throw interrupted(signal);
    this.child = spawn(python, argumentsOf(options), {
      env: workerEnv({ ...options, args: [] }),
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      // A group of its own, so that a terminal's Ctrl-C comes to us alone.
      detached: process.platform !== "win32",
    });
    // What it says of a broken pipe, its end says too.
    this.child.stdin.on("error", () => undefined);
    this.child.stderr.setEncoding("utf8").on("data", (chunk: string) => this.stderr.push(chunk));
    this.exited = new Promise((resolve) => {
      this.child.once("close", (code, endedBy) => resolve({ code, endedBy }));
      this.child.once("error", (error) => {
        this.spawnError = error;
        if (this.child.pid === undefined) resolve({ code: null });
      });
    });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    signal?.addEventListener("abort", this.kill, { once: true });
  }

  ask<T>(question: unknown, schema: z.ZodType<T>): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(question)}\n`);
    return this.answer(schema);
  }

  async answer<T>(schema: z.ZodType<T>): Promise<T> {
    const { value, done } = await this.answers.next();
    const { model, engine, signal } = this.options;
    if (signal?.aborted) throw interrupted(signal);
    const doing = `trying ${model} with ${engine}`;
    try {
      if (done !== true) return schema.parse(JSON.parse(value));
    } catch (cause) {
      // Of an answer that was cut off, its end says more.
      if (!this.child.stdout.readableEnded) {
        const detail = this.stderr.last(200).join("\n");
        throw new AiwError("WORKER_START", `${doing}: its answer is not understood`, { cause, detail });
      }
    }
    const ended = await this.exited;
    if (signal?.aborted) throw interrupted(signal);
    const lines = this.stderr.last(200);
    // That we have ended it says nothing of memory.
    const endedBy = this.closed ? null : ended.endedBy;
    const failed = { doing, code: ended.code, endedBy, lines, failure: this.spawnError?.message };
    throw environmentError(commandFailure(failed), this.options);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.options.signal?.removeEventListener("abort", this.kill);
    this.child.stdin.end();
    // It holds nothing that could be lost, and an engine may take its time to unload.
    this.kill();
    await this.exited;
  }

  private readonly kill = () => killTree(this.child, "SIGKILL");
}

function argumentsOf({ model, engine, threads, frames, conf, iou, debug }: TrialOptions): string[] {
  const given = { threads, conf, iou };
  return [
    // With "=" a path may begin with a dash.
    ...["-m", "aiw_worker.optimize", "trial", `--model=${model}`, `--engine=${engine}`],
    ...[`--pixels=${frames.pixels}`, `--sizes=${frames.sizes}`],
    ...Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    ...(debug ? ["--debug"] : []),
  ];
}

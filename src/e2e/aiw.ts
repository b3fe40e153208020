import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const BIN = fileURLToPath(new URL("../../bin/aiw.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it wrote to stdout so far. */
  stdout(): string;
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** Resolves when stdout has matched. */
  sees(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when stderr has matched. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
}

/**
 * Starts the built CLI as a user would.
 * @param launcher a command line that runs the rest of its own
 */
export function startAiw(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  stdin?: Buffer,
  launcher: readonly string[] = [],
): Running {
  const [command = process.execPath, ...rest] = [...launcher, process.execPath, BIN, ...args];
  const child = spawn(command, rest, {
    env: { ...process.env, ...env },
    stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  const waiting: (() => void)[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    for (const check of waiting) check();
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    for (const check of waiting) check();
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(stdin);
  const finished = new Promise<Finished>((done) => {
    child.once("close", (code, signal) => done({ code, signal, stdout, stderr }));
  });
  const matches = (text: () => string, pattern: RegExp) =>
    new Promise<RegExpExecArray>((found, failed) => {
      const check = () => {
        const match = pattern.exec(text());
        if (match !== null) found(match);
      };
      waiting.push(check);
      check();
      void finished.then(() => failed(new Error(`ended without ${pattern}: ${stderr}`)));
    });
  return {
    child,
    finished,
    stdout: () => stdout,
    stderr: () => stderr,
    sees: (p) => matches(() => stdout, p),
    says: (p) => matches(() => stderr, p),
  };
}

export function aiw(args: readonly string[], env: NodeJS.ProcessEnv = {}, stdin?: Buffer): Promise<Finished> {
  return startAiw(args, env, stdin).finished;
}

/** Process ids of the children of a process, from /proc. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** Test data beside the checkout; a user's clone does not have it, and then the tests that need it skip. */
const SHARED = resolve(process.env.AIW_SHARED ?? "../shared");
export const hasShared = existsSync(SHARED);
export const shared = (path: string) => resolve(SHARED, path);
export const model = (name: string) => shared(`models/${name}.onnx`);
export const media = (name: string) => shared(`media/${name}`);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads records as anyone outside would
export type Json = any;

export function jsonLines(text: string): Json[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The worker's process of a CLI that has started one, once it is there. */
export function workerOf(pid: number): number | undefined {
  return childrenOf(pid).find((child) =>
    readFileSync(`/proc/${child}/cmdline`, "utf8").includes("aiw_worker"),
  );
}

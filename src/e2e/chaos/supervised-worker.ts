import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Running, startAiw, workerOf } from "../aiw.js";

/** How a worker may come to its end: its process or the command that started it killed, or asked politely. */
export type WorkerEnding = "kill worker" | "kill command" | "terminate";

const PAGE_BYTES = 4096;

/** `aiw worker` under a supervisor, as it is left running for months: whatever ends it, it is started again. */
export class SupervisedWorker {
  /** Every process that was ever started here; none may be left at the end. */
  readonly pids = new Set<number>();
  private constructor(
    private readonly args: readonly string[],
    private readonly env: NodeJS.ProcessEnv,
    private command: Running,
    /** Of 127.0.0.1; another one after each start. */
    public port: number,
  ) {}

  static async start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<SupervisedWorker> {
    const command = startCommand(args, env);
    const worker = new SupervisedWorker(args, env, command, await listening(command));
    worker.note();
    return worker;
  }

  /** The worker itself, not the command that started it. */
  get pid(): number {
    const pid = workerOf(this.command.child.pid!);
    if (pid === undefined) throw new Error("the worker is gone");
    return pid;
  }

  /** Starts another in the place of one that has ended. */
  async startAgain(): Promise<void> {
    this.command = startCommand(this.args, this.env);
    this.port = await listening(this.command);
    this.note();
  }

  async end(ending: WorkerEnding): Promise<void> {
    const { child } = this.command;
    // Not the end of its streams, which an orphan would hold open.
    const ended = once(child, "exit");
    if (ending === "kill worker") process.kill(this.pid, "SIGKILL");
    else child.kill(ending === "terminate" ? "SIGTERM" : "SIGKILL");
    await ended;
  }

  /** Resolves when the worker that runs now has unloaded its models once more, for want of clients. */
  async unloads(): Promise<void> {
    const before = this.command.stderr().match(/models unloaded/g)?.length ?? 0;
    await this.command.says(new RegExp(`(?:models unloaded[^]*?){${before + 1}}`));
  }

  /** Memory of the worker that is resident, megabytes. */
  residentMb(): number {
    const pages = Number(readFileSync(`/proc/${this.pid}/statm`, "utf8").split(" ")[1]);
    return (pages * PAGE_BYTES) / 1e6;
  }

  private note(): void {
    this.pids.add(this.command.child.pid!);
    this.pids.add(this.pid);
  }
}

function startCommand(args: readonly string[], env: NodeJS.ProcessEnv): Running {
  return startAiw(["worker", "--port", "0", ...args], env);
}

async function listening(command: Running): Promise<number> {
  return Number((await command.sees(/listening on 127\.0\.0\.1:(\d+)/))[1]);
}

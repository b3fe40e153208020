import type { WorkerExit } from "./worker-process.js";

/** How a worker's process ended, for people: "exit code 1", "signal SIGKILL". */
export function howItEnded({ code, signal }: WorkerExit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** "; it said last: …", where it had the time to say why: what a signal ended had none. */
export function lastSaid({ signal, lastWords }: WorkerExit): string {
  const words = signal === null ? lastWords.at(-1) : undefined;
  return words === undefined ? "" : `; it said last: ${words}`;
}

/** The end of a process, where it comes within that time. */
export async function endWithin(
  exited: Promise<WorkerExit>,
  withinMs: number,
): Promise<WorkerExit | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, withinMs, undefined);
  });
  const end = await Promise.race([exited, timeout]);
  clearTimeout(timer);
  return end;
}

/** How long an interrupted command still waits for whoever reads what it writes, milliseconds. */
export const STALLED_READER_MS = 500;

/**
 * Waits for something, without end as long as nothing interrupts, and once interrupted for a while more.
 * @param graceMs how long that is, milliseconds; asked for when it is interrupted
 * @param wait is told by its signal when to give up
 */
export async function withGrace(
  interrupt: AbortSignal,
  graceMs: () => number,
  wait: (giveUp: AbortSignal) => Promise<void>,
): Promise<void> {
  const giveUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onInterrupt = () => {
    timer = setTimeout(() => giveUp.abort(), graceMs());
  };
  if (interrupt.aborted) onInterrupt();
  else interrupt.addEventListener("abort", onInterrupt);
  try {
    await wait(giveUp.signal);
  } finally {
    interrupt.removeEventListener("abort", onInterrupt);
    clearTimeout(timer);
  }
}

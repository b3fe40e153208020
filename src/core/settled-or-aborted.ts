/**
 * Resolves when the promise has settled or the signal aborts, whichever is first. Nothing stays behind on
 * a signal that outlives many promises, and a promise that fails later fails unheard.
 * @throws what the promise rejects with
 */
export async function settledOrAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort: () => void = () => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) resolve();
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

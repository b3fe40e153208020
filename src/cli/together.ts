/**
 * Does two things at once. When one fails the other is aborted, and what it may still have brought
 * is closed before the error is thrown.
 */
export async function together<A extends Closable, B extends Closable>(
  first: (signal: AbortSignal) => Promise<A>,
  second: (signal: AbortSignal) => Promise<B>,
  signal: AbortSignal,
): Promise<[A, B]> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    stop.abort(error);
    return undefined;
  };
  const [a, b] = await Promise.all([first(stop.signal).catch(fail), second(stop.signal).catch(fail)]);
  signal.removeEventListener("abort", abort);
  if (a !== undefined && b !== undefined && failure === undefined) return [a, b];
  await Promise.all([a?.close(), b?.close()]);
  throw failure?.error;
}

interface Closable {
  close(): Promise<void>;
}

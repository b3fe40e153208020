interface Closable {
  close(): Promise<void>;
}

/**
 * Does two things at once. When one fails the other is aborted, and what it may still have brought
 * is closed before the error is thrown.
 * @param start starts both; its signal aborts with the outer one, and when either fails
 */
export async function together<A extends Closable, B extends Closable>(
  start: (signal: AbortSignal) => readonly [Promise<A>, Promise<B>],
  outer: AbortSignal,
): Promise<[A, B]> {
  const stop = new AbortController();
  const abort = () => stop.abort(outer.reason);
  if (outer.aborted) abort();
  outer.addEventListener("abort", abort);
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    stop.abort(error);
    return undefined;
  };
  const [first, second] = start(stop.signal);
  const [a, b] = await Promise.all([first.catch(fail), second.catch(fail)]);
  outer.removeEventListener("abort", abort);
  if (a !== undefined && b !== undefined && failure === undefined) return [a, b];
  await Promise.all([a?.close(), b?.close()]);
  throw failure?.error;
}

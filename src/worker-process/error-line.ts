/** An error as a Python program of ours names it on stderr. */
export interface NamedError {
  readonly workerName: string;
  readonly message: string;
}

const ERROR_LINE = /^aiw-worker: error ([A-Z][A-Z0-9_]*): (.*)$/;

/** The last error that was named; with --debug a traceback of any length follows its line. */
export function findErrorLine(lines: readonly string[]): NamedError | undefined {
  for (const line of lines.toReversed()) {
    const [, workerName, message] = ERROR_LINE.exec(line) ?? [];
    if (workerName !== undefined && message !== undefined) return { workerName, message };
  }
  return undefined;
}

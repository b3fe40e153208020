import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { outputFailed } from "./output-failed.js";
import { StdoutWriter } from "./stdout.js";

/** Takes records, one line of JSON each. */
export interface RecordSink {
  /** @throws OUTPUT_FAILED; what was written before are whole lines */
  write(record: object): void;
  /** Resolves when whoever takes the records has caught up; undefined where it has. */
  caughtUp(): Promise<void> | undefined;
  /** Resolves when everything is written; idempotent. @throws OUTPUT_FAILED */
  close(): Promise<void>;
}

/** @param target a file's path, or "-" for stdout */
export function openNdjson(target: string): RecordSink {
  return target === "-" ? stdoutSink() : fileSink(target);
}

function stdoutSink(): RecordSink {
  const stdout = new StdoutWriter();
  return {
    write: (record) => stdout.write(`${JSON.stringify(record)}\n`),
    caughtUp: () => stdout.caughtUp(),
    close: () => stdout.flush(),
  };
}

/** Written at once, so that whoever reads the file sees whole lines whatever happens to us. */
function fileSink(path: string): RecordSink {
  let fd: number | undefined;
  try {
    fd = openSync(path, "w");
  } catch (error) {
    throw outputFailed(path, error);
  }
  return {
    write(record) {
      if (fd === undefined) return;
      try {
        writeLine(fd, `${JSON.stringify(record)}\n`);
      } catch (error) {
        throw outputFailed(path, error);
      }
    },
    caughtUp: () => undefined,
    async close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

/** Writes a whole line, or (a disk that fills in the middle of it) takes its beginning away again. */
function writeLine(fd: number, line: string): void {
  const bytes = Buffer.from(line);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written);
  } catch (error) {
    const { size } = fstatSync(fd);
    if (fstatSync(fd).isFile() && written > 0) ftruncateSync(fd, size - written);
    throw error;
  }
}

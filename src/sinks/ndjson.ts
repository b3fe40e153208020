import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { AiwError, systemCode } from "../core/errors.js";

/** Takes records, one line of JSON each. */
export interface RecordSink {
  /** @throws OUTPUT_FAILED; what was written before are whole lines */
  write(record: object): void;
  /** Resolves when everything is written; idempotent. */
  close(): Promise<void>;
}

/** @param target a file's path, or "-" for stdout */
export function openNdjson(target: string): RecordSink {
  return target === "-" ? stdoutSink() : fileSink(target);
}

function stdoutSink(): RecordSink {
  const { stdout } = process;
  let failure: AiwError | undefined;
  const onError = (error: Error) => {
    failure = new AiwError("OUTPUT_FAILED", `stdout: ${systemCode(error) ?? error.message}`, {
      cause: error,
    });
  };
  stdout.on("error", onError);
  return {
    write(record) {
      if (failure !== undefined) throw failure;
      stdout.write(`${JSON.stringify(record)}\n`);
    },
    close: () =>
      new Promise((resolve) => {
        // An empty write is called back after all that came before it; its error is the reader's going.
        stdout.write("", () => resolve());
      }),
  };
}

/** Written at once, so that whoever reads the file sees whole lines whatever happens to us. */
function fileSink(path: string): RecordSink {
  const failed = (error: unknown) =>
    new AiwError("OUTPUT_FAILED", `${path} cannot be written (${systemCode(error) ?? String(error)})`, {
      cause: error,
    });
  let fd: number | undefined;
  try {
    fd = openSync(path, "w");
  } catch (error) {
    throw failed(error);
  }
  return {
    write(record) {
      if (fd === undefined) return;
      try {
        writeLine(fd, `${JSON.stringify(record)}\n`);
      } catch (error) {
        throw failed(error);
      }
    },
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

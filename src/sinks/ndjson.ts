import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import { detectionRecord } from "../results/record.js";
import type { OutcomeSink } from "./outcome-sink.js";
import { outputFailed } from "./output-failed.js";
import { StdoutWriter } from "./stdout.js";

type LineOf = (outcome: FrameOutcome) => string;

/**
 * The detection record of each frame, a line of JSON.
 * @param target a file's path, or "-" for stdout
 * @param modelId SHA-256 of the model file, hex
 */
export function openNdjson(target: string, modelId: string): OutcomeSink {
  const lineOf: LineOf = (outcome) => `${JSON.stringify(detectionRecord(outcome, modelId))}\n`;
  return target === "-" ? stdoutSink(lineOf) : fileSink(target, lineOf);
}

function stdoutSink(lineOf: LineOf): OutcomeSink {
  const stdout = new StdoutWriter();
  return {
    write: (outcome) => stdout.write(lineOf(outcome)),
    caughtUp: () => stdout.caughtUp(),
    close: (giveUp) => settledOrAborted(stdout.flush(), giveUp),
  };
}

/** Written at once, so that whoever reads the file sees whole lines whatever happens to us. */
function fileSink(path: string, lineOf: LineOf): OutcomeSink {
  let fd: number | undefined;
  try {
    fd = openSync(path, "w");
  } catch (error) {
    throw outputFailed(path, error);
  }
  return {
    write(outcome) {
      if (fd === undefined) return;
      try {
        writeLine(fd, lineOf(outcome));
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

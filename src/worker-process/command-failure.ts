import { AiwError, type ErrorCode } from "../core/errors.js";
import { findErrorLine } from "./error-line.js";

/** How a program of the worker's package ended without what was asked of it. */
export interface FailedCommand {
  /** What it was to do, for the message: "describing yolo11s.onnx". */
  readonly doing: string;
  /** Its exit code; null where a signal ended it, or it could not be run at all. */
  readonly code: number | null;
  /** Why it could not be run, or was killed. */
  readonly failure?: string | undefined;
  /** The signal that ended it, where one did. */
  readonly endedBy?: NodeJS.Signals | null | undefined;
  /** The last lines that it wrote. */
  readonly lines: readonly string[];
}

/**
 * The worker's own words where it named an error; what is said of a model says the way out, of anything
 * else only --debug knows more.
 */
export function commandFailure({ doing, code, failure, endedBy, lines }: FailedCommand): AiwError {
  const detail = lines.join("\n");
  const named = findErrorLine(lines);
  if (named !== undefined) {
    const { workerName, message } = named;
    return new AiwError(errorCode(workerName), message, { workerName, detail });
  }
  if (failure === undefined && ranOutOfMemory(endedBy, lines)) {
    const how = endedBy === "SIGKILL" ? "it was killed, as where memory runs out" : "memory ran out";
    return new AiwError("OUT_OF_MEMORY", `${doing}: ${how}`, { detail });
  }
  const ended = code === null ? `${endedBy ?? "a signal"} ended the worker` : `exit code ${code}`;
  const last = lines.at(-1);
  const said = last === undefined ? "" : `: ${last}`;
  return new AiwError("WORKER_START", `${doing}: ${failure ?? ended}${said}`, { detail });
}

/** The kernel ends who takes too much of it; and where C++ is refused some, it says so and aborts. */
function ranOutOfMemory(endedBy: FailedCommand["endedBy"], lines: readonly string[]): boolean {
  return endedBy === "SIGKILL" || lines.some((line) => /bad_alloc|Cannot allocate memory/i.test(line));
}

function errorCode(workerName: string): ErrorCode {
  if (workerName === "OUTPUT_FAILED") return "OUTPUT_FAILED";
  const isOfModel = workerName.startsWith("MODEL_") || workerName === "QUANTIZE_FAILED";
  return isOfModel || workerName === "OUT_OF_MEMORY" ? "WORKER_REFUSED" : "WORKER_START";
}

import { printable } from "./printable.js";

/** How a command ends; see the README. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  gateFailed: 3,
  gateInsufficient: 4,
  interrupted: 130,
} as const;

interface ErrorClass {
  readonly exit: number;
  /** One sentence that says the way out. */
  readonly advice: string;
}

const failed = (advice: string): ErrorClass => ({ exit: ExitCode.failed, advice });
const usage = (advice: string): ErrorClass => ({ exit: ExitCode.usage, advice });

/** Every error code of the client, with its one exit code and its one sentence of advice. */
const ERROR_TABLE = {
  USAGE: usage("See --help."),
  CONFIG_INVALID: usage("Correct the file, or name another with --config."),
  NO_MODEL: usage(
    "Give one with --model FILE.onnx (yolo export model=yolo11n.pt format=onnx), or look at synthetic:, which needs none.",
  ),

  MODEL_NOT_FOUND: failed(
    "Check the path, or export one (yolo export model=yolo11n.pt format=onnx); to look at synthetic: none is needed.",
  ),
  MODEL_NOT_EXPORTED: failed(
    "Run it, or have it run: aiw init --model FILE.pt --export; it is of the package ultralytics, whose licence is AGPL-3.0.",
  ),
  MODEL_NOT_ONNX: failed("Give the .onnx file, exported with: yolo export model=NAME.pt format=onnx."),
  MODEL_NOT_FETCHED: failed("Fetch it with: git lfs pull."),
  MODEL_NOT_A_FILE: failed("Name the .onnx file itself."),
  MODEL_EMPTY: failed("Copy or download it again."),
  MODEL_UNREADABLE: failed("Check its permissions."),
  MODEL_STALE: failed("Optimise it anew with aiw init --optimize, or run the model itself with --model."),
  ORIGINAL_GONE: failed(
    "Name the original where it is now, with --model PATH, or keep the optimised model as it is: run aiw init without --optimize.",
  ),
  OPTIMIZE_UNJUDGED: failed(
    "Give --calibrate a longer source or one in which the model sees more, lower conf in aiw.yaml, or accept what can't be judged with --allow-unverified.",
  ),
  EXPORT_FAILED: failed(
    "Run with --debug to see all that it said, or export by hand: yolo export model=FILE.pt format=onnx.",
  ),
  SOURCE_NOT_FOUND: failed("Check the source's path."),
  SOURCE_EMPTY: failed("Give a picture, a folder or glob of pictures, a video file, or synthetic:."),
  SOURCE_UNDECODABLE: failed("Check that the file is whole and of a kind that is known."),
  SOURCE_FRAME_SIZE: failed("Make --size and --pixel-format agree with the bytes that are sent."),
  SOURCE_LOST: failed("Check that the camera or stream is still there."),
  FFMPEG_MISSING: failed("Install ffmpeg, or set AIW_FFMPEG to its path."),
  FFMPEG_FAILED: failed("Run with --debug to see all that ffmpeg said."),

  PYTHON_MISSING: failed("Install Python 3.10 or later, or set AIW_PYTHON to an interpreter."),
  PYTHON_UNUSABLE: failed("Set AIW_PYTHON to a Python >= 3.10 that has the worker's packages, or unset it."),
  VENV_MISSING: failed("Install that package, install uv, or set AIW_PYTHON."),
  ENV_FAILED: failed("Check the network and the free space of the cache folder, then run it again."),
  CACHE_UNUSABLE: failed("Set AIW_CACHE to a folder that can be written."),
  ENV_OFFLINE: failed(
    "Only this step needs the network. By hand: install worker/requirements.lock of this package (with OpenVINO requirements-openvino.lock, with CUDA requirements-cuda.lock) into a virtual environment from a folder of wheels, and set AIW_PYTHON to its interpreter; see docs/models.md, Without a network.",
  ),
  ENGINE_MISSING: failed(
    "Use another: --engine onnxruntime, --device cpu. Into an interpreter that AIW_PYTHON names, install it with pip, or unset AIW_PYTHON.",
  ),
  ENV_DAMAGED: failed(
    "Run `aiw init`, which makes it anew where its files are gone or altered; `aiw doctor` says more.",
  ),
  ENV_LOCKED: failed("Wait until the other aiw command has made the environment, then run it again."),

  WORKER_START: failed("Run `aiw doctor`, or with --debug to see all that the worker said."),
  WORKER_UNREACHABLE: failed("Check that `aiw worker` runs there and that --worker names its host and port."),
  TLS_FAILED: failed("Check --worker, --tls-ca, --tls-cert and --tls-key."),
  WORKER_LOST: failed("Run with --debug to see the worker's log."),
  WORKER_CRASHED: failed("Run with --debug to see the worker's log; another --engine may not crash."),
  // The worker's own message says the way out.
  WORKER_REFUSED: failed(""),
  WORKER_TIMEOUT: failed("Look at the worker's log."),
  PROTOCOL: failed(
    "Check that both ends speak aiw's protocol and that nothing between them alters the bytes.",
  ),
  FRAME_TOO_LARGE: failed("Send smaller frames with --size."),
  FRAME_NOT_ENCODED: failed("Send it raw with --pixel-format rgb24, or smaller with --size."),

  OUT_OF_MEMORY: failed("Free some, allow more of it, or take a smaller model."),
  CHECK_TIMEOUT: failed("Look what hangs there, and run it again."),
  LISTEN_FAILED: failed("Give another HOST:PORT; port 0 takes a free one."),
  OUTPUT_FAILED: failed("Check the target's path, permissions and free space."),
  SESSION_NOT_FOUND: failed("See aiw sessions list."),
  SESSIONS_UNREADABLE: failed("Check the folder's permissions, or name another with --sessions-dir."),
  SESSIONS_NOT_PRUNED: failed("Check the folder's permissions, and run it again."),
  CLASS_UNKNOWN: usage("Give names or ids of the model's own classes."),
  GATE_FAILED: { exit: ExitCode.gateFailed, advice: "" },
  GATE_INSUFFICIENT: { exit: ExitCode.gateInsufficient, advice: "" },
  REPORT_INVALID: usage("Give a report that `aiw bench --json FILE` has written."),
  SLICE_FAILED: failed(""),
  REGRESSION: { exit: ExitCode.gateFailed, advice: "" },
  NOT_COMPARABLE: {
    exit: ExitCode.gateInsufficient,
    advice:
      "Measure both in one job with aiw bench --against, or have them judged all the same with --allow-differences.",
  },
  COMPARISON_INSUFFICIENT: { exit: ExitCode.gateInsufficient, advice: "" },
  NO_RESULTS: failed("Look at the errors and drops above."),
  INTERRUPTED: { exit: ExitCode.interrupted, advice: "" },
  INTERNAL: failed("This is a defect of aiw: run with --debug and report what it prints."),
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export const ERROR_CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

export interface AiwErrorOptions {
  cause?: unknown;
  /** The worker's own name of the error ("MODEL_NOT_FOUND"), shown in place of the code. */
  workerName?: string;
  /** After how long the same request may succeed, milliseconds; absent where it never will. */
  retryAfterMs?: number | undefined;
  /** More than the one line, shown with --debug only (what a subprocess printed). */
  detail?: string;
}

/**
 * The one error that is meant for people: a stable code and one line that says what is wrong, with
 * the value that is wrong. The way out and the exit code follow from the code.
 */
export class AiwError extends Error {
  override readonly name = "AiwError";
  readonly code: ErrorCode;
  readonly workerName: string | undefined;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: AiwErrorOptions = {}) {
    super(oneLine(message), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.workerName = options.workerName;
    this.detail = options.detail;
    this.retryAfterMs = options.retryAfterMs;
  }

  get exitCode(): number {
    return ERROR_TABLE[this.code].exit;
  }

  get advice(): string {
    return ERROR_TABLE[this.code].advice;
  }
}

/** Whether more memory would have helped. */
export function lacksMemory(error: AiwError): boolean {
  return error.code === "OUT_OF_MEMORY" || error.workerName === "OUT_OF_MEMORY";
}

/** Any thrown value as an AiwError; what is not one already is a defect of ours. */
export function toAiwError(thrown: unknown): AiwError {
  if (thrown instanceof AiwError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AiwError("INTERNAL", message, { cause: thrown });
}

/** The system's code of an error ("ENOENT"), if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n]+\s*/g, " ").trim());
}

import { type Command, Option } from "commander";
import { DEVICES, ENGINES, LOG_FORMATS, PIXEL_FORMATS } from "../config/choices.js";
import type { SettingName } from "../config/settings.js";

/** One flag of the contract. */
export interface Flag {
  /** As commander reads it: "--conf <fraction>". */
  readonly syntax: string;
  readonly help: string;
  /** The setting that it gives; a flag without one is read by its command. */
  readonly setting?: SettingName;
  /** Given to the Python worker as it is, which checks its value. */
  readonly handedOn?: true;
  /** May be given more than once. */
  readonly repeatable?: true;
  /** What it means without its value. */
  readonly bare?: string;
}

const choice = (values: readonly string[]) => values.join("|");

export const GENERAL_FLAGS: readonly Flag[] = [
  { syntax: "--config <file>", help: "configuration file (default: aiw.yaml, found upward from here)" },
  { syntax: "--quiet", help: "only errors on stderr", setting: "quiet" },
  { syntax: "--debug", help: "also stack traces and the worker's log" },
  { syntax: `--log-format <${choice(LOG_FORMATS)}>`, help: "how logs are written", setting: "log_format" },
];

/** What a worker that --worker names may ask for. */
const ACCESS_FLAGS: readonly Flag[] = [
  {
    syntax: "--token-file <file>",
    help: "token that the worker asks for (or AIW_TOKEN, the token itself)",
    setting: "token_file",
  },
  {
    syntax: "--tls-ca <file>",
    help: "who signed the certificate of a tls:// worker (default: those that Node knows)",
    setting: "tls_ca",
  },
  {
    syntax: "--tls-cert <file>",
    help: "our certificate, for a worker that asks for one",
    setting: "tls_cert",
  },
  { syntax: "--tls-key <file>", help: "its key", setting: "tls_key" },
];

/** Flags of every command that runs a model on frames. */
export const COMMON_FLAGS: readonly Flag[] = [
  {
    syntax: "--model <file>",
    help: "ONNX model, or shape:yolo11s (random weights); with --worker, as that worker sees it",
    setting: "model",
  },
  {
    syntax: "--source <uri...>",
    help: "picture, folder, glob, video, -, /dev/videoN, rtsp://, http://, synthetic:",
    setting: "source",
  },
  {
    syntax: "--camera [uri...]",
    help: "camera or stream, several at once; without a value the first local one; list shows those",
    setting: "camera",
    bare: "default",
  },
  {
    syntax: "--worker <host:port>",
    help: "connect to this worker instead of starting one; tls://HOST:PORT with TLS",
    setting: "worker",
  },
  ...ACCESS_FLAGS,
  { syntax: "--conf <fraction>", help: "least confidence reported (default: 0.35)", setting: "conf" },
  { syntax: "--iou <fraction>", help: "overlap above which NMS suppresses (default: 0.45)", setting: "iou" },
  { syntax: "--classes <list>", help: "classes to report, names or ids: person,car", setting: "classes" },
  { syntax: "--size <WxH|native>", help: "fit frames into this size (default: 640x480)", setting: "size" },
  {
    syntax: `--pixel-format <${choice(PIXEL_FORMATS)}>`,
    help: "what frames are sent as (default: auto: raw here, JPEG across a network)",
    setting: "pixel_format",
  },
  { syntax: `--engine <${choice(ENGINES)}>`, help: "inference engine (default: auto)", setting: "engine" },
  { syntax: `--device <${choice(DEVICES)}>`, help: "where inference runs (default: cpu)", setting: "device" },
  {
    syntax: "--require-provider <name>",
    help: "fail unless this execution provider started",
    setting: "require_provider",
  },
  {
    syntax: "--threads <n>",
    help: "threads of one inference (default: the cores there are)",
    setting: "threads",
  },
  { syntax: "--fps <n>", help: "offer frames at this rate", setting: "fps" },
  { syntax: "--frames <n>", help: "stop after this many frames", setting: "frames" },
  { syntax: "--duration <time>", help: "stop after this time: 30s, 2m", setting: "duration" },
  { syntax: "--loop", help: "start again at the end of a file", setting: "loop" },
  { syntax: "--realtime", help: "play a file at its own rate", setting: "realtime" },
];

const METRICS_FLAG: Flag = {
  syntax: "--metrics <host:port>",
  help: "serve Prometheus metrics, /healthz and /readyz here, while it runs (port 0: a free one)",
  setting: "metrics",
};

export const RUN_FLAGS: readonly Flag[] = [
  {
    syntax: "--out <kind:target>",
    help: "where detections go: ndjson:FILE, ndjson:-, jpeg:DIR for annotated pictures (default: ndjson:-)",
    setting: "out",
    repeatable: true,
  },
  METRICS_FLAG,
];

const MAX_REGRESSION: Flag = {
  syntax: "--max-regression <percent>",
  help: "exit 3 when head is worse than base by more than this (default: 5%)",
  setting: "max_regression",
};

export const COMPARE_FLAGS: readonly Flag[] = [
  MAX_REGRESSION,
  { syntax: "--allow-differences", help: "judge reports of different machines or settings too" },
  { syntax: "--json <file|->", help: "write the comparison as JSON", setting: "json" },
  { syntax: "--markdown <file|->", help: "write the comparison as Markdown", setting: "markdown" },
];

export const BENCH_FLAGS: readonly Flag[] = [
  { syntax: "--warmup <time>", help: "run before the measured one (default: 3s)", setting: "warmup" },
  { syntax: "--json <file|->", help: "write the report as JSON", setting: "json" },
  { syntax: "--junit <file|->", help: "write the gates as JUnit XML", setting: "junit" },
  { syntax: "--markdown <file|->", help: "write the report as Markdown", setting: "markdown" },
  { syntax: "--html <file|->", help: "write the report as one HTML page", setting: "html" },
  {
    syntax: "--gate <condition>",
    help: "exit 3 unless it holds, 4 if that cannot be judged: 'p95<150ms', 'drops<=5%', 'recall>=95%'",
    setting: "gates",
    repeatable: true,
  },
  {
    syntax: "--max-duration <time>",
    help: "go on for up to this long until the gates have samples enough",
    setting: "max_duration",
  },
  {
    syntax: "--against <command>",
    help: "compare with another aiw bench, in turns with it: a command line, or flags that differ: '--threads 1'",
  },
  MAX_REGRESSION,
  {
    syntax: "--find-max",
    help: "search the highest rate that passes the gates (default: p95<150ms and drops<=5%)",
    setting: "find_max",
  },
  { syntax: "--sweep <fps=list>", help: "measure at several rates: fps=2,4,8,12", setting: "sweep" },
  { syntax: "--require-stable", help: "exit 4 unless the run was stable", setting: "require_stable" },
  {
    syntax: "--out <kind:target>",
    help: "also write detections: ndjson:FILE, ndjson:-, jpeg:DIR",
    setting: "out",
    repeatable: true,
  },
];

export const WORKER_FLAGS: readonly Flag[] = [
  { syntax: "--host <address>", help: "listen here (default: 127.0.0.1)" },
  { syntax: "--port <n>", help: "port, 0 = a free one, said on stdout (default: 7001)" },
  {
    syntax: "--model-dir <dir>",
    help: "where models may be loaded from (default: the working folder, and /models where it exists)",
    repeatable: true,
  },
  { syntax: `--engine <${choice(ENGINES)}>`, help: "inference engine (default: auto)", setting: "engine" },
  { syntax: `--device <${choice(DEVICES)}>`, help: "where inference runs (default: cpu)", setting: "device" },
  {
    syntax: "--threads <n>",
    help: "threads of one inference (default: the cores there are)",
    setting: "threads",
  },
  { syntax: "--insecure", help: "listen beyond loopback without token or TLS" },
  {
    syntax: "--idle-timeout <seconds>",
    help: "unload models that nobody used for so long (default: 60)",
    handedOn: true,
  },
  { syntax: "--sessions-dir <dir>", help: "write the detections of each session here", handedOn: true },
  { syntax: "--max-clients <n>", help: "clients served at once (default: 64)", handedOn: true },
  { syntax: "--max-models <n>", help: "models loaded at once (default: 4)", handedOn: true },
  {
    syntax: "--token-file <file>",
    help: "token that clients must know (or AIW_TOKEN, AIW_TOKEN_FILE)",
    handedOn: true,
  },
  { syntax: "--tls-cert <file>", help: "certificate to serve TLS with, PEM", handedOn: true },
  { syntax: "--tls-key <file>", help: "its key, PEM (default: it is in that file)", handedOn: true },
  {
    syntax: "--tls-client-ca <file>",
    help: "who must have signed the certificates of clients, PEM",
    handedOn: true,
  },
  {
    syntax: "--metrics <host:port>",
    help: "serve Prometheus metrics, /healthz and /readyz here, to everybody",
    handedOn: true,
  },
];

/** Of those that run a model on frames, what makes no sense for cameras that are watched for months. */
const NOT_FOR_AGENT: ReadonlySet<string> = new Set(["fps", "frames", "duration", "realtime"]);

/** What has a rate of its own. */
const WATCHED_SOURCES = "video, played in real time, /dev/videoN, rtsp://, http://, synthetic:";

export const AGENT_FLAGS: readonly Flag[] = [
  ...COMMON_FLAGS.filter(({ setting }) => setting === undefined || !NOT_FOR_AGENT.has(setting)).map((flag) =>
    flag.setting === "source" ? { ...flag, help: WATCHED_SOURCES } : flag,
  ),
  { syntax: "--fps-idle <n>", help: "frames a second without a session (default: 5)", setting: "fps_idle" },
  { syntax: "--fps-active <n>", help: "frames a second with a session (default: 12)", setting: "fps_active" },
  {
    syntax: "--dwell <time>",
    help: "how long something is seen before a session opens (default: 500ms)",
    setting: "dwell",
  },
  {
    syntax: "--silence <time>",
    help: "nothing seen for so long, and it closes (default: 3s)",
    setting: "silence",
  },
  {
    syntax: "--post-roll <time>",
    help: "how long a session stays open after that (default: 5s)",
    setting: "post_roll",
  },
  {
    syntax: "--out <kind:target>",
    help: "where events go: ndjson:FILE, ndjson:-, mqtt://HOST/PREFIX, webhook:URL (default: ndjson:-, on a terminal none)",
    setting: "events",
    repeatable: true,
  },
  {
    syntax: "--sessions-dir <dir>",
    help: "where sessions are kept (default: sessions)",
    setting: "sessions_dir",
  },
  {
    syntax: "--recorder <command>",
    help: "run at the start and the stop of a session, which is in its environment",
    setting: "recorder",
  },
  METRICS_FLAG,
  {
    syntax: "--simulate [script|seed]",
    help: "no worker: detect what a script says, or what follows from a seed",
    bare: "1",
  },
];

export const DESCRIBE_FLAGS: readonly Flag[] = [
  { syntax: "--json", help: "as JSON, in place of the card" },
  {
    syntax: "--threads <n>",
    help: "threads of the one inference that it takes (default: the cores there are)",
    setting: "threads",
  },
];

export const BUILD_FLAGS: readonly Flag[] = [
  { syntax: "--size <WxH>", help: "of the input, multiples of 32 (default: 640x640)" },
  { syntax: "--dynamic", help: "leave batch, height and width open" },
  { syntax: "--seed <n>", help: "of the weights (default: 0)" },
  { syntax: "--out <file>", help: "the file to write (default: NAME-shape.onnx, here)" },
  { syntax: "--force", help: "overwrite a file that aiw did not build" },
];

const SESSIONS_DIR: Flag = {
  syntax: "--sessions-dir <dir>",
  help: "where they are (default: sessions_dir of aiw.yaml, else sessions, here)",
  setting: "sessions_dir",
};

const SESSION_FILTERS: readonly Flag[] = [
  { syntax: "--camera <name>", help: "only those of this camera" },
  {
    syntax: "--since <time>",
    help: "only those that began since: 24h, 7d, or a date, in UTC unless it says otherwise",
  },
  { syntax: "--class <names>", help: "only those in which one of these was found: person,dog" },
];

export const SESSIONS_LIST_FLAGS: readonly Flag[] = [
  ...SESSION_FILTERS,
  { syntax: "--limit <n>", help: "the newest so many (default: 50, with --json all)" },
  { syntax: "--json", help: "as JSON, in place of the table" },
  SESSIONS_DIR,
];

export const SESSIONS_SHOW_FLAGS: readonly Flag[] = [
  { syntax: "--json", help: "as JSON, in place of the card" },
  SESSIONS_DIR,
];

export const SESSIONS_EXPORT_FLAGS: readonly Flag[] = [
  { syntax: "--out <file|dir|->", help: "FILE.ndjson, FILE.csv, or a folder to copy them to (default: -)" },
  {
    syntax: "--format <ndjson|csv|folder>",
    help: "what to write (default: as --out is called, ndjson for -)",
  },
  ...SESSION_FILTERS,
  { syntax: "--all", help: "all of them" },
  SESSIONS_DIR,
];

export const SESSIONS_PRUNE_FLAGS: readonly Flag[] = [
  { syntax: "--older-than <time>", help: "those that ended so long ago: 30d, 12h" },
  { syntax: "--max-size <size>", help: "the oldest, until all together take no more than this: 5GB" },
  { syntax: "--dry-run", help: "only say what would go" },
  { syntax: "--yes", help: "ask nothing" },
  SESSIONS_DIR,
];

export const DOCTOR_FLAGS: readonly Flag[] = [
  { syntax: "--json", help: "write the checks as JSON" },
  {
    syntax: "--bundle <file>",
    help: "write what a bug report needs as one JSON file, with credentials, tokens, user name and home folders masked",
  },
  { syntax: "--model <file>", help: "also load this ONNX model", setting: "model" },
  { syntax: "--worker <host:port>", help: "also connect to this worker", setting: "worker" },
  ...ACCESS_FLAGS,
  { syntax: "--source <uri...>", help: "also take a frame of this source", setting: "source" },
  {
    syntax: "--camera [uri...]",
    help: "also take a frame of this camera; without a value of the first local one",
    setting: "camera",
    bare: "default",
  },
];

export const INIT_FLAGS: readonly Flag[] = [
  {
    syntax: "--model <file>",
    help: "ONNX model to set up (default: that of aiw.yaml, else the built-in one)",
    setting: "model",
  },
  { syntax: "--optimize", help: "find the fastest engine, precision and input size that still agree" },
  {
    syntax: "--calibrate <source...>",
    help: "what the model is to look at: frames to calibrate and judge with (default: the configured source)",
    setting: "calibrate",
  },
  {
    syntax: "--min-agreement <fraction>",
    help: "least F1 and mean IoU with the unchanged model's detections (default: 0.95)",
    setting: "min_agreement",
  },
  {
    syntax: "--allow-unverified",
    help: "accept a model whose agreement cannot be judged; reports go on saying so",
    setting: "allow_unverified",
  },
  { syntax: "--export", help: "export a .pt file first, with the package ultralytics (AGPL-3.0)" },
  { syntax: `--engine <${choice(ENGINES)}>`, help: "inference engine (default: auto)", setting: "engine" },
  { syntax: `--device <${choice(DEVICES)}>`, help: "where inference runs (default: cpu)", setting: "device" },
  {
    syntax: "--force",
    help: "overwrite an aiw.yaml that has edits; with --optimize, search anew; with --export, export anew",
  },
  { syntax: "--yes", help: "ask nothing" },
  { syntax: "--json", help: "say what was done as JSON, on stdout" },
];

/** What commander parsed: flags by their long name in camel case. */
export type ParsedFlags = Readonly<Record<string, unknown>>;

export function addFlags(command: Command, flags: readonly Flag[]): Command {
  for (const { syntax, help, repeatable, bare } of flags) {
    const option = new Option(syntax, help);
    if (repeatable) option.argParser((value: string, before: string[] = []) => [...before, value]);
    if (bare !== undefined) option.preset(bare);
    command.addOption(option);
  }
  return command;
}

/** "--pixel-format" of "--pixel-format <a|b>". */
export function longName(flag: Flag): string {
  return flag.syntax.split(/[ ,]/)[0] ?? flag.syntax;
}

/** The value that commander parsed of a flag; undefined when it was not given. */
export function flagValue(flag: Flag, parsed: ParsedFlags): unknown {
  return parsed[new Option(flag.syntax).attributeName()];
}

import { Command, CommanderError } from "commander";
import { AiwError, type ErrorCode, ExitCode, toAiwError } from "../core/errors.js";
import { maskSecrets } from "../core/mask.js";
import { KNOWN_SHAPES } from "../core/shapes.js";
import { keepNoBufferPool, keepYoungGenerationSmall } from "../core/heap.js";
import { packageVersion } from "../core/version.js";
import { type CommandContext, withContext } from "./command-context.js";
import {
  addFlags,
  AGENT_FLAGS,
  BENCH_FLAGS,
  BUILD_FLAGS,
  COMMON_FLAGS,
  COMPARE_FLAGS,
  DESCRIBE_FLAGS,
  DOCTOR_FLAGS,
  type Flag,
  GENERAL_FLAGS,
  INIT_FLAGS,
  type ParsedFlags,
  RUN_FLAGS,
  SESSIONS_EXPORT_FLAGS,
  SESSIONS_LIST_FLAGS,
  SESSIONS_PRUNE_FLAGS,
  SESSIONS_SHOW_FLAGS,
  WORKER_FLAGS,
} from "./flags.js";

/** A command's own module; loaded only when the command runs, so that `aiw --help` is quick. */
interface CommandModule {
  execute(
    flags: readonly Flag[],
    parsed: ParsedFlags,
    context: CommandContext,
    operands: readonly string[],
  ): Promise<number>;
}

const WAITS_FOR_NOTHING: ReadonlySet<ErrorCode> = new Set(["INTERRUPTED", "OUTPUT_FAILED"]);

/** Parses the command line, runs the command and sets the exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  // A reader that goes away (`aiw … | head`) is seen by whoever writes; unheard, it would end us.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  keepYoungGenerationSmall();
  keepNoBufferPool();
  const program = buildProgram();
  try {
    await program.parseAsync([...argv]);
  } catch (thrown) {
    process.exitCode = report(thrown, argv.includes("--debug"));
    // Whoever was interrupted has waited for all that is worth waiting for, and a reader that takes nothing more
    // would be waited for without end.
    if (thrown instanceof AiwError && WAITS_FOR_NOTHING.has(thrown.code)) process.exit();
  }
}

function buildProgram(): Command {
  const program = new Command("aiw")
    .description("Run a real object-detection pipeline on ordinary hardware, and be told how well it runs.")
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    // Its flags are long: what is left of 80 columns is narrower than commander would wrap by itself.
    .configureHelp({ minWidthToWrap: 20 })
    .showHelpAfterError(false);

  addCommand(
    program.command("run").description("stream frames through the worker and write detections"),
    [...COMMON_FLAGS, ...RUN_FLAGS],
    [
      "aiw run --model yolo11n.onnx --source street.mp4 --classes person,car",
      "aiw run --model yolo11n.onnx --source photos/ --size native --out ndjson:detections.ndjson",
      "aiw run --model yolo11n.onnx --camera --fps 10",
      "aiw run --model yolo11n.onnx --camera rtsp://10.0.0.5/live --camera rtsp://10.0.0.6/live",
      "aiw run --model yolo11n.onnx --source street.mp4 --out jpeg:annotated --out ndjson:detections.ndjson",
    ],
    () => import("./run.js"),
  );
  addCommand(
    program.command("bench").description("measure latency, drops and detections at a fixed offered rate"),
    [...COMMON_FLAGS, ...BENCH_FLAGS],
    [
      "aiw bench --model yolo11n.onnx --fps 12",
      "aiw bench --model shape:yolo11s --fps 12",
      "aiw bench --model yolo11n.onnx --fps 12 --source street.mp4 --duration 60s --json report.json",
      "aiw bench --worker 192.168.1.20:7001 --model yolo11s.onnx --fps 10",
      "aiw bench --against 'node ../base/bin/aiw.js bench' --max-regression 5%",
      "aiw bench --threads 2 --against '--threads 1'",
    ],
    () => import("./bench.js"),
  );
  addCommand(
    program.command("worker").description("run the inference worker in the foreground"),
    WORKER_FLAGS,
    ["aiw worker --model-dir models/", "aiw worker --port 0"],
    () => import("./worker.js"),
  );
  addCommand(
    program.command("init").description("make this machine ready: environment, model, settings"),
    INIT_FLAGS,
    ["aiw init", "aiw init --model yolo11s.onnx", "aiw init --model yolo11s.pt --export --yes"],
    () => import("./init.js"),
  );
  addCommand(
    program
      .command("doctor")
      .description("say what works on this machine and how to mend what does not; exit 1 on a failure"),
    DOCTOR_FLAGS,
    ["aiw doctor", "aiw doctor --camera --model yolo11n.onnx", "aiw doctor --bundle report.json"],
    () => import("./doctor.js"),
  );
  addCommand(
    program
      .command("compare")
      .description("judge one bench report against another; exit 3 on a regression")
      .argument("<base>", "report of aiw bench --json, of what is there already")
      .argument("<head>", "report of what is new"),
    COMPARE_FLAGS,
    [
      "aiw compare base.json head.json",
      "aiw compare base.json head.json --max-regression 10%",
      "aiw compare last-week.json today.json --allow-differences --json comparison.json",
    ],
    () => import("./compare.js"),
  );
  addModels(program.command("models").description("describe or build a model"));
  addCommand(
    program
      .command("agent")
      .description("watch cameras as a service: events, sessions, metrics; SIGHUP reads aiw.yaml again"),
    AGENT_FLAGS,
    [
      "aiw agent --model yolo11n.onnx --camera rtsp://10.0.0.5/live --classes person",
      "aiw agent --out ndjson:events.ndjson --out mqtt://broker.local/aiw --metrics 127.0.0.1:9400",
      "aiw agent --simulate",
    ],
    () => import("./agent.js"),
  );
  addSessions(program.command("sessions").description("list, show, export and prune recorded sessions"));
  return program;
}

function addModels(models: Command): void {
  addExamples(models, ["aiw models describe yolo11n.onnx", "aiw models build shape:yolo11s"]);
  addCommand(
    models
      .command("describe")
      .description("say what a model is, and whether aiw can run it")
      .argument("<file>", "the model, an .onnx file"),
    DESCRIBE_FLAGS,
    [
      "aiw models describe yolo11n.onnx",
      "aiw models describe yolo11n.onnx --json | jq '.classes.names'",
      "aiw models describe yolo11n.onnx && aiw run --model yolo11n.onnx --camera",
    ],
    () => import("./models.js"),
  );
  addCommand(
    models
      .command("build")
      .description("make a model of given shape with random weights: as fast as its like, it detects nothing")
      .argument("<shape>", KNOWN_SHAPES),
    BUILD_FLAGS,
    [
      "aiw models build shape:yolo11s",
      "aiw models build shape:yolo11n --size 640x480 --out sized.onnx",
      "aiw bench --model shape:yolo11s --fps 12",
    ],
    () => import("./build-model.js"),
  );
}

function addSessions(sessions: Command): void {
  addExamples(sessions, ["aiw sessions list", "aiw sessions show 3e7a31f6"]);
  addCommand(
    sessions.command("list").description("what was recorded, the newest first"),
    SESSIONS_LIST_FLAGS,
    [
      "aiw sessions list",
      "aiw sessions list --since 24h --camera door --class person",
      "aiw sessions list --json | jq '.sessions[].detections.total'",
    ],
    () => import("./sessions-list.js"),
  );
  addCommand(
    sessions
      .command("show")
      .description("all that is known of a session")
      .argument("<id>", "its id, or the beginning of it, or of the part behind its time"),
    SESSIONS_SHOW_FLAGS,
    ["aiw sessions show 3e7a31f6", "aiw sessions show 20261126T1441 --json"],
    () => import("./sessions-show.js"),
  );
  addCommand(
    sessions
      .command("export")
      .description("detections of sessions in one file, or copies of their folders")
      .argument("[ids...]", "the sessions; with none those that --since, --camera and --class choose"),
    SESSIONS_EXPORT_FLAGS,
    [
      "aiw sessions export 3e7a31f6 --out door.csv",
      "aiw sessions export --since 7d --class person --out people.ndjson",
      "aiw sessions export 3e7a31f6 4b02c9de --out evidence/",
    ],
    () => import("./sessions-export.js"),
  );
  addCommand(
    sessions.command("prune").description("take old sessions away; never one that is open"),
    SESSIONS_PRUNE_FLAGS,
    [
      "aiw sessions prune --older-than 30d --dry-run",
      "aiw sessions prune --older-than 30d --max-size 5GB --yes",
    ],
    () => import("./sessions-prune.js"),
  );
}

function addCommand(
  command: Command,
  flags: readonly Flag[],
  examples: readonly string[],
  load: () => Promise<CommandModule>,
): void {
  addFlags(command, [...flags, ...GENERAL_FLAGS]);
  addExamples(command, examples);
  command.action(async (...given: unknown[]) => {
    // commander gives the operands, then the flags, then itself.
    const parsed = given.at(-2) as ParsedFlags;
    const options = { debug: parsed.debug === true, quiet: parsed.quiet === true };
    process.exitCode = await withContext(options, async (context) => {
      const module = await load();
      return module.execute([...flags, ...GENERAL_FLAGS], parsed, context, command.args);
    });
  });
}

function addExamples(command: Command, examples: readonly string[]): void {
  command.addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
  command.exitOverride().configureOutput({ outputError: () => {} });
}

/** Writes an error as one line for people; returns its exit code. */
function report(thrown: unknown, debug: boolean): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return ExitCode.ok;
    // commander shows the help itself when no command is given.
    if (thrown.code !== "commander.help") {
      const message = thrown.message
        .replace(/^error: /, "")
        // What was given to an option that is mistyped may be a secret of any form.
        .replace(/^(unknown option '[^=]*)=.*'/s, "$1'")
        .replace(/\s+/g, " ")
        .replace(/\.$/, "");
      complain(`aiw: error USAGE: ${message}. See --help.`);
    }
    return ExitCode.usage;
  }
  const error = toAiwError(thrown);
  if (error.code === "INTERRUPTED") return error.exitCode;
  complain(errorLine(error));
  if (debug) {
    if (error.detail !== undefined) complain(error.detail);
    complain(String(error.stack));
    if (error.cause instanceof Error) complain(`caused by ${error.cause.stack}`);
  }
  return error.exitCode;
}

/** What is wrong may quote what was typed. */
function complain(text: string): void {
  process.stderr.write(`${maskSecrets(text)}\n`);
}

function errorLine(error: AiwError): string {
  const sentence = `${error.message.replace(/[.\s]+$/, "")}. ${error.advice}`;
  return `aiw: error ${error.workerName ?? error.code}: ${sentence.trim()}`;
}

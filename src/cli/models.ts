import { AiwError, ExitCode } from "../core/errors.js";
import type { ModelDescription } from "../core/model-description.js";
import { isShape } from "../core/shapes.js";
import { modelCard } from "../reports/model-card.js";
import { isReaderGone, StdoutWriter } from "../sinks/stdout.js";
import { describeModel } from "../worker-process/describe-model.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { ENVIRONMENT_SETTINGS, Machine } from "./machine.js";
import { modelPath } from "./model-path.js";
import { commandSettings } from "./settings.js";

const SCHEMA = "aiw.model/1";

/**
 * `aiw models describe FILE`: what a model is, on stdout.
 * @throws WORKER_REFUSED, after the description, for a model that aiw cannot run
 */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
  [file = ""]: readonly string[],
): Promise<number> {
  const settings = await commandSettings(flags, parsed, context.env, { more: ENVIRONMENT_SETTINGS });
  const machine = new Machine(context, context.interrupt, settings);
  const path = await modelPath(file, machine, context, context.interrupt);
  const { python, kind } = await machine.python();
  context.progress.step(`describing ${file}`);
  const description = await describeModel({
    python,
    kind,
    workerDir: machine.workerDir,
    cacheDir: machine.cacheDir,
    // Its own name, as it was given; that of a shape is no file's.
    file: isShape(file) ? path : file,
    threads: settings.threads,
    debug: context.debug,
    env: context.env,
    signal: context.interrupt,
  });
  context.progress.clear();
  await print(parsed.json === true ? asJson(description) : modelCard(description));
  const { refusal } = description;
  if (refusal === null) return ExitCode.ok;
  throw new AiwError("WORKER_REFUSED", refusal.message, { workerName: refusal.name });
}

function asJson(description: ModelDescription): string {
  return JSON.stringify({ schema: SCHEMA, ...description }, null, 2);
}

async function print(text: string): Promise<void> {
  const stdout = new StdoutWriter();
  try {
    stdout.write(`${text}\n`);
    await stdout.flush();
  } catch (error) {
    // Whoever pipes it into `head` has seen enough.
    if (!isReaderGone(error)) throw error;
  }
}

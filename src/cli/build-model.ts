import { realpath, stat } from "node:fs/promises";
import { size as sizeValue } from "../config/values.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { checkWritable, writeWhole } from "../sinks/whole-file.js";
import { buildShape, isBuiltShape } from "../worker-process/build-shape.js";
import type { CommandContext } from "./command-context.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { ENVIRONMENT_SETTINGS, Machine } from "./machine.js";
import { requireShape } from "./model-path.js";
import { commandSettings } from "./settings.js";

const STRIDE = 32;
const MOST_PIXELS = 4096;
const MOST_SEED = 2 ** 32 - 1;

/**
 * `aiw models build shape:NAME`: a model of known layers and random weights, as a file. Its path is on stdout.
 * @throws USAGE, OUTPUT_FAILED before anything is started
 */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
  [model = ""]: readonly string[],
): Promise<number> {
  const settings = await commandSettings(flags, parsed, context.env, { more: ENVIRONMENT_SETTINGS });
  const shape = requireShape(model);
  const [size, seed] = [sizeOf(parsed.size), seedOf(parsed.seed)];
  const out = typeof parsed.out === "string" ? parsed.out : `${shape}-shape.onnx`;
  await checkTarget(out, parsed.force === true);
  const machine = new Machine(context, context.interrupt, settings);
  const { python, kind } = await machine.python();
  const { env, debug, interrupt: signal, progress } = context;
  const { workerDir, cacheDir } = machine;
  progress.step(`building ${model}`);
  const made = { shape, size, seed, dynamic: parsed.dynamic === true };
  // Through a link, into what it names.
  const target = await realpath(out).catch(() => out);
  await buildShape({ ...made, python, kind, workerDir, cacheDir, env, debug, signal }, target);
  progress.clear();
  progress.note("aiw: built with random weights: it is as fast as its like, and detects nothing");
  await writeWhole("-", `${out}\n`);
  return ExitCode.ok;
}

/** @throws USAGE for what is there and was not built by aiw; OUTPUT_FAILED */
async function checkTarget(out: string, mayOverwrite: boolean): Promise<void> {
  if (out === "-") throw new AiwError("USAGE", "--out -: name a file, a model is no text");
  checkWritable(out);
  const there = await stat(out).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isFile())
    throw new AiwError("OUTPUT_FAILED", `${out} cannot be written: it is no file but a device or pipe`);
  if (mayOverwrite || (await isBuiltShape(out))) return;
  throw new AiwError(
    "USAGE",
    `${out} is there, and aiw did not build it: name another with --out, or overwrite it with --force`,
  );
}

function sizeOf(given: unknown): { readonly width: number; readonly height: number } | undefined {
  if (given === undefined) return undefined;
  const { data } = sizeValue.safeParse(given);
  const fits = (side: number) => side % STRIDE === 0 && side <= MOST_PIXELS;
  if (data !== undefined && data !== "native" && fits(data.width) && fits(data.height)) return data;
  throw new AiwError(
    "USAGE",
    `--size "${String(given)}" is not WIDTHxHEIGHT of multiples of ${STRIDE}, up to ${MOST_PIXELS}`,
  );
}

function seedOf(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  const seed = /^\d{1,10}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (seed <= MOST_SEED) return seed;
  throw new AiwError("USAGE", `--seed "${String(given)}" is not a whole number from 0 to ${MOST_SEED}`);
}

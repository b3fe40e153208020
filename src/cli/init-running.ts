import type { Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import type { Provenance } from "../optimize/provenance.js";
import type { ParsedFlags } from "./flags.js";

/** How the model is run from now on. */
export type Running = Required<Pick<Settings, "model">> & Pick<Settings, "engine" | "device" | "threads">;

/** As a flag says, else as it was optimised to be run, else as the settings say. */
export function runningOf(
  model: string,
  found: Provenance | undefined,
  settings: Settings,
  flags: ParsedFlags,
): Running {
  const { threads } = found ?? settings;
  const isAsked = flags.engine !== undefined && flags.optimize !== true;
  const { engine } = isAsked ? settings : (found ?? settings);
  const { device } = settings;
  return {
    model,
    ...(device === undefined ? {} : { device }),
    ...(engine === undefined ? {} : { engine }),
    ...(threads === undefined || threads === null ? {} : { threads }),
  };
}

/** @throws USAGE for a flag that says something about --optimize, without that */
export function refuseIdleFlags(flags: ParsedFlags): void {
  if (flags.optimize === true) return;
  const idle = ["calibrate", "minAgreement", "allowUnverified"].find((name) => flags[name] !== undefined);
  if (idle === undefined) return;
  const flag = idle.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new AiwError("USAGE", `--${flag} is about --optimize, which is not given`);
}

/** @throws USAGE: what is timed and quantised is for the CPU, and a model of the user's */
export function refuseToOptimizeFor({ device, model }: Settings, flags: ParsedFlags): void {
  if (flags.optimize !== true) return;
  if (device === "cuda") {
    throw new AiwError("USAGE", "--optimize is for the CPU: give --device cpu, or leave --optimize out");
  }
  if (model !== undefined) return;
  throw new AiwError("USAGE", "--optimize is for a model of yours: give it with --model");
}

/**
 * The threads that are asked for where a model is optimised anew.
 * @param threads as the settings say, which may be what the optimiser has written there
 * @param before what it found then
 * @returns undefined where it is free to choose
 */
export function threadsAsked(
  threads: number | undefined,
  before: Pick<Provenance, "threads" | "settings"> | undefined,
): number | undefined {
  if (before === undefined || threads !== (before.threads ?? undefined)) return threads;
  return before.settings.threads ?? undefined;
}

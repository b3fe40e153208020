import type { Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import type { Provenance } from "../optimize/provenance.js";
import type { ParsedFlags } from "./flags.js";

/** How the model is run from now on. */
export type Running = Required<Pick<Settings, "model">> & Pick<Settings, "engine" | "device" | "threads">;

/** As it was optimised to be run, else as the settings say. */
export function runningOf(model: string, found: Provenance | undefined, settings: Settings): Running {
  const { engine, threads } = found ?? settings;
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

/** @throws USAGE: what is timed and quantised is for the CPU */
export function refuseToOptimizeFor({ device }: Settings, flags: ParsedFlags): void {
  if (flags.optimize !== true || device !== "cuda") return;
  throw new AiwError("USAGE", "--optimize is for the CPU: give --device cpu, or leave --optimize out");
}

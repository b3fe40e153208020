import type { SettingName, Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import type { ParsedFlags } from "./flags.js";

/** Settings, with their flags, that make a slice something else than a bench of one length and rate. */
const CLASHING = {
  max_duration: "--max-duration",
  frames: "--frames",
  find_max: "--find-max",
  sweep: "--sweep",
} as const;
/** What only one bench can be written as. */
const UNWRITTEN = { junit: "--junit", html: "--html", out: "--out" } as const;

/**
 * Refuses what a comparison has no place for.
 * Gates of a configuration file are left alone: they are for benches by themselves.
 * @throws USAGE
 */
export function refuseClashes(parsed: ParsedFlags, settings: Settings): void {
  const clashes = [
    ...flagsOf(CLASHING, settings),
    ...(parsed.gate === undefined ? [] : ["--gate"]),
    ...(parsed.requireStable === undefined ? [] : ["--require-stable"]),
  ];
  if (clashes.length > 0) {
    const said = clashes.join(", ");
    throw new AiwError("USAGE", `${said} with --against: a comparison is judged by --max-regression alone`);
  }
  const [unwritten] = flagsOf(UNWRITTEN, settings);
  if (unwritten !== undefined) {
    throw new AiwError(
      "USAGE",
      `${unwritten} with --against: a comparison is written with --json or --markdown`,
    );
  }
  if (settings.source?.includes("-")) {
    throw new AiwError(
      "USAGE",
      "--source - with --against: stdin can be read once, and each slice reads its source",
    );
  }
}

/** The flags of those settings that are given. */
function flagsOf(flags: Partial<Record<SettingName, string>>, settings: Settings): string[] {
  return Object.entries(flags).flatMap(([name, flag]) =>
    settings[name as SettingName] === undefined ? [] : [flag],
  );
}

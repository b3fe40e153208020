import type { Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import type { ParsedFlags } from "./flags.js";

/** Flags that make a slice something else than a bench of one length and rate, as they are parsed. */
const CLASHING = {
  maxDuration: "--max-duration",
  frames: "--frames",
  findMax: "--find-max",
  sweep: "--sweep",
  gate: "--gate",
  requireStable: "--require-stable",
} as const;
/** What only one bench can be written as. */
const UNWRITTEN = { junit: "--junit", html: "--html", out: "--out" } as const;

/**
 * Refuses the flags that a comparison has no place for. What a configuration file says of them is for benches
 * by themselves, and left alone.
 * @throws USAGE
 */
export function refuseClashes(parsed: ParsedFlags, settings: Settings): void {
  const clashes = given(CLASHING, parsed);
  if (clashes.length > 0) {
    const said = clashes.join(", ");
    throw new AiwError("USAGE", `${said} with --against: a comparison is judged by --max-regression alone`);
  }
  const [unwritten] = given(UNWRITTEN, parsed);
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

function given(flags: Readonly<Record<string, string>>, parsed: ParsedFlags): string[] {
  return Object.entries(flags).flatMap(([name, flag]) => (parsed[name] === undefined ? [] : [flag]));
}

import { toAiwError } from "../core/errors.js";
import type { Env } from "../worker-process/cache-dir.js";
import { askFfmpeg, findFfmpeg } from "../worker-process/ffmpeg-binary.js";
import { runCommand } from "../worker-process/run-command.js";
import { type Check, verdicts } from "./check.js";
import type { Interpreter } from "./python.js";

export interface FfmpegOptions {
  readonly env: Env;
  readonly interpreter: Interpreter | undefined;
  readonly platform: NodeJS.Platform;
  readonly signal: AbortSignal;
}

export interface FoundFfmpeg {
  readonly check: Check;
  /** Undefined where there is none that runs. */
  readonly path?: string;
  /** What `ffmpeg -version` says. */
  readonly versionText: string;
}

const TIMEOUT_MS = 15_000;
const { ok, warning, failure, failed } = verdicts("ffmpeg", "ffmpeg");

/** Which ffmpeg is used, its version, and whether it can open what aiw opens with it. */
export async function checkFfmpeg(options: FfmpegOptions): Promise<FoundFfmpeg> {
  const { env, interpreter, signal } = options;
  let path: string;
  try {
    path = await findFfmpeg({ env, pythonEnvDir: interpreter?.dir, python: interpreter?.python });
  } catch (error) {
    if (toAiwError(error).code !== "FFMPEG_MISSING") throw error;
    return { check: missing(error, options), versionText: "" };
  }
  const run = (...args: string[]) => runCommand(path, args, { env, signal, timeoutMs: TIMEOUT_MS });
  const answer = await askFfmpeg(path, env, signal);
  const { text: versionText } = answer;
  if ("failure" in answer) {
    const check = failure(
      `${path} does not run as ffmpeg (${answer.failure})`,
      "Install ffmpeg, or set AIW_FFMPEG to one that runs.",
    );
    return { check, versionText };
  }
  // Devices are demuxers too, but some versions list them apart.
  const [demuxers, devices] = [await run("-hide_banner", "-demuxers"), await run("-hide_banner", "-devices")];
  const known = new Set([...formatNames(demuxers.stdout), ...formatNames(devices.stdout)]);
  const check = judgeDemuxers(`${answer.version}, ${path}`, known, options.platform);
  return { check, path, versionText };
}

function missing(error: unknown, { env, interpreter }: FfmpegOptions): Check {
  if (env.AIW_FFMPEG || interpreter !== undefined) return failed(error);
  return warning(
    "none on PATH, and no Python environment yet that brings one",
    "Install ffmpeg, or set AIW_FFMPEG to its path, or make the environment with: aiw init",
  );
}

/** What aiw opens through ffmpeg, by the demuxer that it takes. */
function neededDemuxers(platform: NodeJS.Platform): [name: string, use: string][] {
  const camera = platform === "darwin" ? "avfoundation" : platform === "win32" ? "dshow" : "v4l2";
  return [
    [camera, "local cameras"],
    ["rtsp", "rtsp:// streams"],
    ["mov", "mp4 and mov files"],
    ["image2", "numbered pictures"],
  ];
}

function judgeDemuxers(found: string, known: ReadonlySet<string>, platform: NodeJS.Platform): Check {
  const needed = neededDemuxers(platform);
  const absent = needed.filter(([name]) => !known.has(name));
  if (absent.length === 0) return ok(`${found}; has ${needed.map(([name]) => name).join(", ")}`);
  const said = absent.map(([name, use]) => `${name} (${use})`).join(", ");
  return warning(`${found}; without ${said}`, "Install a full ffmpeg, or set AIW_FFMPEG to one.");
}

/** The names in a list as " D  mov,mp4,m4a QuickTime" or " DE v4l2 Video4Linux2" (newer: " D d v4l2"). */
export function formatNames(list: string): string[] {
  const rows = list.split("\n").flatMap((line) => /^ D[E ]?[d ]? *([a-z0-9_,]+) /.exec(line)?.[1] ?? []);
  return rows.flatMap((names) => names.split(","));
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * The major version of an ffmpeg's libavformat, which tells what its options mean; other than ffmpeg's own
 * version it is a number in builds of every kind. 58 is ffmpeg 4, 59 is 5, 63 is 9.
 */
export type LibavformatMajor = number;

/** What an ffmpeg that does not say is taken for: a new one. */
const NEWEST: LibavformatMajor = Number.POSITIVE_INFINITY;
/** How long it may take to say so, milliseconds. */
const TIMEOUT_MS = 15_000;

/** By path: a binary is asked once. */
const known = new Map<string, Promise<LibavformatMajor>>();

export function libavformatMajor(binary: string): Promise<LibavformatMajor> {
  const version = known.get(binary) ?? ask(binary);
  known.set(binary, version);
  return version;
}

async function ask(binary: string): Promise<LibavformatMajor> {
  try {
    const { stdout } = await promisify(execFile)(binary, ["-version"], { timeout: TIMEOUT_MS });
    const major = /^libavformat +(\d+)\./m.exec(stdout)?.[1];
    return major === undefined ? NEWEST : Number(major);
  } catch {
    // It will say better what is wrong with it when it is to open something.
    return NEWEST;
  }
}

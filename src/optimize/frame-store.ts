import { createHash } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SampledFrame, SplitFrames } from "./sample.js";

/** Frames in files, as the worker's optimiser reads them. */
export interface FrameFiles {
  /** RGB frames, one behind the other. */
  readonly pixels: string;
  /** JSON list of [width, height]. */
  readonly sizes: string;
}

/** Writes frames into `folder`, which is made. @param name of both files, without their endings */
export async function writeFrames(
  folder: string,
  name: string,
  frames: readonly SampledFrame[],
): Promise<FrameFiles> {
  await mkdir(folder, { recursive: true });
  const files = { pixels: join(folder, `${name}.rgb`), sizes: join(folder, `${name}.json`) };
  const file = await open(files.pixels, "w");
  try {
    for (const { pixels } of frames) await file.writeFile(pixels);
  } finally {
    await file.close();
  }
  await writeFile(files.sizes, JSON.stringify(frames.map(({ width, height }) => [width, height])));
  return files;
}

/** SHA-256 of all pixels and sizes, hexadecimal. */
export function framesSha256({ calibrating, judging }: SplitFrames): string {
  const hash = createHash("sha256");
  for (const { pixels, width, height } of [...calibrating, ...judging])
    hash.update(`${width}x${height}\n`).update(pixels);
  return hash.digest("hex");
}

import { createHash } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FrameFiles } from "../core/trial.js";
import type { SampledFrame, SplitFrames } from "./sample.js";

/** Where frames are to lie in a folder. @param name of both files, without their endings */
export function frameFiles(folder: string, name: string): FrameFiles {
  return { pixels: join(folder, `${name}.rgb`), sizes: join(folder, `${name}.json`) };
}

/** Writes frames. @param folder is made @throws what the system says */
export async function writeFrames(
  folder: string,
  files: FrameFiles,
  frames: readonly SampledFrame[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = await open(files.pixels, "w");
  try {
    for (const { pixels } of frames) await file.writeFile(pixels);
  } finally {
    await file.close();
  }
  await writeFile(files.sizes, JSON.stringify(frames.map(({ width, height }) => [width, height])));
}

/** SHA-256 of all pixels and sizes, hexadecimal. */
export function framesSha256({ calibrating, judging }: SplitFrames): string {
  const hash = createHash("sha256");
  for (const { pixels, width, height } of [...calibrating, ...judging])
    hash.update(`${width}x${height}\n`).update(pixels);
  return hash.digest("hex");
}

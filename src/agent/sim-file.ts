import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { AiwError, systemCode } from "../core/errors.js";
import type { Presence } from "./sim-script.js";

const share = z.number().min(0).max(1);
const entry = z
  .strictObject({
    /** Seconds from the first frame on. */
    from: z.number().min(0),
    until: z.number().positive(),
    class: z.string().min(1),
    confidence: share.default(0.8),
    box: z.tuple([share, share, share, share]).default([0.4, 0.3, 0.2, 0.5]),
  })
  .refine(({ from, until }) => until > from, { error: "ends before it begins", path: ["until"] });

/**
 * A script of the simulated engine: a list, as YAML or JSON, of what is in view when.
 * `[{from: 2, until: 6.5, class: person, confidence: 0.8, box: [0.1, 0.2, 0.3, 0.4]}]`: seconds, and shares of the
 * frame (left, top, width, height).
 * @throws USAGE
 */
export async function readSimScript(path: string): Promise<Presence[]> {
  const name = `--simulate ${path}`;
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AiwError("USAGE", `${name}: cannot be read (${systemCode(cause) ?? String(cause)})`, { cause });
  });
  let given: unknown;
  try {
    given = parse(text);
  } catch (cause) {
    const [line] = String(cause instanceof Error ? cause.message : cause).split("\n");
    throw new AiwError("USAGE", `${name}: is neither YAML nor JSON (${line})`, { cause });
  }
  const result = z.array(entry).safeParse(given);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new AiwError("USAGE", `${name}: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  return result.data
    .map(({ from, until, class: className, confidence, box }) => ({
      fromUs: Math.round(from * 1e6),
      untilUs: Math.round(until * 1e6),
      className,
      confidence,
      box,
    }))
    .sort((a, b) => a.fromUs - b.fromUs);
}

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { AiwError, systemCode } from "../core/errors.js";

const agreement = z.object({ f1: z.number(), mean_iou: z.number().nullable() });

const candidate = z.object({
  engine: z.string(),
  precision: z.string(),
  /** Of the model's input, "640x480"; null where it could not be run. */
  input: z.string().nullable(),
  threads: z.number().nullable(),
  /** One inference, tried alone: the time that a quarter of the runs stay below. */
  alone_ms: z.number().nullable(),
  /** One inference, in turns with the others: the median of the rounds. */
  in_turns_ms: z.number().nullable(),
  /** The same over the unchanged model's in the same round. */
  ratio: z.number().nullable(),
  agreement: agreement.nullable(),
  failure: z.string().nullable(),
  chosen: z.boolean(),
});

/** Where an optimised model comes from and why it is what it is; lies beside it. */
export const provenanceSchema = z.object({
  schema: z.literal("aiw.optimized/1"),
  created: z.string(),
  source: z.object({ path: z.string(), sha256: z.string() }),
  /** What is to be run: the optimised file's name beside this one, or null for the source itself. */
  file: z.string().nullable(),
  engine: z.enum(["onnxruntime", "openvino"]),
  /** null = as many as the process may use. */
  threads: z.number().nullable(),
  precision: z.string(),
  input: z.string(),
  /** Whether its detections were compared with the unchanged model's. */
  verified: z.boolean(),
  agreement: agreement.nullable(),
  min_agreement: z.number(),
  judged_frames: z.number(),
  reference_detections: z.number(),
  calibration: z.object({ sources: z.array(z.string()), frames: z.number(), sha256: z.string() }),
  settings: z.object({
    conf: z.number().nullable(),
    iou: z.number().nullable(),
    classes: z.array(z.string()).nullable(),
    size: z.string(),
  }),
  versions: z.record(z.string(), z.string()),
  machine: z.object({ cpu: z.string(), cores: z.number() }),
  candidates: z.array(candidate),
  /** What was not tried and why, and what else is to be known of the figures. */
  remarks: z.array(z.string()),
  seconds: z.number(),
});

export type Provenance = z.infer<typeof provenanceSchema>;
export type CandidateFigures = z.infer<typeof candidate>;

/** "yolo11s-int8.provenance.json" of "yolo11s-int8.onnx". */
export function provenancePath(model: string): string {
  return model.replace(/(\.onnx)?$/i, ".provenance.json");
}

/** The provenance of a model that aiw has optimised; undefined for any other. */
export async function readProvenance(path: string): Promise<Provenance | undefined> {
  try {
    return provenanceSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** SHA-256 of a file, hexadecimal. @throws what the system says */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/**
 * Looks whether the model that an optimised one was made of is still the same.
 * @returns a warning where that is not there any more; undefined for a model that aiw has not optimised
 * @throws MODEL_STALE where it has changed
 */
export async function checkFresh(model: string): Promise<string | undefined> {
  const provenance = await readProvenance(provenancePath(model));
  if (provenance === undefined) return undefined;
  const { path, sha256 } = provenance.source;
  let now: string;
  try {
    now = await fileSha256(path);
  } catch (error) {
    const why = systemCode(error) === "ENOENT" ? "is not there any more" : "can't be read";
    return `${basename(model)} was made from ${path}, which ${why}: whether it is up to date can't be told`;
  }
  if (now === sha256) return undefined;
  throw new AiwError(
    "MODEL_STALE",
    `${basename(model)} was made from ${path}, which has changed since (SHA-256 ${now.slice(0, 12)}, was ${sha256.slice(0, 12)})`,
  );
}

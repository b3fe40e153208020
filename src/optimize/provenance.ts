import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { AiwError, systemCode } from "../core/errors.js";

const OURS = "aiw.optimized/";
const SCHEMA = `${OURS}1` as const;

const agreement = z.object({ f1: z.number(), mean_iou: z.number().nullable() });

const candidate = z.object({
  engine: z.string(),
  /** What aiw has made of it: "int8 convolutions"; "unchanged" = the precision that the model has by itself. */
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
  schema: z.literal(SCHEMA),
  created: z.string(),
  source: z.object({
    path: z.string(),
    sha256: z.string(),
    /** The files beside it that hold its weights, relative to its folder. */
    weights: z.array(z.object({ file: z.string(), sha256: z.string() })),
  }),
  /** What is to be run: the optimised file's name beside this one, or null for the source itself. */
  file: z.string().nullable(),
  /** Of that file as it was made; null where there is none. */
  file_sha256: z.string().nullable().default(null),
  engine: z.enum(["onnxruntime", "openvino"]),
  /** null = as many as the process may use. */
  threads: z.number().nullable(),
  /** As of a candidate. */
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
    /** As asked for; null = free to choose. */
    threads: z.number().nullable().default(null),
  }),
  /** Of aiw, the interpreter ("python") and the engines that were tried, by name. */
  versions: z.record(z.string(), z.string()),
  machine: z.object({ cpu: z.string(), cores: z.number() }),
  candidates: z.array(candidate),
  /** Whether a candidate had too little memory: with more of it, something else may be found. */
  lacked_memory: z.boolean().default(false),
  /** What was not tried and why, and what else is to be known of the figures. */
  remarks: z.array(z.string()),
  seconds: z.number(),
});

export type Provenance = z.infer<typeof provenanceSchema>;
export type CandidateFigures = z.infer<typeof candidate>;

/** What was found, in the folder of a search. */
export const FOUND = "provenance.json";

/** "yolo11s-int8.provenance.json" of "yolo11s-int8.onnx". */
export function provenancePath(model: string): string {
  return model.replace(/(\.onnx)?$/i, ".provenance.json");
}

/** A provenance; undefined where there is none, or it is broken. */
export async function readProvenance(path: string): Promise<Provenance | undefined> {
  const found = await lookAt(path);
  return found !== undefined && "provenance" in found ? found.provenance : undefined;
}

/**
 * What a model that aiw has optimised was made from: beside it or, where that is gone or broken, in the folder of
 * its search.
 * @returns undefined for a model of any other making; a problem where that can't be told
 */
export async function provenanceOfModel(model: string): Promise<Found> {
  const beside = await lookAt(provenancePath(model));
  if (beside !== undefined && "provenance" in beside) return beside;
  const provenance = await readProvenance(join(dirname(model), FOUND));
  return provenance?.file === basename(model) ? { provenance } : beside;
}

type Found = { readonly provenance: Provenance } | { readonly problem: string } | undefined;

/** Others call their files so too (SLSA): of those nothing is said, but for what nobody can read. */
async function lookAt(path: string): Promise<Found> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    const what = code === undefined ? "is not JSON" : `can't be read (${code})`;
    return { problem: `${basename(path)} ${what}` };
  }
  const schema = (json as { readonly schema?: unknown } | null)?.schema;
  if (typeof schema !== "string" || !schema.startsWith(OURS)) return undefined;
  const parsed = provenanceSchema.safeParse(json);
  if (parsed.success) return { provenance: parsed.data };
  const file = basename(path);
  if (schema !== SCHEMA)
    return { problem: `${file} is of schema "${schema}", and this aiw reads "${SCHEMA}"` };
  const [issue] = parsed.error.issues;
  return { problem: `${file} is broken at ${issue?.path.join(".")}: ${issue?.message}` };
}

/** SHA-256 of a file, hexadecimal. @throws what the system says */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** What a model is made of, to be known again. @throws what the system says */
export async function sourceOf(path: string, weightFiles: readonly string[]): Promise<Provenance["source"]> {
  const weights = weightFiles.map(async (file) => ({
    file,
    sha256: await fileSha256(join(dirname(path), file)),
  }));
  return { path, sha256: await fileSha256(path), weights: await Promise.all(weights) };
}

/**
 * Looks whether the model that an optimised one was made of is still the same.
 * @returns a warning where that is not there any more, or what says so is broken; undefined for a model that aiw
 *   has not optimised
 * @throws MODEL_STALE where it has changed, or the optimised one is gone or damaged
 */
export async function checkFresh(model: string): Promise<string | undefined> {
  const found = await provenanceOfModel(model);
  if (found === undefined) return undefined;
  if ("problem" in found) {
    return `${found.problem}: what ${basename(model)} was made from, and whether it is up to date, can't be told`;
  }
  const { provenance } = found;
  const { path, weights } = provenance.source;
  if (!existsSync(model)) {
    throw new AiwError(
      "MODEL_STALE",
      `${basename(model)}, which was made from ${path}, is not there any more`,
    );
  }
  const damage = await damageOf(model, provenance);
  if (damage !== undefined) throw new AiwError("MODEL_STALE", `${basename(model)} ${damage}`);
  let now: Provenance["source"];
  try {
    now = await sourceOf(
      path,
      weights.map(({ file }) => file),
    );
  } catch (error) {
    const why = systemCode(error) === "ENOENT" ? "is not there any more" : "can't be read";
    return `${basename(model)} was made from ${path}, which ${why}: whether it is up to date can't be told`;
  }
  const changed = changedFile(provenance.source, now);
  if (changed === undefined) return undefined;
  const [file, was, is] = changed;
  throw new AiwError(
    "MODEL_STALE",
    `${basename(model)} was made from ${file}, which has changed since (SHA-256 ${is.slice(0, 12)}, was ${was.slice(0, 12)})`,
  );
}

/** Why an optimised model is not the file any more that was made; undefined where it is. */
export async function damageOf(
  model: string,
  { file_sha256: made }: Provenance,
): Promise<string | undefined> {
  if (made === null) return undefined;
  try {
    return (await fileSha256(model)) === made ? undefined : "is damaged: it is not the file that aiw made";
  } catch (error) {
    return `can't be read (${systemCode(error)})`;
  }
}

function changedFile(
  before: Provenance["source"],
  now: Provenance["source"],
): readonly [file: string, was: string, is: string] | undefined {
  if (before.sha256 !== now.sha256) return [before.path, before.sha256, now.sha256];
  for (const { file, sha256 } of before.weights) {
    const is = now.weights.find((one) => one.file === file)?.sha256 ?? "";
    if (is !== sha256) return [join(dirname(before.path), file), sha256, is];
  }
  return undefined;
}

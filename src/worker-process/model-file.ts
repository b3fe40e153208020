import type { Stats } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { extname } from "node:path";
import { AiwError, type ErrorCode, systemCode } from "../core/errors.js";
import { type OtherFormat, otherFormat } from "./model-format.js";

/** What is read of a file's beginning; metadata stands before some formats' own mark. */
const HEAD_BYTES = 16 * 1024;
/** What is read of its end, where an archive lists its files: room for some thousand of them. */
const TAIL_BYTES = 256 * 1024;
const LISTED = 6;

/**
 * Refuses what is no model that can be run, before anything is made or started; the rest the worker
 * judges.
 * @returns the file's real path
 * @throws AiwError MODEL_NOT_FOUND, MODEL_NOT_EXPORTED (a PyTorch checkpoint), MODEL_NOT_A_FILE,
 *   MODEL_EMPTY, MODEL_UNREADABLE, MODEL_NOT_FETCHED (a Git LFS pointer), MODEL_NOT_ONNX (another known
 *   format, named)
 */
export async function checkModelFile(path: string): Promise<string> {
  const refused = (code: ErrorCode, why: string, cause?: unknown) =>
    new AiwError(code, `model ${path || '""'} ${why}`, { cause });
  let real: string;
  let info: Stats;
  try {
    real = await realpath(path);
    info = await stat(real);
  } catch (error) {
    const why = systemCode(error) === "ENOENT" ? "is not there" : `can't be found (${systemCode(error)})`;
    throw refused("MODEL_NOT_FOUND", why, error);
  }
  if (info.isDirectory()) throw refused("MODEL_NOT_A_FILE", `is a folder${await modelsIn(real)}`);
  // Opening a pipe would wait for whoever writes into it.
  if (!info.isFile()) throw refused("MODEL_NOT_A_FILE", "is no file but a device or pipe");
  if (info.size === 0) throw refused("MODEL_EMPTY", "is an empty file");
  const format = await formatOf(real, info.size).catch((error: unknown) => {
    throw refused("MODEL_UNREADABLE", `can't be read (${systemCode(error)})`, error);
  });
  if (format !== undefined) throw refused(...refusal(path, format));
  return real;
}

function refusal(path: string, { kind, is }: OtherFormat): [ErrorCode, string] {
  if (kind === "pointer") return ["MODEL_NOT_FETCHED", `is ${is}`];
  if (kind === "other") return ["MODEL_NOT_ONNX", `is ${is}`];
  // The command judges by the name alone.
  const isNamedSo = extname(path).toLowerCase() === ".pt";
  const name = isNamedSo ? path : `${path.slice(0, path.length - extname(path).length)}.pt`;
  const rename = isNamedSo ? "" : `name it ${name} and `;
  const command = `yolo export model=${shellWord(name)} format=onnx`;
  return ["MODEL_NOT_EXPORTED", `is ${is}, not ONNX: ${rename}export it with \`${command}\``];
}

/** A word that a shell takes as it is. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The models in a folder, to be named instead of it. */
async function modelsIn(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const models = names.filter((name) => name.toLowerCase().endsWith(".onnx")).sort();
  if (models.length === 0) return "; no .onnx file lies in it";
  const more = models.length > LISTED ? ` and ${models.length - LISTED} more` : "";
  return `; in it lie ${models.slice(0, LISTED).join(", ")}${more}`;
}

async function formatOf(path: string, size: number): Promise<OtherFormat | undefined> {
  const file = await open(path, "r");
  try {
    const read = async (length: number, position: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(HEAD_BYTES, 0);
    return otherFormat(path, head, await read(TAIL_BYTES, Math.max(0, size - TAIL_BYTES)));
  } finally {
    await file.close();
  }
}

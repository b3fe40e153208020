import { opendir } from "node:fs/promises";
import { dirname, extname, isAbsolute, relative, resolve, sep } from "node:path";
import { glob } from "tinyglobby";
import { AiwError } from "../core/errors.js";
import { sniffFile } from "./sniff.js";

/** A picture file, with the name that records give it. */
export interface PictureFile {
  readonly path: string;
  readonly name: string;
}

const PICTURE_EXTENSION = /^\.(jpe?g|jpe|jfif|png|webp|tiff?|gif|avif|bmp)$/i;

export function hasPictureExtension(path: string): boolean {
  return PICTURE_EXTENSION.test(extname(path));
}

/**
 * The pictures in a folder and its subfolders (hidden ones left out), in natural order, named by
 * their path within the folder. A file whose name says nothing is told by its content; other files
 * (labels, notes) are passed over.
 * @throws SOURCE_EMPTY
 */
export async function listFolder(folder: string): Promise<PictureFile[]> {
  // Opening it first turns "may not be read" into an error; the search would find nothing.
  await (await opendir(folder)).close();
  const pictures = await pictureFiles(await search("**/*", folder), folder);
  if (pictures.length === 0)
    throw new AiwError("SOURCE_EMPTY", `there is no picture in the folder ${folder}`);
  return pictures;
}

/**
 * The pictures that a glob matches, in natural order, named by their path below the folder that the
 * pattern starts from.
 * @throws SOURCE_EMPTY
 */
export async function listGlob(pattern: string): Promise<PictureFile[]> {
  const unixPattern = sep === "\\" ? pattern.replaceAll("\\", "/") : pattern;
  const base = resolve(globBase(unixPattern));
  const pictures = await pictureFiles(await search(unixPattern, process.cwd()), base);
  if (pictures.length === 0) throw new AiwError("SOURCE_EMPTY", `no picture matches ${pattern}`);
  return pictures;
}

export function isGlob(uri: string): boolean {
  return /[*?[\]{}]/.test(uri);
}

/** The folder before the first part that is a pattern. */
function globBase(pattern: string): string {
  const parts = pattern.split("/");
  const firstMagic = parts.findIndex(isGlob);
  const base = parts.slice(0, firstMagic).join("/");
  return base === "" && isAbsolute(pattern) ? "/" : base || ".";
}

function search(pattern: string, cwd: string): Promise<string[]> {
  return glob(pattern, { cwd, absolute: true, onlyFiles: true, expandDirectories: false });
}

async function pictureFiles(paths: readonly string[], base: string): Promise<PictureFile[]> {
  const pictures: PictureFile[] = [];
  for (const path of paths) {
    const isPicture = hasPictureExtension(path) || (await isPictureByContent(path));
    if (isPicture) pictures.push({ path: resolve(path), name: relative(base, path).replaceAll(sep, "/") });
  }
  return pictures.sort((a, b) => naturalOrder(a.name, b.name));
}

async function isPictureByContent(path: string): Promise<boolean> {
  return (await sniffFile(path).catch(() => "other")) === "picture";
}

const collator = new Intl.Collator("en", { numeric: true });

/** img2 before img10, folder by folder, the same on every machine. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(dirname(a), dirname(b)) || collator.compare(a, b) || (a < b ? -1 : Number(a > b));
}

import { createHash } from "node:crypto";

/** Letters of a name that are kept; those of two names that share them are told apart by the digest. */
const KEPT = 40;
const DIGEST = 8;
/** Ends as one that had to be changed. */
const LOOKS_CHANGED = new RegExp(`-[0-9a-f]{${DIGEST}}$`);

/**
 * A name as one level of a topic and as part of an id: letters, digits, - and _ of ASCII, never empty, the same for
 * the same name at every start, and another for another name. A name that is so already stays as it is; of any
 * other, the beginning of its SHA-256 tells it from those that look alike.
 */
export function slugOf(name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^A-Za-z0-9_]+/g, "-")
    .replace(/^-+|-+$/g, "");
  if (plain === name && name !== "" && name.length <= KEPT && !LOOKS_CHANGED.test(name)) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, DIGEST);
  return `${plain.slice(0, KEPT) || "camera"}-${digest}`;
}

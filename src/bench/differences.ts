import type { Comparable } from "./comparable.js";
import type { Difference } from "./comparison-schema.js";

/** Memory that the system reports of one machine differs a little from start to start. */
const MEMORY_TOLERANCE = 0.02;

const MACHINE = ["cpu", "cores", "os", "memory_mb"] as const;
/** What a command line sets, beside the report's `settings`. */
const CHOSEN = ["engine", "provider", "threads"] as const;
/** What two versions are compared for: it is named, and stands in nobody's way. */
const VERSIONS = ["aiw", "worker", "runtime", "node", "model", "model_id", "family", "input_shape"] as const;
const SETTINGS = [
  "source",
  "fps",
  "duration_s",
  "warmup_s",
  "size",
  "pixel_format",
  "conf",
  "iou",
  "classes",
  "worker",
] as const;

export interface Differences {
  /** Of machine and settings: what makes two reports incomparable unless it is meant. */
  readonly clashes: readonly Difference[];
  /** Of versions and models. */
  readonly versions: readonly Difference[];
}

/** What two reports differ in, beside what was measured; what one of them does not say is no difference. */
export function differencesOf(base: Comparable, head: Comparable): Differences {
  const [a, b] = [base.environment, head.environment];
  const early = { base: base.ended_early ?? "no", head: head.ended_early ?? "no" };
  return {
    clashes: [
      ...MACHINE.flatMap((what) =>
        what === "memory_mb" ? memory(a, b) : difference(what, a[what], b[what]),
      ),
      ...CHOSEN.flatMap((what) => difference(what, a[what], b[what])),
      ...SETTINGS.flatMap((what) => difference(what, said(base, what), said(head, what))),
      ...((base.ended_early ?? head.ended_early) === undefined ? [] : [{ what: "ended early", ...early }]),
    ],
    versions: VERSIONS.flatMap((what) => difference(what, a[what], b[what])),
  };
}

/** Frames are never sent as "auto": a report that says so doesn't say what they were sent as. */
function said({ settings }: Comparable, what: (typeof SETTINGS)[number]): unknown {
  const value = settings[what];
  return what === "pixel_format" && value === "auto" ? undefined : value;
}

function memory({ memory_mb: a }: Comparable["environment"], { memory_mb: b }: Comparable["environment"]) {
  if (a === undefined || b === undefined) return [];
  return Math.abs(a - b) <= MEMORY_TOLERANCE * Math.max(a, b) ? [] : difference("memory_mb", a, b);
}

function difference(what: string, base: unknown, head: unknown): Difference[] {
  if (base === undefined || head === undefined) return [];
  const [a, b] = [shown(base), shown(head)];
  return a === b ? [] : [{ what, base: a, head: b }];
}

function shown(value: unknown): string {
  if (value === null) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "all" : value.join(",");
  const text = String(value);
  // A digest is told apart by its beginning.
  return /^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text;
}

import type { ModelDescription } from "../core/model-description.js";
import type { Provenance } from "../optimize/provenance.js";
import type { LatencySummary } from "../results/latency.js";

/** What `aiw init` has done, `aiw.init/1`: latencies in milliseconds. */
export interface InitReport {
  readonly schema: "aiw.init/1";
  readonly aiw: string;
  readonly environment: { readonly python: string; readonly version: string; readonly kind: string };
  /** null where there is none: pictures and the synthetic scene need none. */
  readonly ffmpeg: { readonly path: string; readonly version: string } | null;
  /** `embedded`: the detector that comes with aiw, for want of another. */
  readonly model: ModelDescription & { readonly embedded: boolean };
  /** What --optimize has found, and the file to run; null where that was not asked for. */
  readonly optimized: (Provenance & { readonly path: string }) | null;
  /** Frames of the synthetic scene, one after the other, through the whole pipeline. */
  readonly first_frames: { readonly provider: string; readonly latency_ms: LatencySummary };
  readonly config: {
    readonly path: string;
    readonly action: "written" | "unchanged" | "changed" | "kept";
    readonly difference?: string;
  };
  /** What to go on with. */
  readonly next: readonly { readonly command: string; readonly purpose: string }[];
}

/** A model in one line: "yolo11, 80 classes, input 640x640, fp32, 2.6 M parameters, 6.5 GFLOP". */
export function modelLine(model: ModelDescription): string {
  const { family, input, classes, precision, parameters, gflop } = model;
  return [
    family ?? "of no known family",
    ...(classes === null ? [] : [`${classes.names.length} classes`]),
    ...(input === null ? [] : [`input ${input.width}x${input.height}${input.dynamic ? " (or other)" : ""}`]),
    precision.name,
    `${(parameters / 1e6).toFixed(parameters < 1e6 ? 2 : 1)} M parameters`,
    ...(gflop === null ? [] : [`${gflop.toFixed(1)} GFLOP`]),
  ].join(", ");
}

/** What a first latency figure means for people. */
export function firstFramesLine({ p50, p95, count }: LatencySummary): string {
  const rate = 1000 / p50;
  const fps = rate < 10 ? rate.toFixed(1) : String(Math.floor(rate));
  return `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms of ${count} frames: at most some ${fps} a second`;
}

/** What became of the configuration file. */
export function configLine({ path, action }: InitReport["config"]): string {
  if (action === "kept") return `${path} has edits and is kept as it is; --force overwrites it`;
  if (action === "changed") return `${path} has edits: changed as follows, all else is kept`;
  return `${path} ${action === "written" ? "written" : "is up to date"}`;
}

/** What to do now. */
export function nextSteps({ next }: Pick<InitReport, "next">): string {
  const width = Math.max(...next.map(({ command }) => command.length));
  return ["Next:", ...next.map(({ command, purpose }) => `  ${command.padEnd(width)}   ${purpose}`)].join(
    "\n",
  );
}

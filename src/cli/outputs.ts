import { AiwError } from "../core/errors.js";
import { allSinks } from "../sinks/all-sinks.js";
import { checkFolder } from "../sinks/folder.js";
import { openNdjson } from "../sinks/ndjson.js";
import type { OutcomeSink } from "../sinks/outcome-sink.js";
import { checkWritable } from "../sinks/whole-file.js";
import { refuseSamePlace } from "./same-place.js";

/** Where outcomes go, as `--out KIND:TARGET` names it. */
export interface Output {
  readonly kind: string;
  /** A path, or "-" for stdout. */
  readonly target: string;
}

interface OutputKind {
  /** Long before anything is written; touches nothing. @throws USAGE, OUTPUT_FAILED */
  check(target: string): void;
  /** @throws OUTPUT_FAILED */
  open(target: string, modelId: string): OutcomeSink | Promise<OutcomeSink>;
}

const KINDS: ReadonlyMap<string, OutputKind> = new Map([
  ["ndjson", { check: checkWritable, open: openNdjson }],
  [
    "jpeg",
    {
      check: checkFolder,
      async open(folder) {
        // sharp takes long to load, for those who want no pictures too long.
        const { openPictures } = await import("../sinks/pictures/pictures.js");
        return openPictures(folder);
      },
    },
  ],
] as const);

/** Refuses what makes no sense, whatever there is on the disk. @throws USAGE */
export function refuseBadOutputs(outputs: readonly Output[]): void {
  const named = outputs.map((output) => ({ ...output, name: `--out ${output.kind}:${output.target}` }));
  for (const { kind, target, name } of named) {
    if (!KINDS.has(kind)) {
      throw new AiwError("USAGE", `${name}: known kinds are ${[...KINDS.keys()].join(", ")}`);
    }
    if (kind === "jpeg" && target === "-") {
      throw new AiwError("USAGE", `${name}: pictures go into a folder, not to stdout: jpeg:DIR`);
    }
  }
  refuseSamePlace(named);
}

/** Whether all of them can be written, before anything is started. @throws OUTPUT_FAILED */
export function checkOutputs(outputs: readonly Output[]): void {
  for (const { kind, target } of outputs) KINDS.get(kind)?.check(target);
}

/** @throws OUTPUT_FAILED */
export async function openOutputs(outputs: readonly Output[], modelId: string): Promise<OutcomeSink> {
  const sinks: OutcomeSink[] = [];
  for (const { kind, target } of outputs) {
    const sink = await KINDS.get(kind)?.open(target, modelId);
    if (sink !== undefined) sinks.push(sink);
  }
  return allSinks(sinks);
}

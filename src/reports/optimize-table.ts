import Table from "cli-table3";
import type { CandidateFigures, Provenance } from "../optimize/provenance.js";
import { plural } from "../core/plural.js";
import { unjudgedWords } from "../optimize/agreement.js";
import { wrapped } from "./columns.js";

/** All candidates as a table for a terminal, the fastest first, and what is to be said of it; 80 columns. */
export function optimizeTable(found: Provenance): string {
  // Where they are all the same, there is nothing to choose.
  const hasThreads = new Set(found.candidates.map(({ threads }) => threads)).size > 1;
  const threads = (value: string) => (hasThreads ? [value] : []);
  const head = ["precision", "input", "engine", ...threads("thr"), "alone", "turns", "F1 %", "IoU"];
  const table = new Table({
    head,
    colAligns: head.map((name) => (["precision", "engine"].includes(name) ? "left" : "right")),
    // With one column more there is no room to lose.
    style: { head: [], border: [], compact: true, ...(hasThreads ? { "padding-left": 0 } : {}) },
  });
  const isFailed = ({ failure }: CandidateFigures) => failure !== null;
  const tried = found.candidates.filter((one) => !isFailed(one)).sort((a, b) => speed(a) - speed(b));
  for (const one of tried) {
    table.push([
      `${one.chosen ? "✔" : " "} ${shortPrecision(one.precision)}`,
      one.input ?? "",
      one.engine,
      ...threads(String(one.threads ?? "")),
      one.alone_ms === null ? "–" : `${one.alone_ms.toFixed(1)} ms`,
      one.ratio === null ? "–" : `${(one.ratio * 100).toFixed(0)} %`,
      percentFigure(one.agreement?.f1),
      percentFigure(one.agreement?.mean_iou),
    ]);
  }
  const said = [
    ...failures(found.candidates.filter(isFailed)),
    ...missed(found),
    ...found.remarks,
    legend(found),
  ];
  const lines = said.flatMap((line) => wrapped(`${" ".repeat(12)}${line}`).map((part) => part.slice(12)));
  return [table.toString(), ...lines].join("\n");
}

/** Each reason once, with all that it keeps from running. */
function failures(candidates: readonly CandidateFigures[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { precision, engine, failure } of candidates) {
    const named = byReason.get(failure ?? "") ?? [];
    byReason.set(failure ?? "", [...named, `${precision} on ${engine}`]);
  }
  return [...byReason].map(([reason, named]) => `${named.join("; ")}: can't be run: ${reason}`);
}

/** Said where 8 bits were tried and none will do: the table alone would leave people looking for why. */
function missed({ candidates, min_agreement: least }: Provenance): string[] {
  const judged = candidates.filter(({ precision, agreement }) => precision.startsWith("int8") && agreement);
  const isGood = ({ agreement }: CandidateFigures) =>
    (agreement?.f1 ?? 0) >= least && (agreement?.mean_iou ?? 0) >= least;
  if (judged.length === 0 || judged.some(isGood)) return [];
  return [`Nothing in 8 bits sees the same: F1 and IoU are to be ${least * 100} % (--min-agreement).`];
}

/** "int8 all/head" */
function shortPrecision(precision: string): string {
  return precision
    .replace("convolutions", "conv")
    .replace("all operators", "all")
    .replace(", head float", "/head")
    .replace(", outputs float", "/out");
}

/** What was found, in a line: "int8 all operators, 640x480, on openvino: 2.9 times as fast as it was". */
export function optimizeLine(found: Provenance): string {
  const chosen = found.candidates.find((one) => one.chosen);
  const { precision, input, engine, file, threads } = found;
  const how = [input, `on ${engine}`, ...(threads === null ? [] : [plural(threads, "thread")])].join(", ");
  if (file === null && engine === "onnxruntime" && threads === null) {
    return `nothing is faster than the unchanged model (${how})`;
  }
  const ratio = chosen?.ratio;
  return `${precision}, ${how}${ratio ? `: ${(1 / ratio).toFixed(1)} times as fast as it was` : ""}`;
}

/** Of which model it was made and to what, for aiw.yaml. */
export function tunedLine(found: Provenance): string {
  return `${found.source.path}: ${optimizeLine(found)}`;
}

function legend(found: Provenance): string {
  const { judged_frames: frames, reference_detections: detections, verified, candidates } = found;
  const judged = verified
    ? `F1 and IoU: with ${plural(detections, "detection")} of the unchanged model in ${plural(frames, "frame")} that were not calibrated with.`
    : `F1 and IoU: ${unjudgedWords(detections, frames)}.`;
  const isFloat = candidates.some(({ precision }) => precision.endsWith("float"));
  return [
    "alone: one inference, tried alone. turns: its share of the unchanged model's time, both measured in turns, which decides.",
    judged,
    ...(isFloat ? ["/head, /out: that much of the detector stays in float."] : []),
    '"–": too slow, or too far from the model, to be timed or judged further.',
  ].join(" ");
}

/** By the turns where there are any: what did not get that far is behind. */
function speed({ ratio, alone_ms: alone }: CandidateFigures): number {
  return ratio ?? 1000 + (alone ?? 0);
}

/** "97.4", "100" */
function percentFigure(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  return share === 1 ? "100" : (share * 100).toFixed(1);
}

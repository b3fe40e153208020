import type { ModelDescription, ProviderDescription, TensorDescription } from "../core/model-description.js";
import { printable } from "../core/printable.js";

const COLUMNS = 80;
/** Classes that the card names. */
const NAMED_CLASSES = 12;
/** Shares below this are not worth a word. */
const LEAST_SHARE = 0.001;

const FAMILIES: Readonly<Record<string, string>> = {
  yolo11: "YOLO11 (YOLOv8 has the same layout)",
  yolov5: "YOLOv5 (YOLOv7 has the same layout)",
  yolox: "YOLOX",
  nms: "a detector with NMS in its graph (nms=True of the export, YOLOv10)",
};

/** What a model is, for people; lines of at most 80 columns, but for long paths, without one at the end. */
export function modelCard(description: ModelDescription): string {
  const lines: readonly (readonly [label: string, text: string | undefined])[] = [
    ["model", description.file],
    ["known to aiw", known(description)],
    ["about", about(description)],
    ["licence", description.metadata.license ?? undefined],
    ["input", input(description)],
    ["output", description.outputs.map(tensor).join("; ")],
    ["classes", classes(description)],
    ["precision", precision(description)],
    ["size", size(description)],
    ["format", format(description)],
    ["sha256", description.sha256],
    ["runtime", description.runtime],
    ...description.providers.map((it): [string, string] => ["provider", provider(it)]),
    ["aiw will", plan(description)],
    ...description.warnings.map((warning): [string, string] => ["note", warning]),
  ];
  const shown = lines.flatMap(([label, text]) => (text === undefined ? [] : [[label, text] as const]));
  const width = Math.max(...shown.map(([label]) => label.length)) + 2;
  // A label that repeats the one above it says nothing.
  return shown
    .map(([label, text], i) => entry(label === shown[i - 1]?.[0] ? "" : label, printable(text), width))
    .join("\n");
}

function known({ family, refusal, task }: ModelDescription): string {
  if (refusal === null) return `yes, as ${FAMILIES[family ?? ""] ?? family}`;
  switch (refusal.name) {
    case "MODEL_UNKNOWN_LAYOUT":
      return "no: its output is laid out as in none of the families that aiw reads";
    case "MODEL_UNSUPPORTED_TASK":
      return `no: it is for the task "${task}", and aiw detects objects`;
    case "MODEL_UNSUPPORTED_INPUT":
      return "no: aiw feeds one input 1x3xHxW of float32 or float16";
    default:
      return `no: ${refusal.message}`;
  }
}

function about({ metadata: { description, author, version, date } }: ModelDescription): string | undefined {
  const parts = [description, author, version && `version ${version}`, date?.slice(0, "2026-01-31".length)];
  return parts.filter(Boolean).join(" · ") || undefined;
}

function tensor({ name, shape, dtype }: TensorDescription): string {
  // Between names an x would be taken for one of their letters.
  const between = shape.every((side) => typeof side === "number") ? "x" : " x ";
  const sides = shape.map((side) => side ?? "?").join(between);
  return `${name} ${sides || "scalar"} ${dtype}`;
}

function input({ input: it }: ModelDescription): string | undefined {
  if (it === null) return undefined;
  if (it.width === null || it.height === null) return tensor(it);
  return `${tensor(it)}, ${it.dynamic ? `of any size; run at ${it.width}x${it.height}` : "of fixed size"}`;
}

function classes({ classes: it }: ModelDescription): string | undefined {
  if (it === null) return undefined;
  const { names, source } = it;
  const more = names.length > NAMED_CLASSES ? ", …" : "";
  const assumed = source === "assumed" ? " (assumed)" : "";
  return `${names.length}${assumed}: ${names.slice(0, NAMED_CLASSES).join(", ")}${more}`;
}

function precision({ precision: { name, shares } }: ModelDescription): string {
  const parts = Object.entries(shares).filter(([, share]) => share >= LEAST_SHARE);
  if (parts.length < 2) return name;
  const said = parts.map(([type, share]) => `${type} ${(share * 100).toFixed(1)} %`);
  return `${name} (of the parameters ${said.join(", ")})`;
}

function size({ bytes, parameters, gflop, gflop_unknown: why, input: it }: ModelDescription): string {
  const at = it?.width && it.height ? ` at ${it.width}x${it.height}` : "";
  const work = gflop === null ? `GFLOP unknown: ${why}` : `${short(gflop)} GFLOP a frame${at}`;
  return `${inUnits(bytes, ["B", "kB", "MB", "GB"])} · ${inUnits(parameters, ["", "k", "M", "G"])} parameters · ${work}`;
}

function format(description: ModelDescription): string {
  const { opset, other_opsets: others, ir_version: ir, producer } = description;
  return [
    `ONNX ${opset === null ? "without standard operators" : `opset ${opset}`}`,
    ...Object.entries(others).map(([domain, version]) => `${domain} ${version}`),
    `IR ${ir}`,
    ...(producer === null ? [] : [`written by ${producer}`]),
  ].join(", ");
}

function provider({ name, starts, reason }: ProviderDescription): string {
  if (starts) return `${name} starts${reason === null ? "" : `, but ${reason}`}`;
  return `${name} does not start${reason === null ? "" : `: ${reason}`}`;
}

function plan({ refusal, input: it, suppression }: ModelDescription): string {
  if (refusal !== null || it === null) return "not run it";
  const boxes = {
    "in the graph": "take the boxes that the graph leaves",
    "by class": "suppress overlapping boxes of the same class (NMS)",
    "of all classes": "suppress overlapping boxes, whatever their classes (NMS)",
  }[suppression ?? "in the graph"];
  return `fit each frame into ${it.width}x${it.height}, its aspect kept and the rest padded, and ${boxes}`;
}

/** 2616248 as "2.62 M": three digits that count. */
function inUnits(value: number, units: readonly string[]): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${short(value / 1000 ** power)} ${units[power] ?? ""}`.trim();
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** A label and its text, broken at spaces; what follows the first line stands below its beginning. */
function entry(label: string, text: string, width: number): string {
  const lines: string[] = [];
  let line = label.padEnd(width);
  let isEmpty = true;
  for (const word of text.split(/ +/)) {
    if (!isEmpty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ".repeat(width);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join("\n");
}

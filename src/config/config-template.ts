import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { printable } from "../core/printable.js";

/** What a new configuration file says of the model. */
export interface TemplateModel {
  /** As the file is to name it: relative to its own folder. */
  readonly path: string;
  /** A line about it: "YOLO11, 80 classes, input 640x640, fp32". */
  readonly description: string;
  readonly classNames: readonly string[];
  /** What it was made from and to, where aiw has optimised it, in a line. */
  readonly from?: string | undefined;
}

/** What runs a model and with how many threads, where that is not left to aiw. */
export interface TemplateRun {
  readonly engine?: string | undefined;
  readonly device?: string | undefined;
  readonly threads?: number | undefined;
}

/** How the comment above the model begins, in every file that aiw writes. */
export const MODEL_COMMENT = "# The ONNX model, relative to this file";
/** How its second line begins, of a model that aiw has optimised. */
export const MADE_COMMENT = "# Made by aiw init --optimize from";
/** What stands in place of a key that is left at its default. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  model: "# model: yolo11s.onnx",
  engine: "# engine: onnxruntime",
  device: "# device: cpu",
  threads: "# threads: 2",
};
const CHECKSUM =
  /^# checksum ([0-9a-f]{16}): while it fits the lines above, aiw init may write this file anew\n$/;
/** Names of classes that the file mentions. */
const NAMED_CLASSES = 8;

/**
 * A configuration file with every setting that people change, explained; all but the model and what runs
 * it stand at their defaults. Its last line tells later whether it was edited since.
 */
export function configTemplate(model: TemplateModel | undefined, run: TemplateRun = {}): string {
  const text = `# aiw's settings for this folder and those below it; a flag or an environment variable comes first.
# What is commented out stands at its default. "aiw run --help" and "aiw bench --help" explain more.

${modelLines(model)}

# What to look at: a picture, folder, glob, video, /dev/video0, rtsp://…, or what aiw
# draws itself: "synthetic:", with its quotes.
# source: street.mp4
# Or a camera; "default" is the first of this machine.
# camera: default

# Least confidence that is reported, and the overlap above which two boxes count as one object.
# conf: 0.35
# iou: 0.45
${classLines(model)}

# Frames are scaled to fit inside this size, their aspect kept; "native" sends them as they are.
# size: 640x480

${runLines(run)}

# Conditions on a bench's figures, which ends with exit code 3 when one does not hold. What is really in
# a frame is known of synthetic: only, so recall and precision are for benches of that.
# gates:
#   - recall >= 90%

# What aiw agent watches, by name, in place of source and camera; how many frames a second it looks at without and
# with a session; and how long something has to be seen, then not to be seen, and the session stays open after that.
# cameras:
#   door: rtsp://10.0.0.5/live
# fps_idle: 5
# fps_active: 12
# dwell: 500ms
# silence: 3s
# post_roll: 5s
# Where its events go ("aiw agent --help" says more), and its sessions, relative to this file.
# events: ["ndjson:-", "mqtt://broker.local/aiw"]
# sessions_dir: sessions
`;
  return `${text}${checksumLine(text)}`;
}

/** A file's text without the line that tells whether it was edited. */
export function withoutChecksum(content: string): string {
  return content.replace(/\n# checksum [0-9a-f]{16}: .*(?=\r?\n)/, "");
}

/** Whether a file is just as configTemplate made it, for whatever model. */
export function isUnedited(content: string): boolean {
  const end = content.lastIndexOf("# checksum ");
  if (end < 0) return false;
  const [body, last] = [content.slice(0, end), content.slice(end)];
  return CHECKSUM.exec(last)?.[1] === checksum(body);
}

function modelLines(model: TemplateModel | undefined): string {
  if (model === undefined) {
    return `${MODEL_COMMENT}. Without one only synthetic: can be looked at.\n${EXAMPLES.model}`;
  }
  return `${modelComment(model)}\n${stringify({ model: model.path }, { lineWidth: 0 }).trim()}`;
}

/** What stands above the model: what it is and, of one that aiw has optimised, what it was made from. */
export function modelComment({ description, from }: TemplateModel): string {
  const lines = [
    `${MODEL_COMMENT}: ${description}.`,
    ...(from === undefined ? [] : [`${MADE_COMMENT} ${printable(from)}`]),
  ];
  return lines.join("\n");
}

function runLines({ engine, device, threads }: TemplateRun): string {
  return `# What runs the model: onnxruntime or openvino; and where: cpu or cuda (with onnxruntime).
${engine === undefined ? EXAMPLES.engine : `engine: ${engine}`}
${device === undefined ? EXAMPLES.device : `device: ${device}`}
# Threads of one inference; by default as many as there are cores.
${threads === undefined ? EXAMPLES.threads : `threads: ${threads}`}`;
}

function classLines(model: TemplateModel | undefined): string {
  const names = model?.classNames ?? [];
  const shown = names.slice(0, NAMED_CLASSES).map((name) => printable(name.replace(/\s+/g, " ")));
  const end = names.length > shown.length ? ", …" : ".";
  const has = shown.length === 0 ? "" : ` The model has ${shown.join(", ")}${end}`;
  return `# Only these classes, by name or id; by default all.${has}\n# classes: [person, car]`;
}

function checksumLine(text: string): string {
  return `\n# checksum ${checksum(`${text}\n`)}: while it fits the lines above, aiw init may write this file anew\n`;
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 16);
}

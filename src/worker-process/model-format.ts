import { extname } from "node:path";

/** What a file is that is no ONNX model: completes the sentence "model x is …". */
export interface OtherFormat {
  readonly kind: "checkpoint" | "pointer" | "other";
  readonly is: string;
}

const CHECKPOINT: OtherFormat = { kind: "checkpoint", is: "a PyTorch checkpoint" };
const POINTER: OtherFormat = { kind: "pointer", is: "a Git LFS pointer, not the model itself" };
const other = (is: string): OtherFormat => ({ kind: "other", is });
const TORCHSCRIPT = other("a TorchScript program of PyTorch");
const TENSORRT = other("a TensorRT engine, which runs only on the kind of GPU that it was built on");
const TFLITE = other("a TensorFlow Lite model");
const OPENVINO = other("an OpenVINO model");
const KERAS = other("a Keras model");
const SAFETENSORS = other("a safetensors file, weights without a graph");
const ORT = other("a model in ONNX Runtime's own format, not in ONNX");
const NCNN = other("an ncnn model");
const TENSORFLOW = other("a TensorFlow graph");

/* eslint-disable no-control-regex -- the marks of binary formats are what is looked for */
/** By a file's first bytes, as latin1. */
const BY_CONTENT: readonly (readonly [RegExp, OtherFormat])[] = [
  [/^version https:\/\/git-lfs/, POINTER],
  // The magic number that torch.save wrote before 1.6, pickled.
  [/^\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19/, CHECKPOINT],
  [/^.{4}TFL3/s, TFLITE],
  [/^.{4}ORTM/s, ORT],
  [/^\x89HDF/, KERAS],
  [/^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?<net\b/, OPENVINO],
  // Ultralytics writes its metadata before the engine: a length, and JSON.
  [/^(ftrt|.{2}\x00\x00\{".*ftrt)/s, TENSORRT],
  [/^.{8}\{"/s, SAFETENSORS],
  [/^7767517\s/, NCNN],
  [/^GGUF/, other("a GGUF language model")],
  [/^\s*<(!doctype html|html)/i, other("a web page, as a failed download leaves it")],
];

const BY_EXTENSION: Readonly<Record<string, OtherFormat>> = {
  ".pt": CHECKPOINT,
  ".pth": CHECKPOINT,
  ".torchscript": TORCHSCRIPT,
  ".engine": TENSORRT,
  ".plan": TENSORRT,
  ".tflite": TFLITE,
  ".xml": OPENVINO,
  ".h5": KERAS,
  ".keras": KERAS,
  ".safetensors": SAFETENSORS,
  ".ort": ORT,
  ".param": NCNN,
  ".pb": TENSORFLOW,
  ".mlmodel": other("a Core ML model"),
  ".pdmodel": other("a PaddlePaddle model"),
  ".rknn": other("a model for Rockchip's NPU"),
  ".mnn": other("an MNN model"),
};
/** Formats that begin as ONNX does: of these the name alone tells. */
const BEGINS_AS_ONNX = [".pb", ".mlmodel"];

/**
 * The format of a model that is not ONNX, where it is one that people have; undefined for all else, which
 * the worker judges.
 * @param head the file's first bytes
 * @param tail its last, where a zip archive lists its files
 */
export function otherFormat(path: string, head: Buffer, tail: Buffer): OtherFormat | undefined {
  const start = head.toString("latin1");
  if (start.startsWith("PK\x03\x04")) return archive(path, start + tail.toString("latin1"));
  const known = BY_CONTENT.find(([pattern]) => pattern.test(start));
  if (known !== undefined) return known[1];
  const extension = extname(path).toLowerCase();
  // Whoever named an ONNX file otherwise is not to be told that it is something else.
  if (isLikeOnnx(start) && !BEGINS_AS_ONNX.includes(extension)) return undefined;
  return BY_EXTENSION[extension];
}

/** ir_version, a small number, and then another field of ModelProto. */
function isLikeOnnx(start: string): boolean {
  return /^\x08[\x01-\x1f][\x12\x1a"*2:BrR]/.test(start);
}

/** torch.save and torch.jit.save both write zip archives; only a program has constants. */
function archive(path: string, names: string): OtherFormat {
  if (/\/constants\.pkl/.test(names)) return TORCHSCRIPT;
  if (/(^|\/)data\.pkl/m.test(names)) return CHECKPOINT;
  return BY_EXTENSION[extname(path).toLowerCase()] ?? other("a zip archive");
}

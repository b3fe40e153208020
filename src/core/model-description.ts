/** An input or output of a graph. A symbolic dimension is its name, one that nothing is known of is null. */
export interface TensorDescription {
  readonly name: string;
  readonly shape: readonly (number | string | null)[];
  /** "float32", as numpy has it. */
  readonly dtype: string;
}

/** The one input that frames go into, at the size that they will be fitted to, pixels. */
export interface InputDescription extends TensorDescription {
  /** null where nothing can be told, as of a model that takes no pictures. */
  readonly width: number | null;
  readonly height: number | null;
  /** Whether another size may be asked for. */
  readonly dynamic: boolean;
}

/** One of onnxruntime's execution providers, tried with this very model. */
export interface ProviderDescription {
  readonly name: string;
  readonly starts: boolean;
  /** Why it does not start, or what keeps it idle where it does. */
  readonly reason: string | null;
}

/** What a model is, as the worker's describing module says it; the same names as in its JSON. */
export interface ModelDescription {
  /** As it was asked for. */
  readonly file: string;
  /** Of the file, and of the files beside it that hold its weights, if any. */
  readonly bytes: number;
  /** Of the file. */
  readonly sha256: string;
  /** Files that hold its weights, relative to its folder; empty where it holds them itself. */
  readonly weight_files: readonly string[];
  /** The worker's name of the family ("yolo11"); null for a model that aiw cannot run. */
  readonly family: string | null;
  /** Why aiw cannot run it: the very error that a run would end with; null where it can. */
  readonly refusal: { readonly name: string; readonly message: string } | null;
  /** What the metadata says that it is for ("detect"); null where it says nothing. */
  readonly task: string | null;
  /** null for a model without an input, or with several. */
  readonly input: InputDescription | null;
  readonly outputs: readonly TensorDescription[];
  readonly classes: {
    readonly names: readonly string[];
    /** "assumed": the metadata names none that fit (COCO's for 80 classes, else class_0 …). */
    readonly source: "metadata" | "assumed";
  } | null;
  /** "fp32", "fp16", "int8 QDQ", "mixed fp32 and fp16" …, and each type's share of the parameters, 0 to 1. */
  readonly precision: { readonly name: string; readonly shares: Readonly<Record<string, number>> };
  /** Version of the standard operators; null where it uses none. */
  readonly opset: number | null;
  /** Versions of other operator sets, by domain ("com.microsoft"). */
  readonly other_opsets: Readonly<Record<string, number>>;
  readonly ir_version: number;
  /** What wrote it ("pytorch 2.9.0"), if it says so. */
  readonly producer: string | null;
  /** Count of the weights. */
  readonly parameters: number;
  /** 1e9 multiplications and additions of one frame at the input's size; null with a reason. */
  readonly gflop: number | null;
  readonly gflop_unknown: string | null;
  /** What keeps overlapping boxes apart: the graph itself, or aiw's NMS. */
  readonly suppression: "in the graph" | "by class" | "of all classes" | null;
  readonly metadata: {
    readonly author: string | null;
    readonly license: string | null;
    readonly date: string | null;
    readonly version: string | null;
    readonly description: string | null;
  };
  /** "onnxruntime 1.32.0" */
  readonly runtime: string;
  readonly providers: readonly ProviderDescription[];
  /** What its owner should know, one sentence each. */
  readonly warnings: readonly string[];
}

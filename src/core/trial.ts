/** Frames in a file, as trials and calibration read them. */
export interface FrameFiles {
  /** RGB frames, one behind the other. */
  readonly pixels: string;
  /** JSON list of [width, height]. */
  readonly sizes: string;
}

/** One detection: class id, confidence, and its box in pixels of the frame: left, top, width, height. */
export type DetectionRow = readonly [
  classId: number,
  confidence: number,
  x: number,
  y: number,
  w: number,
  h: number,
];

/** What a loaded candidate says of itself. */
export interface TrialFacts {
  readonly loadMs: number;
  /** The model's input. */
  readonly width: number;
  readonly height: number;
  readonly provider: string;
  /** Of the engine. */
  readonly version: string;
  readonly threads: number;
  readonly rssBytes: number;
}

/** A model loaded in a process of its own, which waits for questions and takes no CPU meanwhile. */
export interface Trial {
  readonly facts: TrialFacts;
  /** Times of that many inferences, microseconds. */
  time(runs: number): Promise<readonly number[]>;
  /** What it sees in frames `first` to `end` - 1. */
  detect(first: number, end: number): Promise<readonly (readonly DetectionRow[])[]>;
  /** Ends its process; idempotent. */
  close(): Promise<void>;
}

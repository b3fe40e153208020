/** What the worker measured of a frame, integer microseconds. */
export interface WorkerStages {
  /** Last byte in the worker to the start of preprocessing. */
  readonly queueUs: number;
  readonly preprocessUs: number;
  readonly inferenceUs: number;
  readonly postprocessUs: number;
}

/** What the worker's process has used since it started. */
export interface WorkerUsage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** The stages of a frame in the order in which they happen; they add up to `total`. */
export const STAGES = ["wait", "transport", "queue", "preprocess", "inference", "postprocess"] as const;
export type Stage = (typeof STAGES)[number];

/**
 * How long a frame took, integer microseconds. `total` runs from the frame's due time (a live
 * frame's arrival) to its result in the consumer's hands; `wait` from the due time to the write of
 * its first byte, its encoding included where it is sent as JPEG or WebP; `transport` is the total minus all
 * the other stages. All but `total` and `wait` are null with a worker that does not report its own stages.
 */
export interface FrameLatency extends Readonly<Record<Stage, number | null>> {
  readonly total: number;
  readonly wait: number;
}

export function frameLatency(
  dueUs: number,
  times: { readonly sentAtUs: number; readonly answeredAtUs: number },
  worker: WorkerStages | undefined,
): FrameLatency {
  const total = times.answeredAtUs - dueUs;
  const wait = times.sentAtUs - dueUs;
  if (worker === undefined) {
    return {
      total,
      wait,
      transport: null,
      queue: null,
      preprocess: null,
      inference: null,
      postprocess: null,
    };
  }
  const {
    queueUs: queue,
    preprocessUs: preprocess,
    inferenceUs: inference,
    postprocessUs: postprocess,
  } = worker;
  const transport = total - wait - queue - preprocess - inference - postprocess;
  return { total, wait, transport, queue, preprocess, inference, postprocess };
}

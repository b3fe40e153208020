/** Results of one chunk; a power of two. */
const CHUNK = 4096;

/** When a result's frame was due, from the start of the run, and what it took; microseconds. */
export interface ResultTime {
  readonly dueUs: number;
  readonly totalUs: number;
  /** null where the worker did not say */
  readonly inferenceUs: number | null;
}

/** In place of an inference time that was not reported. */
const NOT_REPORTED = -1;

interface Chunk {
  readonly dueUs: Float64Array;
  readonly totalUs: Int32Array;
  readonly inferenceUs: Int32Array;
}

/**
 * The times of each result of a run, for what is cut out of it at its end. Sixteen bytes a result and no objects:
 * lists that grow, or objects that are replaced with each frame, are carried by the garbage collector into the space
 * of what lives long, and stay there.
 */
export class ResultTimes {
  private readonly chunks: Chunk[] = [];
  private count = 0;

  add(dueUs: number, totalUs: number, inferenceUs: number | null): void {
    const at = this.count % CHUNK;
    if (at === 0) this.chunks.push(emptyChunk());
    const chunk = this.chunks.at(-1);
    if (chunk === undefined) return;
    chunk.dueUs[at] = dueUs;
    chunk.totalUs[at] = totalUs;
    chunk.inferenceUs[at] = inferenceUs ?? NOT_REPORTED;
    this.count++;
  }

  /** In the order in which they were added. */
  *[Symbol.iterator](): Generator<ResultTime, void, undefined> {
    for (let i = 0; i < this.count; i++) {
      const chunk = this.chunks[Math.floor(i / CHUNK)];
      const at = i % CHUNK;
      const inferenceUs = chunk?.inferenceUs[at] ?? NOT_REPORTED;
      yield {
        dueUs: chunk?.dueUs[at] ?? 0,
        totalUs: chunk?.totalUs[at] ?? 0,
        inferenceUs: inferenceUs === NOT_REPORTED ? null : inferenceUs,
      };
    }
  }
}

function emptyChunk(): Chunk {
  return {
    dueUs: new Float64Array(CHUNK),
    totalUs: new Int32Array(CHUNK),
    inferenceUs: new Int32Array(CHUNK),
  };
}

/** Longer ones are no records: what they hold is not kept. */
const LONGEST = 4 * 1024 * 1024;

export interface Line {
  /** Without its end; empty of one that is too long to be a record. */
  readonly text: string;
  /** Of the file, its end included. */
  readonly bytes: number;
}

/**
 * The whole lines of a file in pieces, one at a time; what stands behind the last end of a line is none.
 * Not by readline, which takes a last half line for a line and keeps one without an end whole in memory.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      parts.push(chunk.subarray(from, end));
      bytes += end + 1 - from;
      yield { text: bytes > LONGEST ? "" : Buffer.concat(parts).toString("utf8"), bytes };
      parts = [];
      bytes = 0;
      from = end + 1;
    }
    bytes += chunk.length - from;
    if (bytes > LONGEST) parts = [];
    else if (from < chunk.length) parts.push(chunk.subarray(from));
  }
}

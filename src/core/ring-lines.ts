/** The last lines of a stream of text (a subprocess' stderr), bounded in number and length. */
export class RingLines {
  private readonly lines: string[] = [];
  private partial = "";

  constructor(
    private readonly maxLines = 40,
    private readonly maxLength = 2000,
  ) {}

  /** Takes a chunk; returns the lines that it completed. */
  push(chunk: string): string[] {
    const parts = (this.partial + chunk).split(/\r\n|\n|\r/);
    this.partial = (parts.pop() ?? "").slice(0, this.maxLength);
    const complete = parts.filter((line) => line !== "").map((line) => line.slice(0, this.maxLength));
    this.lines.push(...complete);
    this.lines.splice(0, Math.max(0, this.lines.length - this.maxLines));
    return complete;
  }

  /** The last `count` lines, oldest first, the unfinished one included. */
  last(count: number): string[] {
    const all = this.partial === "" ? this.lines : [...this.lines, this.partial];
    return all.slice(-count);
  }
}

import { plural } from "../../core/plural.js";

/** Tells people that an output is in trouble and that it is out of it: a line for each, however long it lasts. */
export class Outage {
  private readonly told = new Set<string>();
  private droppedBefore = 0;

  /**
   * @param name of the output, credentials masked
   * @param dropped how many events it has lost so far
   */
  constructor(
    private readonly name: string,
    private readonly onNote: (text: string) => void,
    private readonly dropped: () => number,
  ) {}

  /**
   * It is in trouble, or still is.
   * @param kind is told once in an outage, whatever its reasons say
   */
  begin(kind: string, reason: string): void {
    if (this.told.has(kind)) return;
    if (this.told.size === 0) this.droppedBefore = this.dropped();
    this.told.add(kind);
    this.onNote(`${this.name} ${reason}`);
  }

  /** It works. */
  end(): void {
    if (this.told.size === 0) return;
    this.told.clear();
    const lost = this.dropped() - this.droppedBefore;
    this.onNote(`${this.name} works again; dropped meanwhile: ${plural(lost, "event")}`);
  }
}

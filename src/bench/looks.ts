import { ALPHA } from "./early-stopping.js";
import { type GateFigures, type GateWatch, leastSamples } from "./gates.js";
import type { JudgedGate } from "./report-schema.js";

/**
 * The looks at a run that goes on until its gates are judged. Whoever looks again and again at a run with
 * the same bound, and stops when it is met, passes what should not pass far more often than the bound says.
 * So a look is taken only where the samples that the last one asked for are there, and of the chance of a
 * false pass the first look spends a half, the next a quarter, and so on: together never more than the
 * whole (a union bound). A run that cannot go on is looked at once, with all of it.
 */
export class Looks {
  private look = 0;
  /** Samples of each gate that the next look waits for. */
  private waitsFor: readonly number[];

  constructor(
    private readonly watches: readonly GateWatch[],
    private readonly mayGoOn: boolean,
  ) {
    this.waitsFor = watches.map(() => 0);
  }

  /** Whether the run has to go on for its gates. A frame in flight is taken for the worst that it may be. */
  wantsMore(figures: GateFigures): boolean {
    const { results, errors, inFlight } = figures.counts;
    // There is nothing to look at yet, and there may be.
    if (results + errors === 0 && inFlight > 0) return this.watches.length > 0;
    const judged = this.judgeWith(figures, figures.counts.inFlight);
    const isThere = judged.every(({ samples }, i) => samples >= (this.waitsFor[i] ?? 0));
    if (!isThere) return true;
    const open = judged.map((gate, i) => this.isOpen(gate, i));
    if (!open.includes(true)) return false;
    this.look++;
    const next = this.judgeWith(figures, figures.counts.inFlight);
    this.waitsFor = next.map(({ needed }, i) => (open[i] ? Math.max(needed, this.least(i)) : 0));
    return true;
  }

  /** The verdicts by all that there is. */
  judge(figures: GateFigures): JudgedGate[] {
    return this.judgeWith(figures, 0);
  }

  private judgeWith(figures: GateFigures, pending: number): JudgedGate[] {
    return this.watches.map((watch) => watch.judge(figures, this.alpha, pending));
  }

  private get alpha(): number {
    return this.mayGoOn ? ALPHA / 2 ** (this.look + 1) : ALPHA;
  }

  /** More samples can settle it: there are too few, for a failure too; and not none, for these do not come. */
  private isOpen({ verdict, samples }: JudgedGate, index: number): boolean {
    if (samples === 0) return false;
    return verdict === "insufficient" || (verdict === "fail" && samples < this.least(index));
  }

  private least(index: number): number {
    const watch = this.watches[index];
    return watch === undefined ? 1 : leastSamples(watch.gate, this.alpha);
  }
}

import { sum } from "../core/sum.js";

/**
 * Why a frame was dropped:
 * - `latest_wins`: a newer frame came before the worker had taken it
 * - `source_late`: the source had no frame ready when one was due, or a camera's came faster than read
 * - `disconnected`: the link was lost while the frame was in flight, or away until a newer one came
 * - `interrupted`: the run ended before its answer came
 */
export type DropReason = "latest_wins" | "source_late" | "disconnected" | "interrupted";

/** Where the offered frames are: offered = results + errors + inFlight + the sum of dropped. */
export interface LedgerCounts {
  readonly offered: number;
  /** Frames whose first byte was written. */
  readonly sent: number;
  readonly results: number;
  readonly errors: number;
  /** Waiting in the slot, or sent and not answered. */
  readonly inFlight: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

/**
 * Counts every offered frame in exactly one place. `inFlight` is counted on its own and not derived,
 * so that a frame lost by a defect shows as a ledger that does not add up.
 */
export class Ledger {
  private offered = 0;
  private sent = 0;
  private results = 0;
  private errors = 0;
  private inFlight = 0;
  private readonly dropped = new Map<DropReason, number>();

  /** A frame is there; every call is followed by exactly one of `result`, `error` and `drop`. */
  offer(): void {
    this.offered++;
    this.inFlight++;
  }

  send(): void {
    this.sent++;
  }

  result(): void {
    this.inFlight--;
    this.results++;
  }

  error(): void {
    this.inFlight--;
    this.errors++;
  }

  drop(reason: DropReason): void {
    this.inFlight--;
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
  }

  counts(): LedgerCounts {
    const { offered, sent, results, errors, inFlight } = this;
    return { offered, sent, results, errors, inFlight, dropped: Object.fromEntries(this.dropped) };
  }
}

/** Dropped frames of a ledger, or of the frames of a report, whatever the reason. */
export function droppedTotal({ dropped }: { readonly dropped: Readonly<Record<string, number>> }): number {
  return sum(Object.values(dropped));
}

export function isExact(counts: LedgerCounts): boolean {
  return counts.offered === counts.results + counts.errors + counts.inFlight + droppedTotal(counts);
}

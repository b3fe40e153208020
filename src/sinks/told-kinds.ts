import type { Clock } from "../core/clock.js";

/** Least time between two tellings of a kind, microseconds: what fails in turns with what goes well is no news. */
const NOT_AGAIN_WITHIN_US = 60_000_000;

interface Told {
  atUs: number;
  wentWellSince: boolean;
}

/**
 * Of which kinds of trouble people were told: each once, and anew when it comes back after it went well, since months
 * may lie between.
 */
export class ToldKinds {
  private readonly told = new Map<string | number, Told>();

  constructor(private readonly clock: Clock) {}

  /** Whether people are to be told of it now; who asks tells them. */
  isNews(kind: string | number): boolean {
    const nowUs = this.clock.nowUs();
    const before = this.told.get(kind);
    const isOld =
      before !== undefined && !(before.wentWellSince && nowUs - before.atUs >= NOT_AGAIN_WITHIN_US);
    if (!isOld) this.told.set(kind, { atUs: nowUs, wentWellSince: false });
    return !isOld;
  }

  goesWell(): void {
    for (const one of this.told.values()) one.wentWellSince = true;
  }
}

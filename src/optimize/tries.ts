import { AiwError, lacksMemory } from "../core/errors.js";
import type { Trial } from "../core/trial.js";
import { type Candidate, candidateKey, graphKey } from "./candidate.js";
import type { Tried } from "./optimized.js";

/** What has become of each candidate, and the way to try one. */
export class Tries {
  private readonly tried = new Map<string, Tried>();

  /** @param open loads a candidate in a process of its own. @throws AiwError where that can't be done */
  constructor(
    readonly unchanged: Candidate,
    private readonly open: (candidate: Candidate) => Promise<Trial>,
  ) {}

  get all(): readonly Tried[] {
    return [...this.tried.values()];
  }

  has(candidate: Candidate): boolean {
    return this.tried.has(candidateKey(candidate));
  }

  of(candidate: Candidate): Tried {
    return this.tried.get(candidateKey(candidate)) ?? { candidate };
  }

  isUnchanged(candidate: Candidate): boolean {
    return candidateKey(candidate) === candidateKey(this.unchanged);
  }

  note(candidate: Candidate, found: Omit<Tried, "candidate">): void {
    this.tried.set(candidateKey(candidate), { ...this.of(candidate), ...found });
  }

  /** What can't be run is noted, with its reason; the unchanged model's failure and an interruption end it all. */
  noteFailure(candidate: Candidate, error: unknown): void {
    const isExpected = error instanceof AiwError && error.code !== "INTERRUPTED";
    if (!isExpected || this.isUnchanged(candidate)) throw error;
    // A file of aiw's own work folder: its name says nothing to people, and makes of one reason many.
    const failure = error.message.replaceAll(`${graphKey(candidate)}.onnx`, "it");
    this.note(candidate, { failure, lacksMemory: lacksMemory(error) });
  }

  /**
   * Loads a candidate and hands it to `use`, whose it is from then on: closed there, or kept. Where either fails
   * it is closed here, and the failure noted.
   */
  async try(candidate: Candidate, use: (trial: Trial) => Promise<void>): Promise<void> {
    let trial: Trial | undefined;
    try {
      trial = await this.open(candidate);
      await use(trial);
    } catch (error) {
      await trial?.close();
      this.noteFailure(candidate, error);
    }
  }
}

import { median } from "../core/median.js";
import { plural } from "../core/plural.js";
import type { Trial } from "../core/trial.js";
import { type Candidate, candidateKey, candidateWords } from "./candidate.js";
import { lowerQuartile } from "./lower-quartile.js";
import type { Tried } from "./optimized.js";
import type { Tries } from "./tries.js";
import { turns } from "./turns.js";

const ROUNDS = 6;
const RUNS_A_TURN = 8;
/** The unchanged model's slowest turn over its fastest; beyond it, something else was at work as well. */
const BUSY = 1.5;

/** The finalists and the unchanged model, all loaded at once and timed in turns. */
export class FinalTurns {
  private readonly open = new Map<string, Trial>();

  constructor(
    private readonly tries: Tries,
    private readonly onStep: (text: string) => void,
  ) {}

  /**
   * Notes of each its median time and its median ratio to the unchanged model in the same round.
   * @returns least and largest time of the unchanged model's turns, milliseconds, where they differ too much
   */
  async run(finalists: readonly Tried[]): Promise<readonly [number, number] | undefined> {
    try {
      return await this.timeAll(await this.load(finalists));
    } finally {
      await Promise.all([...this.open.values()].map((trial) => trial.close()));
    }
  }

  /** Those that could be loaded, the unchanged model first. */
  private async load(finalists: readonly Tried[]): Promise<readonly Candidate[]> {
    const { tries, onStep } = this;
    const entrants = new Map([[candidateKey(tries.unchanged), tries.unchanged]]);
    for (const { candidate, failure } of finalists) {
      if (failure === undefined) entrants.set(candidateKey(candidate), candidate);
    }
    for (const [key, candidate] of entrants) {
      onStep(`loading ${candidateWords(candidate)} once more`);
      await tries.try(candidate, async (trial) => {
        this.open.set(key, trial);
        tries.note(candidate, { facts: trial.facts });
      });
    }
    return [...entrants.values()].filter((candidate) => this.open.has(candidateKey(candidate)));
  }

  private async timeAll(loaded: readonly Candidate[]): Promise<readonly [number, number] | undefined> {
    const { tries, onStep } = this;
    const rounds = await turns(loaded, ROUNDS, (candidate, round) => {
      onStep(`timing ${plural(loaded.length, "candidate")} in turns, round ${round + 1} of ${ROUNDS}`);
      return this.turn(candidate);
    });
    for (const { item, values, ratios } of rounds) {
      if (tries.of(item).failure !== undefined) continue;
      tries.note(item, { finalMs: median(values), ratio: median(ratios) });
    }
    const unchanged = rounds[0]?.values ?? [];
    const [least, most] = [Math.min(...unchanged), Math.max(...unchanged)];
    return most > BUSY * least ? [least, most] : undefined;
  }

  /** Milliseconds; not a number once it has failed, as it may where memory is short for so many at once. */
  private async turn(candidate: Candidate): Promise<number> {
    const key = candidateKey(candidate);
    const trial = this.open.get(key);
    if (trial === undefined) return Number.NaN;
    try {
      return lowerQuartile(await trial.time(RUNS_A_TURN)) / 1000;
    } catch (error) {
      this.open.delete(key);
      await trial.close();
      this.tries.noteFailure(candidate, error);
      return Number.NaN;
    }
  }
}

import { AiwError } from "../core/errors.js";
import type { DetectionRow } from "../core/trial.js";
import { agreementOf, isEnough, unjudgedWords } from "./agreement.js";
import {
  type Candidate,
  candidateKey,
  candidateWords,
  changes,
  floats,
  integers,
  moreFloat,
} from "./candidate.js";
import { FinalTurns } from "./final-turns.js";
import { lowerQuartile } from "./lower-quartile.js";
import type { Optimized, OptimizerOptions, Reference, Tried } from "./optimized.js";
import { Tries } from "./tries.js";

/** Fewer detections of the unchanged model than these say nothing of an agreement of 0.95. */
const LEAST_REFERENCE = 20;
/** With so many, after so many frames, no more are looked at. */
const ENOUGH_REFERENCE = 100;
const LEAST_FRAMES = 32;
const FRAMES_AT_ONCE = 8;
/** Inferences that a candidate is first timed by, alone. */
const FIRST_RUNS = 12;
/** What is slower than the fastest by more, alone, does not come to the turns: so much a busy machine may do. */
const WITHIN = 1.4;
/** Most that are timed in turns, beside the unchanged model. */
const FINALISTS = 4;
/** Of candidates that are as fast as that, the one that changes least is taken. */
const AS_FAST = 1.03;

/**
 * With fewer threads, half of them is only ever faster where something else takes the other half: that is no
 * property of the machine.
 */
const SHARING = 4;
const UNCHANGED = { engine: "onnxruntime", precision: "fp32", size: undefined } as const;

/**
 * Finds the fastest way to run a model that still sees what the model sees.
 *
 * Each candidate is loaded in a process of its own, since several sessions in one slow each other down. All
 * are timed alone first; the fastest whose detections agree with the unchanged model's are then timed in
 * turns with it (A B C, C B A, …), so that a busy machine hits all alike, and judged by the median over the
 * rounds of their ratio to the unchanged model in the same round. A turn counts as the time that a quarter
 * of its runs stay below: other work only adds.
 * @throws AiwError OPTIMIZE_UNJUDGED where there is too little to judge by, and that is not allowed;
 *   WORKER_REFUSED when the model itself can't be run; INTERRUPTED
 */
export async function optimize(options: OptimizerOptions): Promise<Optimized> {
  return new Optimizer(options).run();
}

class Optimizer {
  private readonly tries: Tries;

  constructor(private readonly options: OptimizerOptions) {
    this.tries = new Tries({ ...UNCHANGED, threads: options.threads }, options.open);
  }

  async run(): Promise<Optimized> {
    const { options, tries } = this;
    const reference = await this.reference();
    const detections = this.countOf(reference);
    const canJudge = detections >= LEAST_REFERENCE;
    if (!canJudge && !options.allowUnverified) throw unjudged(detections, reference.length);
    await this.timeAlone([...floats(options), ...integers(options, options.sizes[0])]);
    const finalists = await this.finalists(canJudge ? reference : undefined);
    const last = await this.withOtherThreads(finalists);
    const busy = await new FinalTurns(tries, options.onStep).run(last);
    const winner = this.winner();
    return {
      winner,
      all: tries.all,
      busy,
      verified: canJudge || tries.isUnchanged(winner.candidate),
      reference: detections,
      judgedFrames: reference.length,
    };
  }

  /** What the unchanged model sees, in as many frames as it takes to have enough to judge by. */
  private async reference(): Promise<Reference> {
    const { findings, judged, onFinding, onStep } = this.options;
    if (findings.reference !== undefined) return findings.reference;
    onStep("looking at the frames with the unchanged model");
    const trial = await this.options.open(this.tries.unchanged);
    try {
      const rows: (readonly DetectionRow[])[] = [];
      let found = 0;
      while (rows.length < judged && (found < ENOUGH_REFERENCE || rows.length < LEAST_FRAMES)) {
        const end = Math.min(judged, rows.length + FRAMES_AT_ONCE);
        rows.push(...(await trial.detect(rows.length, end)));
        found = this.countOf(rows);
      }
      findings.reference = rows;
      await onFinding(findings);
      return rows;
    } finally {
      await trial.close();
    }
  }

  /** Detections that there are to agree with: of the classes that count, and not too small to be matched. */
  private countOf(reference: Reference): number {
    return agreementOf(reference, reference, this.options.classes).reference;
  }

  private async timeAlone(candidates: readonly Candidate[]): Promise<void> {
    for (const [index, candidate] of candidates.entries()) {
      this.options.onStep(`timing ${candidateWords(candidate)} (${index + 1} of ${candidates.length})`);
      await this.tries.try(candidate, async (trial) => {
        const times = await trial.time(FIRST_RUNS);
        this.tries.note(candidate, { facts: trial.facts, aloneMs: lowerQuartile(times) / 1000 });
        await trial.close();
      });
    }
  }

  /** The fastest that agree; in 8 bits at the model's own input size where the smaller one doesn't. */
  private async finalists(reference: Reference | undefined): Promise<Tried[]> {
    const passed = await this.fastest(reference);
    const hasIntegers = passed.some(({ candidate }) => candidate.precision !== "fp32");
    if (hasIntegers || this.options.sizes.length === 0) return passed;
    await this.timeAlone(integers(this.options, undefined));
    return this.fastest(reference);
  }

  /** From the fastest down, with more of the graph in float where that is needed. */
  private async fastest(reference: Reference | undefined): Promise<Tried[]> {
    const waiting = this.tries.all.filter(isTimed);
    const passed: Tried[] = [];
    while (passed.length < FINALISTS) {
      waiting.sort((a, b) => (a.aloneMs ?? 0) - (b.aloneMs ?? 0));
      const next = waiting.shift();
      const best = passed[0]?.aloneMs ?? Number.POSITIVE_INFINITY;
      if (next?.aloneMs === undefined || next.aloneMs > WITHIN * best) break;
      const { candidate } = next;
      // What another input size changes, no precision mends.
      if (!(await this.isGood({ ...candidate, precision: "fp32" }, reference))) continue;
      if (await this.isGood(candidate, reference)) passed.push(this.tries.of(candidate));
      else {
        const instead = moreFloat(candidate);
        if (instead === undefined || this.tries.has(instead)) continue;
        await this.timeAlone([instead]);
        waiting.push(...[this.tries.of(instead)].filter(isTimed));
      }
    }
    return passed;
  }

  private async isGood(candidate: Candidate, reference: Reference | undefined): Promise<boolean> {
    const { options } = this;
    if (reference === undefined) return this.tries.has(candidate);
    const { findings, minAgreement, onFinding, onStep } = options;
    const key = candidateKey({ ...candidate, threads: undefined });
    let agreement = findings.agreements[key];
    if (agreement === undefined) {
      onStep(`comparing what ${candidateWords(candidate)} sees`);
      await this.tries.try(candidate, async (trial) => {
        const found = await trial.detect(0, reference.length);
        agreement = agreementOf(found, reference, options.classes);
        findings.agreements[key] = agreement;
        await onFinding(findings);
        await trial.close();
      });
    }
    if (agreement === undefined) return false;
    this.tries.note(candidate, { agreement });
    return isEnough(agreement, minAgreement);
  }

  /** The fastest also with half the threads: where two share a core, one may be enough. */
  private async withOtherThreads(finalists: readonly Tried[]): Promise<readonly Tried[]> {
    const [fastest] = finalists;
    const threads = fastest?.facts?.threads ?? 1;
    if (fastest === undefined || this.options.threads !== undefined || threads < SHARING) return finalists;
    const half = { ...fastest.candidate, threads: Math.ceil(threads / 2) };
    await this.timeAlone([half]);
    const { agreement } = fastest;
    // The numbers are the same, whoever computes them.
    if (agreement !== undefined) this.tries.note(half, { agreement });
    return [...finalists, this.tries.of(half)];
  }

  /** The unchanged model runs on ONNX Runtime: where another engine is asked for, it is no more than the measure. */
  private winner(): Tried {
    const { engines } = this.options;
    const inTurns = this.tries.all.filter(
      ({ candidate, ratio }) => ratio !== undefined && engines.includes(candidate.engine),
    );
    const fastest = Math.min(...inTurns.map(({ ratio = 1 }) => ratio));
    const alike = inTurns.filter(({ ratio = 1 }) => ratio <= fastest * AS_FAST);
    alike.sort((a, b) => changes(a.candidate) - changes(b.candidate) || (a.ratio ?? 1) - (b.ratio ?? 1));
    return alike[0] ?? this.tries.of(this.tries.unchanged);
  }
}

function isTimed({ aloneMs, failure }: Tried): boolean {
  return aloneMs !== undefined && failure === undefined;
}

function unjudged(detections: number, frames: number): AiwError {
  const needed = frames === 0 ? "" : ` (${LEAST_REFERENCE} are needed)`;
  return new AiwError("OPTIMIZE_UNJUDGED", `${unjudgedWords(detections, frames)}${needed}`);
}

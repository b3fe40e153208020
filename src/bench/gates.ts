import type { Gate, GateOperator } from "../core/gate.js";
import { droppedTotal, type LedgerCounts } from "../pipeline/ledger.js";
import { type FrameOutcome, isResult } from "../results/frame-outcome.js";
import type { LatencySummary } from "../results/latency.js";
import type { Tally } from "../results/tally.js";
import { ALPHA, samplesNeeded } from "./early-stopping.js";
import { type GateLatency, latencyOf } from "./gate-name.js";
import type { JudgedGate, Resources } from "./report-schema.js";

/** What gates are judged on. */
export interface GateFigures {
  readonly counts: LedgerCounts;
  readonly tally: Tally;
  readonly durationUs: number;
  readonly resources: Resources;
}

interface Figure {
  readonly value: number | null;
  readonly samples: number;
}

/** Figures that are judged as they are: counts, means, and shares of what is the same in every run. */
const PLAIN: Readonly<Record<string, (figures: GateFigures) => Figure>> = {
  fps: ({ counts, durationUs }) => ({
    value: durationUs === 0 ? null : Math.round((counts.results * 1e9) / durationUs) / 1000,
    samples: counts.results,
  }),
  detections: ({ counts, tally }) => ({ value: tally.detections().total, samples: counts.results }),
  // Objects of neighbouring frames are the same ones, so that no bound on independent draws holds here;
  // and the scene is the same in every run, so that none is needed.
  recall: ({ tally }) => {
    const accuracy = tally.accuracy.summary();
    return { value: accuracy?.recall ?? null, samples: accuracy?.objects ?? 0 };
  },
  precision: ({ tally }) => {
    const accuracy = tally.accuracy.summary();
    return {
      value: accuracy?.precision ?? null,
      samples: accuracy === undefined ? 0 : accuracy.found + accuracy.falsePositives,
    };
  },
  client_rss: ({ resources }) => once(resources.client_rss_mb),
  worker_rss: ({ resources }) => once(resources.worker_rss_mb),
  // Of the whole pipeline: what both processes spend on a frame, the source not counted.
  cpu_per_frame: ({ counts, resources }) => {
    const { client_cpu_ms_per_frame: client, worker_cpu_ms_per_frame: worker } = resources;
    const value = client === null || worker === null ? null : client + worker;
    return { value, samples: value === null ? 0 : counts.results };
  },
};

/** Shares of the offered frames, judged by a bound on a proportion. */
const SHARES: Readonly<Record<string, (counts: LedgerCounts) => number>> = {
  drops: droppedTotal,
  errors: ({ errors }) => errors,
};

/** Whether the figure is known only of a source that knows what is in its frames. */
export function needsTruth({ name }: Gate): boolean {
  return name === "recall" || name === "precision";
}

/**
 * Follows one gate through a run. What a percentile is judged by, the results that are over its limit, is
 * counted exactly as they come: a histogram knows them to its buckets only.
 */
export class GateWatch {
  private over = 0;
  private readonly latency: GateLatency | undefined;

  constructor(readonly gate: Gate) {
    this.latency = latencyOf(gate.name);
  }

  add(outcome: FrameOutcome): void {
    if (this.latency === undefined || !isResult(outcome)) return;
    const us = outcome.latency[this.latency.of];
    if (us !== null && !HOLDS[this.gate.operator](us / 1000, this.gate.limit)) this.over++;
  }

  /**
   * Judges by what there is so far.
   * - a percentile and a share of the frames: "pass" when, at a confidence of 1 - alpha, the figure holds;
   *   "fail" when it does not hold as measured; else "insufficient", with the samples that are needed
   * - everything else: as measured; without a sample "insufficient"
   *
   * @param pending results that are still to come and are counted as over a percentile's limit
   */
  judge(figures: GateFigures, alpha = ALPHA, pending = 0): JudgedGate {
    const { name } = this.gate;
    if (this.latency !== undefined) return this.judgeLatency(this.latency, figures, alpha, pending);
    const bad = SHARES[name];
    if (bad !== undefined) return this.judgeShare(bad(figures.counts), figures.counts.offered, alpha);
    const figure = PLAIN[name];
    if (figure === undefined) throw new Error(`no figure for a gate on ${name}`);
    return this.plainly(figure(figures));
  }

  private judgeLatency(
    { of, statistic }: GateLatency,
    { tally }: GateFigures,
    alpha: number,
    pending: number,
  ): JudgedGate {
    const summary = tally.latency.of(of).summary();
    if (summary.count === 0) return this.verdict({ value: null, samples: 0 }, "insufficient", 1);
    if (statistic === "mean" || statistic === "max") {
      return this.plainly({ value: summary[statistic], samples: summary.count });
    }
    const samples = summary.count + pending;
    const over = this.over + pending;
    const percent = Number(statistic.slice(1));
    const value = summary[statistic as keyof LatencySummary];
    // "p95 <= X" allows 5 % of the results to be over X, "p95 >= X" 95 % of them to be under it.
    const allowed = isUpperLimit(this.gate) ? (100 - percent) / 100 : percent / 100;
    return this.bounded({ value, samples }, over, allowed, over <= samples * allowed + 1e-9, alpha);
  }

  private judgeShare(bad: number, samples: number, alpha: number): JudgedGate {
    if (samples === 0) return this.verdict({ value: null, samples }, "insufficient", 1);
    const { operator, limit } = this.gate;
    const figure = { value: bad / samples, samples };
    const holds = HOLDS[operator](figure.value, limit);
    return isUpperLimit(this.gate)
      ? this.bounded(figure, bad, limit, holds, alpha)
      : this.bounded(figure, samples - bad, 1 - limit, holds, alpha);
  }

  private bounded(figure: Figure, over: number, allowed: number, holds: boolean, alpha: number): JudgedGate {
    // "None at all" and "all" cannot be shown of more than what was seen.
    if (allowed <= 0 || allowed >= 1) return this.verdict(figure, holds ? "pass" : "fail", 1);
    const needed = samplesNeeded(over, allowed, alpha);
    if (!holds) return this.verdict(figure, "fail", needed);
    return this.verdict(figure, figure.samples >= needed ? "pass" : "insufficient", needed);
  }

  private plainly(figure: Figure): JudgedGate {
    if (figure.value === null) return this.verdict(figure, "insufficient", 1);
    const { operator, limit } = this.gate;
    return this.verdict(figure, HOLDS[operator](figure.value, limit) ? "pass" : "fail", 1);
  }

  private verdict(figure: Figure, verdict: JudgedGate["verdict"], needed: number): JudgedGate {
    const { text, limit } = this.gate;
    return { gate: text, value: figure.value, limit, verdict, samples: figure.samples, needed };
  }
}

/** The least samples that a judgement can rest on: with not one of them bad. 1 where all count as they are. */
export function leastSamples(gate: Gate, alpha = ALPHA): number {
  const latency = latencyOf(gate.name);
  const isPercentile = latency?.statistic.startsWith("p") === true;
  if (!isPercentile && SHARES[gate.name] === undefined) return 1;
  const upper = isPercentile ? (100 - Number(latency.statistic.slice(1))) / 100 : gate.limit;
  const allowed = isUpperLimit(gate) ? upper : 1 - upper;
  return allowed <= 0 || allowed >= 1 ? 1 : samplesNeeded(0, allowed, alpha);
}

function isUpperLimit({ operator }: Gate): boolean {
  return operator === "<" || operator === "<=";
}

function once(value: number | null): Figure {
  return { value, samples: value === null ? 0 : 1 };
}

const HOLDS: Readonly<Record<GateOperator, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

import { describe, expect, it } from "vitest";
import type { RunningMeasurement } from "../bench/measure.js";
import { Ledger } from "../pipeline/ledger.js";
import { Tally } from "../results/tally.js";
import { liveLine } from "./live-line.js";

function run(elapsedUs: number, results: number): RunningMeasurement {
  const tally = new Tally();
  const ledger = new Ledger();
  for (let i = 0; i < results; i++) {
    tally.latency.of("total").record(24_600);
    ledger.offer();
    ledger.send();
    ledger.result();
  }
  return {
    elapsedUs: () => elapsedUs,
    counts: () => ledger.counts(),
    tally,
    gates: () => [
      { gate: "p95<150ms", value: 24.6, limit: 150, verdict: "insufficient", samples: results, needed: 90 },
      { gate: "drops<=0%", value: 0, limit: 0, verdict: "pass", samples: results, needed: 1 },
      { gate: "fps>=13", value: 12, limit: 13, verdict: "fail", samples: results, needed: 1 },
    ],
  };
}

describe("liveLine", () => {
  it("has the progress, the rate, p95, drops and what the gates say, failures first", () => {
    expect(liveLine(run(5_000_000, 60), 30_000_000, 200)).toBe(
      "━━────────── 5/30 s · 12.0 fps · p95 24.6 ms · 0 dropped · fps>=13 FAILS · p95<150ms 60 of 90 · 1 hold",
    );
  });

  it("is cut to the terminal, and says nothing of what is not there yet", () => {
    const line = liveLine(run(0, 0), 30_000_000, 40);
    expect(line).toHaveLength(40);
    expect(line).toBe("──────────── 0/30 s · 0.0 fps · p95 – ·…");
  });
});

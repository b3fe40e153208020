import { describe, expect, it } from "vitest";
import { parseGate } from "../config/gate.js";
import { Tally } from "../results/tally.js";
import { seededRandom } from "../scene/random.js";
import { ALPHA } from "./early-stopping.js";
import { GateWatch } from "./gates.js";
import { Looks } from "./looks.js";

/** Judges shares of frames: their counts are all that matters, so that thousands of runs are quick. */
class Run {
  offered = 0;
  bad = 0;
  readonly looks: Looks;
  private readonly tally = new Tally();

  constructor(gate: string, mayGoOn: boolean) {
    this.looks = new Looks([new GateWatch(parseGate(gate))], mayGoOn);
  }

  add(isBad: boolean): void {
    this.offered++;
    if (isBad) this.bad++;
  }

  get figures() {
    const { offered, bad } = this;
    const dropped = { latest_wins: bad };
    const counts = { offered, sent: offered, results: offered - bad, errors: 0, inFlight: 0, dropped };
    const resources = {
      ...{ client_rss_mb: 1, worker_rss_mb: 1, client_cpu_ms_per_frame: 1, worker_cpu_ms_per_frame: 1 },
      source_cpu_ms_per_frame: null,
    };
    return { counts, tally: this.tally, durationUs: 1, resources };
  }

  get verdict() {
    return this.looks.judge(this.figures)[0]?.verdict;
  }
}

/** One run of `first` frames, gone on with up to `most` as long as the gate wants more. */
function play(isBad: () => boolean, first: number, most: number): Run {
  const run = new Run("drops<=5%", true);
  for (let i = 0; i < first; i++) run.add(isBad());
  while (run.offered < most && run.looks.wantsMore(run.figures)) run.add(isBad());
  return run;
}

describe("Looks", () => {
  it("goes on until there are samples enough, and not beyond", () => {
    const run = play(() => false, 20, 10_000);
    expect(run.verdict).toBe("pass");
    // Half the chance of a false pass was spent on the look at 20 frames.
    expect(run.offered).toBe(117);
  });

  it("does not go on where it is decided, or where nothing would come of it", () => {
    expect(play(() => false, 200, 10_000).offered).toBe(200);
    expect(play(() => true, 200, 10_000)).toMatchObject({ offered: 200, verdict: "fail" });
    const none = new Run("recall>=50%", true);
    none.add(false);
    expect(none.looks.wantsMore(none.figures)).toBe(false);
    expect(new Looks([], true).wantsMore(none.figures)).toBe(false);
  });

  it("waits for the first answer of a worker that takes long, without a look", () => {
    const run = new Run("p95<1s", true);
    const { counts, ...rest } = run.figures;
    const waiting = { ...rest, counts: { ...counts, offered: 1, results: 0, inFlight: 1 } };
    expect(run.looks.wantsMore(waiting)).toBe(true);
    const gone = { ...rest, counts: { ...counts, offered: 1, results: 0, errors: 1, inFlight: 0 } };
    expect(run.looks.wantsMore(gone)).toBe(false);
  });

  it("does not take a failure for granted that rests on a handful of frames", () => {
    let n = 0;
    const run = play(() => ++n === 3, 10, 10_000);
    expect(run.verdict).toBe("pass");
  });

  it("says insufficient at the longest that it may take", () => {
    expect(play(() => false, 10, 60)).toMatchObject({ offered: 60, verdict: "insufficient" });
  });

  it("has one look with the whole of it where a run is of its length exactly", () => {
    const run = new Run("drops<=5%", false);
    for (let i = 0; i < 90; i++) run.add(false);
    expect(run.verdict).toBe("pass");
  });

  it("passes at most 1 run in 100 with a true share just over the limit, however often it looks", () => {
    const next = seededRandom(7);
    const runs = 3_000;
    let passed = 0;
    for (let i = 0; i < runs; i++)
      if (play(() => next(1_000_000) < 50_010, 30, 700).verdict === "pass") passed++;
    expect(passed / runs).toBeLessThanOrEqual(ALPHA + 3 * Math.sqrt((ALPHA * (1 - ALPHA)) / runs));
    // A test in which hardly anything can pass would show nothing.
    expect(passed).toBeGreaterThan(3);
  });
});

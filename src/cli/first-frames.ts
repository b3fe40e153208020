import { warmUp } from "../bench/warm-up.js";
import type { WorkerInfo } from "../client/worker-client.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError } from "../core/errors.js";
import { Feed } from "../pipeline/feed.js";
import { Stream } from "../pipeline/stream.js";
import type { LatencySummary } from "../results/latency.js";
import { Tally } from "../results/tally.js";
import type { CommandContext } from "./command-context.js";
import { drain } from "./drain.js";
import { openPipeline } from "./open-pipeline.js";
import { BENCH } from "./sources.js";
import { withLastWords } from "./worker-session.js";

/** Frames that the figure is taken over, and the longest that they may take, microseconds. */
const FRAMES = 40;
const LONGEST_US = 5_000_000;
const WARM_UP_US = 500_000;

/** A first figure: what one frame takes when nothing waits. */
export interface FirstFrames {
  readonly info: WorkerInfo;
  readonly total: LatencySummary;
}

/**
 * Sends frames of the synthetic scene through the whole pipeline, one after the other, with the model
 * of the settings.
 * @throws NO_RESULTS and whatever a worker, its model or its link fail with
 */
export async function firstFrames(settings: Settings, context: CommandContext): Promise<FirstFrames> {
  const { interrupt } = context;
  const name = { kind: "source", uri: "synthetic:" } as const;
  const { session, source } = await openPipeline(name, settings, context, BENCH);
  const feed = new Feed(source, systemClock);
  const stream = new Stream(session.sink, systemClock);
  const tally = new Tally();
  try {
    context.progress.step("running the first frames");
    await warmUp(feed, session.sink, systemClock, { kind: "lossless" }, WARM_UP_US, interrupt);
    stream.on("outcome", (outcome) => tally.add(outcome));
    const limits = { maxFrames: FRAMES, durationUs: LONGEST_US };
    await feed.run(stream, { kind: "lossless" }, limits, interrupt);
    await drain(stream, interrupt);
    if (interrupt.aborted) throw interrupt.reason;
    if (stream.lost !== undefined) throw await withLastWords(stream.lost, session.process());
    const total = tally.latency.of("total").summary();
    if (total.count > 0) return { info: session.info, total };
    throw new AiwError("NO_RESULTS", `no frame gave a result: ${tally.firstError ?? "none was answered"}`);
  } finally {
    stream.close();
    await feed.close();
    await session.close();
  }
}

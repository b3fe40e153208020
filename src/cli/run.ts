import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import { type Clock, systemClock } from "../core/clock.js";
import { AiwError, ExitCode } from "../core/errors.js";
import { settledOrAborted } from "../core/settled-or-aborted.js";
import { isShapeOnly } from "../core/shapes.js";
import { Feed } from "../pipeline/feed.js";
import { droppedTotal } from "../pipeline/ledger.js";
import { Stream } from "../pipeline/stream.js";
import { runSummary } from "../reports/run-summary.js";
import { Tally } from "../results/tally.js";
import type { OutcomeSink } from "../sinks/outcome-sink.js";
import { isReaderGone } from "../sinks/stdout.js";
import type { FrameSource } from "../source/frame-source.js";
import { closeSink } from "./close-sink.js";
import type { CommandContext } from "./command-context.js";
import { withModel } from "./default-model.js";
import { drain } from "./drain.js";
import type { Flag, ParsedFlags } from "./flags.js";
import type { Machine } from "./machine.js";
import { openPipeline } from "./open-pipeline.js";
import { checkOutputs, openOutputs } from "./outputs.js";
import { commandSettings } from "./settings.js";
import { openNamedSource, paceOf, sourcesOf } from "./sources.js";
import { reportedClasses, type WorkerSession, withLastWords } from "./worker-session.js";

/** How often the live line changes, milliseconds. */
const LIVE_LINE_MS = 250;

/** `aiw run`: frames through the worker, detections out. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const given = await commandSettings(flags, parsed, context.env);
  const [first, ...rest] = sourcesOf(given);
  if (first === undefined) {
    throw new AiwError("USAGE", "nothing to look at: give --source or --camera");
  }
  const settings = withModel(given, [first, ...rest]);
  const outputs = settings.out ?? [{ kind: "ndjson", target: "-" }];
  checkOutputs(outputs);
  const { session, source, machine } = await openPipeline(first, settings, context, false);
  try {
    const sink = await openOutputs(outputs, session.info.modelId);
    return await new Run(settings, context, session, sink, systemClock).all(source, rest, machine);
  } finally {
    await source.close();
    await session.close();
  }
}

class Run {
  private readonly stream: Stream;
  private readonly tally: Tally;
  private readonly stop = new AbortController();
  private readonly startedUs: number;
  private sinkError: unknown;

  constructor(
    private readonly settings: Settings,
    private readonly context: CommandContext,
    private readonly session: WorkerSession,
    private readonly sink: OutcomeSink,
    private readonly clock: Clock,
  ) {
    this.startedUs = clock.nowUs();
    this.tally = new Tally(reportedClasses(settings, session.info), isShapeOnly(session.info.warnings));
    this.stream = new Stream(session.sink, clock, { keepFrames: sink.keepsFrames === true });
    this.stream.on("outcome", (outcome) => {
      this.tally.add(outcome);
      try {
        this.sink.write(outcome);
      } catch (error) {
        this.sinkError ??= error;
        this.stop.abort();
      }
    });
    context.interrupt.addEventListener("abort", () => this.stop.abort());
    if (context.interrupt.aborted) this.stop.abort();
  }

  /** Takes the frames of all sources, one after the other; returns the exit code. */
  async all(first: FrameSource, rest: readonly SourceName[], machine: Machine): Promise<number> {
    const live = this.startLiveLine();
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.one(first);
      for (const name of rest) {
        if (this.stop.signal.aborted || this.stream.lost !== undefined || this.isOver()) break;
        await this.one(await this.open(name, machine));
      }
    } catch (error) {
      failure = { error };
    }
    await drain(this.stream, this.context.interrupt);
    this.stream.close();
    clearInterval(live);
    if (this.stream.lost !== undefined) {
      failure ??= { error: await withLastWords(this.stream.lost, this.session.process) };
    }
    await closeSink(this.sink, this.context.interrupt).catch((error: unknown) => {
      this.sinkError ??= error;
    });
    this.context.progress.clear();
    this.noteSummary();
    this.throwWhatWentWrong(failure);
    return ExitCode.ok;
  }

  private limits() {
    const { frames, duration } = this.settings;
    return {
      maxFrames: frames === undefined ? undefined : frames - this.stream.counts().offered,
      durationUs: duration === undefined ? undefined : duration - (this.clock.nowUs() - this.startedUs),
    };
  }

  private isOver(): boolean {
    const { maxFrames = 1, durationUs = 1 } = this.limits();
    return maxFrames <= 0 || durationUs <= 0;
  }

  private open(name: SourceName, machine: Machine): Promise<FrameSource> {
    const { settings, session, context } = this;
    return openNamedSource(name, settings, session.sending, machine, false, context.interrupt);
  }

  private async one(source: FrameSource): Promise<void> {
    const { settings, stream } = this;
    const feed = new Feed(source, this.clock, () => this.sinkCaughtUp());
    try {
      await feed.run(stream, paceOf(source, settings), this.limits(), this.stop.signal);
    } finally {
      await feed.close();
    }
  }

  /** Until whoever takes the detections has caught up: a lossless run does not pile them up. */
  private sinkCaughtUp(): Promise<void> | undefined {
    const waiting = this.sink.caughtUp();
    return waiting === undefined ? undefined : settledOrAborted(waiting, this.stop.signal);
  }

  private noteSummary(): void {
    const elapsedUs = this.clock.nowUs() - this.startedUs;
    const { warnings } = this.session.info;
    const lines = [
      runSummary(this.stream.counts(), this.tally, elapsedUs, warnings),
      this.sink.summary?.() ?? "",
    ];
    this.context.progress.note(lines.filter((line) => line !== "").join("\n"));
  }

  private throwWhatWentWrong(failure: { readonly error: unknown } | undefined): void {
    // A reader that has seen enough (`aiw run … | head`) is no failure.
    if (isReaderGone(this.sinkError)) return;
    if (this.sinkError !== undefined) throw this.sinkError;
    if (failure !== undefined) throw failure.error;
    if (this.context.interrupt.aborted) throw this.context.interrupt.reason;
    const counts = this.stream.counts();
    if (counts.results === 0) {
      const why =
        this.tally.firstError ?? (counts.offered === 0 ? "the source gave no frame" : "all were dropped");
      throw new AiwError("NO_RESULTS", `none of ${counts.offered} frames gave a result: ${why}`);
    }
  }

  private startLiveLine(): NodeJS.Timeout {
    const { progress } = this.context;
    progress.clear();
    // Detections on the same terminal would fight with the line.
    const visible = !(process.stdout.isTTY && this.settings.out === undefined);
    return setInterval(() => {
      if (!visible) return;
      const counts = this.stream.counts();
      const p95 = this.tally.latency.of("total").percentileUs(95) / 1000;
      const dropped = droppedTotal(counts);
      progress.step(
        `${counts.results} results, ${dropped} dropped, ${counts.errors} errors, p95 ${p95.toFixed(1)} ms`,
      );
    }, LIVE_LINE_MS);
  }
}

import type { Settings } from "../config/settings.js";
import { sourceNames } from "../config/source-names.js";
import { systemClock } from "../core/clock.js";
import { AiwError, ExitCode, toAiwError } from "../core/errors.js";
import { collectGarbage } from "../core/heap.js";
import { sum } from "../core/sum.js";
import { droppedTotal } from "../pipeline/ledger.js";
import type { FrameOutcome } from "../results/frame-outcome.js";
import type { CameraChange } from "../source/camera-state.js";
import type { ClientMetrics } from "../sinks/metrics/client-metrics.js";
import type { OutcomeSink } from "../sinks/outcome-sink.js";
import { isReaderGone } from "../sinks/stdout.js";
import { closeSink } from "./close-sink.js";
import type { CommandContext } from "./command-context.js";
import { withModel } from "./default-model.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { asksForList, listCameras } from "./list-cameras.js";
import { openMetrics } from "./metrics.js";
import { type LaneNames, lanesOf, type OpenLane, openLanes, type OpenLanes } from "./open-lanes.js";
import { checkOutputs, openOutputs, type Output } from "./outputs.js";
import { type LaneContext, RunLane } from "./run-lane.js";
import { commandSettings } from "./settings.js";
import { openNamedSource, RUN, type SourceUse } from "./sources.js";

/** How often the live line changes, milliseconds. */
const LIVE_LINE_MS = 250;

/** `aiw run`: frames through the worker, detections out. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const given = await commandSettings(flags, parsed, context.env);
  if (asksForList(given)) return listCameras(given, context);
  const names = sourceNames(given);
  const [first, ...rest] = names;
  if (first === undefined) {
    throw new AiwError("USAGE", "nothing to look at: give --source or --camera");
  }
  const settings = withModel(given, [first, ...rest]);
  const outputs = settings.out ?? [{ kind: "ndjson", target: "-" }];
  checkOutputs(outputs);
  const { note } = context.progress;
  const served = await openMetrics(settings, {
    info: (text) => note(`aiw: ${text}`),
    warn: (text) => note(`aiw: warning: ${text}`),
  });
  try {
    return await runLanes(lanesOf(names), settings, context, outputs, served?.metrics);
  } finally {
    await served?.close();
  }
}

async function runLanes(
  lists: readonly LaneNames[],
  settings: Settings,
  context: CommandContext,
  outputs: readonly Output[],
  metrics: ClientMetrics | undefined,
): Promise<number> {
  const onCamera = ({ source, to }: CameraChange) => metrics?.cameraState(source, to);
  const use: SourceUse = { ...RUN, onCamera };
  const opened = await openLanes(lists, settings, context, use);
  try {
    const sink = await openOutputs(outputs, opened.session.info.modelId);
    return await new Run(settings, context, opened, sink, use, metrics).all();
  } finally {
    await closeLanes(opened);
  }
}

/** The first session last: the worker ends with it. */
async function closeLanes({ lanes, session }: OpenLanes): Promise<void> {
  const opened = (await Promise.allSettled(lanes)).flatMap((lane) =>
    lane.status === "fulfilled" ? [lane.value] : [],
  );
  // All at once: each may be waited for, and there may be many.
  await Promise.all(
    opened.map(async (lane) => {
      await lane.source.close();
      if (lane.session !== session) await lane.session.close();
    }),
  );
  await session.close();
}

class Run {
  private readonly lanes: RunLane[] = [];
  private readonly stop = new AbortController();
  private sinkError: unknown;
  /** Of lanes that could not be opened. */
  private openError: { readonly error: unknown } | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly context: CommandContext,
    private readonly opened: OpenLanes,
    private readonly sink: OutcomeSink,
    private readonly use: SourceUse,
    private readonly metrics: ClientMetrics | undefined,
  ) {
    context.interrupt.addEventListener("abort", () => this.stop.abort());
    if (context.interrupt.aborted) this.stop.abort();
  }

  /** Takes the frames of all lanes at once; returns the exit code. */
  async all(): Promise<number> {
    collectGarbage();
    const live = this.startLiveLine();
    await Promise.all(this.opened.lanes.map((opening) => this.lane(opening)));
    clearInterval(live);
    await closeSink(this.sink, this.context.interrupt).catch((error: unknown) => {
      this.sinkError ??= error;
    });
    this.context.progress.clear();
    this.noteSummary();
    this.throwWhatWentWrong();
    return ExitCode.ok;
  }

  /** One lane, from its opening to its end; what goes wrong in it is for the end of the run. */
  private async lane(opening: Promise<OpenLane>): Promise<void> {
    let open: OpenLane;
    try {
      open = await opening;
    } catch (error) {
      this.openError ??= { error };
      this.noteFailure(error);
      return;
    }
    const lane = new RunLane(open, this.laneContext());
    this.lanes.push(lane);
    await lane.run();
    if (lane.failure !== undefined) this.noteFailure(lane.failure.error);
  }

  private laneContext(): LaneContext {
    const { settings, context, opened, sink, stop, use, metrics } = this;
    const { interrupt } = context;
    return {
      settings,
      clock: systemClock,
      keepFrames: sink.keepsFrames === true,
      onOutcome: (outcome) => this.write(outcome),
      caughtUp: () => sink.caughtUp(),
      open: (name, { sending }) =>
        openNamedSource(name, settings, sending, opened.machine, use, context, interrupt),
      metrics,
      stop: stop.signal,
      interrupt,
    };
  }

  private write(outcome: FrameOutcome): void {
    try {
      this.sink.write(outcome);
    } catch (error) {
      this.sinkError ??= error;
      this.stop.abort();
    }
  }

  /** Where others go on, the one that fails is told of at once. */
  private noteFailure(error: unknown): void {
    if (this.opened.lanes.length === 1 || this.stop.signal.aborted) return;
    const { code, message } = toAiwError(error);
    this.context.progress.note(`aiw: ${code}: ${message}; the others go on`);
  }

  private noteSummary(): void {
    const isOne = this.opened.lanes.length === 1;
    const lines = [
      ...this.lanes.map((lane) => (isOne ? lane.summary() : `${lane.name}: ${lane.summary()}`)),
      this.sink.summary?.() ?? "",
    ];
    this.context.progress.note(lines.filter((line) => line !== "").join("\n"));
  }

  private throwWhatWentWrong(): void {
    // A reader that has seen enough (`aiw run … | head`) is no failure.
    if (isReaderGone(this.sinkError)) return;
    if (this.sinkError !== undefined) throw this.sinkError;
    const { interrupt } = this.context;
    const inRun = this.lanes.find((lane) => lane.failure !== undefined)?.failure;
    // What an interruption kept from opening has not failed.
    const failure = inRun ?? (interrupt.aborted ? undefined : this.openError);
    if (failure !== undefined) throw failure.error;
    if (interrupt.aborted) throw interrupt.reason;
    for (const lane of this.lanes) lane.throwIfNoResult();
  }

  private startLiveLine(): NodeJS.Timeout {
    const { progress } = this.context;
    progress.clear();
    // Detections on the same terminal would fight with the line.
    const visible = !(process.stdout.isTTY && this.settings.out === undefined);
    return setInterval(() => {
      if (!visible || this.lanes.length === 0) return;
      const counts = this.lanes.map(({ stream }) => stream.counts());
      const [results, errors] = [sum(counts.map((c) => c.results)), sum(counts.map((c) => c.errors))];
      const dropped = sum(counts.map(droppedTotal));
      const p95s = this.lanes.map(({ tally }) => tally.latency.of("total").percentileUs(95));
      const p95 = `p95 ${(Math.max(...p95s) / 1000).toFixed(1)} ms`;
      progress.step(`${results} results, ${dropped} dropped, ${errors} errors, ${p95}`);
    }, LIVE_LINE_MS);
  }
}

import { after, type Cancel } from "../core/clock.js";
import type { CloseReason, WatchState } from "../results/agent-event.js";
import { type FrameOutcome, type FrameResult, isResult } from "../results/frame-outcome.js";
import type { SessionEnd, SessionKeeping, SessionStart, WatchPorts } from "./ports.js";

/** With nothing new for so long, and again each time, it is said that the session is still open; microseconds. */
const KEEPALIVE_US = 2_000_000;

/** A session that is open: counts what is in it, and tells the bus of its beginning, going on and end. */
export class OpenSession {
  private readonly keeping: SessionKeeping;
  private readonly start: SessionStart;
  private readonly sinceUs: number;
  private end: SessionEnd | undefined;
  private results = 0;
  private readonly byClass = new Map<string, number>();
  /** When something relevant was seen last, or it was last said that nothing was. */
  private newsUs: number;
  private cancelKeepalive: Cancel;

  /** @param stateNow of the watch */
  constructor(
    private readonly camera: string,
    private readonly ports: WatchPorts,
    { startWallMs, sinceUs, modelId }: { startWallMs: number; sinceUs: number; modelId: string },
    private readonly stateNow: () => WatchState,
  ) {
    const { clock, bus, sessions } = ports;
    this.start = { camera, startWallMs, modelId };
    this.sinceUs = sinceUs;
    this.keeping = sessions.begin(this.start);
    this.newsUs = clock.nowUs();
    this.cancelKeepalive = after(clock, KEEPALIVE_US, () => this.keepAlive());
    bus.publish("session.open", { camera, wallMs: clock.wallMs(), session: this.id, startWallMs });
  }

  get id(): string {
    return this.keeping.id;
  }

  about(): SessionStart & { readonly id: string } & Partial<SessionEnd> {
    return { ...this.start, ...this.end, id: this.id };
  }

  append(outcome: FrameOutcome): void {
    this.keeping.append(outcome);
    if (!isResult(outcome)) return;
    this.results++;
    for (const { className } of outcome.detections) {
      this.byClass.set(className, (this.byClass.get(className) ?? 0) + 1);
    }
  }

  /** @param confidence of the surest relevant detection */
  sawRelevant(result: FrameResult, confidence: number): void {
    this.newsUs = this.ports.clock.nowUs();
    this.keeping.poster(result, confidence);
  }

  close(reason: CloseReason): void {
    const { clock, bus } = this.ports;
    const { camera, start } = this;
    this.cancelKeepalive();
    // By the monotonic clock: the other may have been set meanwhile.
    this.end = { endWallMs: start.startWallMs + (clock.nowUs() - this.sinceUs) / 1000, reason };
    this.keeping.close(this.end);
    bus.publish("session.close", {
      camera,
      wallMs: clock.wallMs(),
      session: this.id,
      startWallMs: start.startWallMs,
      reason,
      results: this.results,
      byClass: Object.fromEntries(this.byClass),
    });
  }

  private keepAlive(): void {
    const { clock, bus } = this.ports;
    const nowUs = clock.nowUs();
    if (nowUs - this.newsUs >= KEEPALIVE_US) {
      this.newsUs = nowUs;
      const { camera, id } = this;
      bus.publish("ai.keepalive", { camera, wallMs: clock.wallMs(), session: id, state: this.stateNow() });
    }
    this.cancelKeepalive = after(clock, this.newsUs + KEEPALIVE_US - nowUs, () => this.keepAlive());
  }
}

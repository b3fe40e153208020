import { after, type Cancel } from "../core/clock.js";
import type { WatchState } from "../results/agent-event.js";
import type { FrameError, FrameResult } from "../results/frame-outcome.js";
import { OpenSession } from "./open-session.js";
import type { WatchPorts } from "./ports.js";
import { judgeRelevance, type Relevance } from "./relevance.js";
import {
  type Away,
  type Command,
  type EndReason,
  type Event,
  INITIAL,
  reduce,
  type State,
  type Times,
} from "./state-machine.js";

/** What a watch is like; may change while it goes on. */
export interface WatchPlan {
  readonly times: Times;
  /** Frames a second that are looked at, without and with a session. */
  readonly fps: { readonly idle: number; readonly active: number };
  readonly relevance: Relevance;
  /** SHA-256 of the model file in use, hex. */
  readonly modelId: string;
}

/** Frames that may become part of a session; the oldest go first. */
const MOST_HELD = 256;

/** The watch over one camera: tells the state machine what happened, and does what it says. */
export class Watch {
  private state: State = INITIAL;
  private rate: "idle" | "active" = "idle";
  private cancelWake: Cancel | undefined;
  private held: FrameResult[] = [];
  private session: OpenSession | undefined;

  /** @param unansweredSinceUs since when a frame has been in flight; undefined where none is */
  constructor(
    private readonly camera: string,
    private readonly ports: WatchPorts,
    private plan: WatchPlan,
    private readonly unansweredSinceUs: () => number | undefined,
  ) {}

  /** Frames a second that are wanted now. */
  get fps(): number {
    return this.plan.fps[this.rate];
  }

  get stateName(): WatchState {
    return this.state.name;
  }

  /** From now on it is like this; what is going on goes on, but that a session is of one model. */
  configure(plan: WatchPlan): void {
    if (plan.modelId !== this.plan.modelId) this.end("stopped");
    this.plan = plan;
    // Times that are shorter now may be over.
    this.due();
  }

  /** A frame has its result. */
  saw(result: FrameResult): void {
    const { clock, bus } = this.ports;
    const detections = judgeRelevance(result.detections, this.plan.relevance);
    const best = Math.max(0, ...detections.map(({ relevant, confidence }) => (relevant ? confidence : 0)));
    const relevant = detections.some((one) => one.relevant);
    this.step({ type: "seen", atUs: clock.nowUs(), relevant }, result);
    if (relevant) this.session?.sawRelevant(result, best);
    if (detections.length === 0) return;
    const { seq, wallMs, sent, origin, latency } = result;
    const session = this.session?.id ?? null;
    bus.publish("ai.detection", {
      camera: this.camera,
      wallMs,
      seq,
      session,
      relevant,
      detections,
      sent,
      origin,
      latency,
    });
  }

  /** A frame has failed. */
  failed(error: FrameError): void {
    this.session?.append(error);
  }

  /** The camera, or the worker, is away: nothing is seen. */
  lose(what: Away): void {
    this.step({ type: "away", what });
  }

  regain(what: Away): void {
    this.step({ type: "back", what });
  }

  end(reason: EndReason): void {
    this.step({ type: "end", reason });
  }

  private step(event: Event, result?: FrameResult): void {
    const before = this.state;
    const { state, commands, because } = reduce(before, event, this.plan.times);
    this.state = state;
    const session = this.session?.id;
    for (const command of commands) this.obey(command, result);
    if (before.name === state.name) return;
    this.ports.bus.publish("fsm.transition", {
      camera: this.camera,
      wallMs: this.ports.clock.wallMs(),
      from: before.name,
      to: state.name,
      because,
      session: this.session?.id ?? session ?? null,
    });
  }

  private obey(command: Command, result: FrameResult | undefined): void {
    switch (command.do) {
      case "hold":
        if (result !== undefined) this.hold(result);
        break;
      case "forget":
        this.held = [];
        break;
      case "open":
        this.open(command.sinceUs, result);
        break;
      case "append":
        if (result !== undefined) this.session?.append(result);
        break;
      case "close":
        this.session?.close(command.reason);
        break;
      case "rate":
        this.rate = command.rate;
        break;
      case "recorder":
        if (this.session !== undefined) this.ports.recorder(command.action, this.session.about());
        if (command.action === "stop") this.session = undefined;
        break;
      case "wake":
        this.wake(command.atUs);
        break;
      case "sleep":
        this.cancelWake?.();
        break;
    }
  }

  private open(sinceUs: number, result: FrameResult | undefined): void {
    const { clock } = this.ports;
    const first = this.held[0] ?? result;
    const startWallMs = first?.wallMs ?? clock.wallMs() - (clock.nowUs() - sinceUs) / 1000;
    this.session = new OpenSession(
      this.camera,
      this.ports,
      { startWallMs, sinceUs, modelId: this.plan.modelId },
      () => this.state.name,
    );
    for (const held of this.held) this.session.append(held);
    this.held = [];
  }

  /** Without its pixels, which are there only while it is handed out. */
  private hold(result: FrameResult): void {
    this.held.push(result);
    if (this.held.length > MOST_HELD) this.held.shift();
  }

  private wake(atUs: number): void {
    const { clock } = this.ports;
    this.cancelWake?.();
    this.cancelWake = after(clock, Math.max(0, atUs - clock.nowUs()), () => this.due());
  }

  private due(): void {
    this.step({ type: "due", atUs: this.ports.clock.nowUs(), unansweredSinceUs: this.unansweredSinceUs() });
  }
}

import type { Cancel, Clock } from "../core/clock.js";
import type { AgentEvent, AgentEventName, AgentEvents } from "../results/agent-event.js";
import type { FrameSource } from "../source/frame-source.js";
import { blankFrame } from "../testing/blank-frame.js";
import { EventBus } from "./event-bus.js";
import type { SessionEnd, SessionKeeper, SessionStart, WatchPorts } from "./ports.js";

/** What became of a session in a test. */
export interface KeptSession extends SessionStart {
  readonly id: string;
  /** Numbers of the frames that were appended. */
  readonly seqs: number[];
  posters: number;
  end: SessionEnd | undefined;
}

/** Everything that a watch told and asked for. */
export class Recorded {
  readonly events: AgentEvent[] = [];
  readonly sessions: KeptSession[] = [];
  readonly recorder: string[] = [];
  readonly faults: unknown[] = [];
  readonly bus = new EventBus((error) => this.faults.push(error));

  constructor(private readonly clock: Clock) {
    this.bus.on("*", (event) => this.events.push(event));
  }

  ports(): WatchPorts {
    const sessions: SessionKeeper = {
      begin: (start) => {
        const kept: KeptSession = {
          ...start,
          id: `s${this.sessions.length + 1}`,
          seqs: [],
          posters: 0,
          end: undefined,
        };
        this.sessions.push(kept);
        return {
          id: kept.id,
          append: ({ seq }) => kept.seqs.push(seq),
          poster: () => kept.posters++,
          close(end) {
            if (kept.end !== undefined) throw new Error("closed twice");
            kept.end = end;
          },
        };
      },
    };
    return {
      clock: this.clock,
      bus: this.bus,
      sessions,
      recorder: (action, { id, reason }) => this.recorder.push(`${action} ${id} ${reason ?? ""}`.trim()),
    };
  }

  /** "idle > dwell", … of one camera, with seconds of the clock where they are asked for. */
  transitions(camera?: string): string[] {
    return this.events.flatMap(({ name, value }) =>
      name === "fsm.transition" && (camera === undefined || value.camera === camera)
        ? [`${value.from} > ${value.to}`]
        : [],
    );
  }

  named<Name extends AgentEventName>(name: Name): AgentEvents[Name][] {
    return this.events.flatMap((event) => (event.name === name ? [event.value as AgentEvents[Name]] : []));
  }
}

/** A camera of a test: gives a frame each period of the clock until it is closed or broken. */
export class TestCamera implements FrameSource {
  readonly live = true;
  readonly format = "rgb24";
  readonly rateFps = null;
  /** Frames that were given, and those of them that are not given back. */
  given = 0;
  held = 0;
  private cancel: Cancel | undefined;
  private wake: (() => void) | undefined;
  private state: "open" | "broken" | "closed" = "open";

  constructor(
    readonly name: string,
    private readonly clock: Clock,
    private readonly fps = 25,
    private readonly mostFrames = Number.POSITIVE_INFINITY,
  ) {}

  async *frames(): AsyncGenerator<ReturnType<typeof blankFrame>, void, undefined> {
    const startUs = this.clock.nowUs();
    while (this.given < this.mostFrames) {
      const dueUs = startUs + Math.round((this.given * 1e6) / this.fps);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.cancel = this.clock.at(dueUs, resolve);
      });
      if (this.state === "closed") return;
      if (this.state === "broken") throw new Error("the camera broke");
      this.given++;
      this.held++;
      yield blankFrame({
        origin: { source: this.name, width: 64, height: 48 },
        capturedAtUs: dueUs,
        release: () => this.held--,
      });
    }
  }

  break(): void {
    this.stopWith("broken");
  }

  close(): Promise<void> {
    this.stopWith("closed");
    return Promise.resolve();
  }

  private stopWith(state: "broken" | "closed"): void {
    if (this.state === "open") this.state = state;
    this.cancel?.();
    this.wake?.();
  }
}

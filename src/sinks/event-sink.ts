import type { AgentEvent } from "../results/agent-event.js";

/** What became of the events that a sink was given. */
export interface EventSinkCounts {
  readonly delivered: number;
  /** Lost for good: the queue was full, or whoever takes them refused them. */
  readonly dropped: number;
  /** Still to be delivered. */
  readonly waiting: number;
}

/** Takes the agent's events to somewhere else. None may hold up a frame: `write` returns at once and never throws. */
export interface EventSink {
  /** For people and metrics, credentials masked: "mqtt://broker:1883/aiw". */
  readonly name: string;
  write(event: AgentEvent): void;
  counts(): EventSinkCounts;
  /** It is not watched any more: what was said of it and is kept elsewhere is taken back. */
  forgetCamera?(name: string): void;
  /**
   * Delivers what waits, as far as that goes in time; idempotent.
   * @param giveUp once it aborts, nothing more is waited for
   */
  close(giveUp: AbortSignal): Promise<void>;
}

import type { AgentEvent, AgentEventName } from "../../results/agent-event.js";
import type { EventSinkCounts } from "../event-sink.js";

/** Events that wait for an output, unless told otherwise: those of minutes, and a few megabytes at most. */
export const QUEUE_CAPACITY = 1000;

/** Which go first where there is no room: 0 before 1 before 2. What a session was is told only once. */
const RANKS: Readonly<Record<AgentEventName, 0 | 1 | 2>> = {
  "ai.detection": 0,
  "ai.keepalive": 0,
  "camera.state": 1,
  "worker.state": 1,
  "fsm.transition": 1,
  "session.open": 2,
  "session.close": 2,
};

export interface QueuedEvent {
  readonly order: number;
  readonly event: AgentEvent;
}

/**
 * The events that wait for an output, oldest first, and the ledger of all that it was given: each event is
 * delivered, dropped or waiting, those that were taken and not settled among the last. Bounded: one too many
 * costs the oldest of those that matter least, which may be the one that comes. Nothing is made of an event
 * before it is taken, so one that is dropped has cost next to nothing.
 */
export class EventQueue {
  private readonly lists: readonly [QueuedEvent[], QueuedEvent[], QueuedEvent[]] = [[], [], []];
  private readonly taken = new Set<QueuedEvent>();
  private nextOrder = 0;
  private delivered = 0;
  private dropped = 0;
  private isClosed = false;

  /** @param capacity most that may wait, at least 1 */
  constructor(private readonly capacity = QUEUE_CAPACITY) {}

  push(event: AgentEvent): void {
    if (this.isClosed) {
      this.dropped += 1;
      return;
    }
    this.lists[RANKS[event.name]].push({ order: this.nextOrder, event });
    this.nextOrder += 1;
    if (this.waiting > this.capacity) this.dropLeast();
  }

  /** The oldest that waits, to be settled by one of the three below. */
  take(): QueuedEvent | undefined {
    let first: QueuedEvent[] | undefined;
    for (const list of this.lists) {
      if (orderOf(list) < orderOf(first)) first = list;
    }
    const item = first?.shift();
    if (item !== undefined) this.taken.add(item);
    return item;
  }

  /** It has arrived. As all three, without effect on what is settled already. */
  deliver(item: QueuedEvent): void {
    if (this.taken.delete(item)) this.delivered += 1;
  }

  /** It never will. */
  drop(item: QueuedEvent): void {
    if (this.taken.delete(item)) this.dropped += 1;
  }

  /** It is to be taken again, before what is younger. */
  putBack(item: QueuedEvent): void {
    if (!this.taken.delete(item)) return;
    const list = this.lists[RANKS[item.event.name]];
    const at = list.findIndex(({ order }) => order > item.order);
    list.splice(at < 0 ? list.length : at, 0, item);
  }

  get isEmpty(): boolean {
    return this.waiting === 0;
  }

  /** From now on what comes is dropped; what waits stays. */
  close(): void {
    this.isClosed = true;
  }

  /** What waits is dropped as well: nobody delivers it any more. */
  abandon(): void {
    this.isClosed = true;
    this.dropped += this.waiting;
    this.taken.clear();
    for (const list of this.lists) list.length = 0;
  }

  counts(): EventSinkCounts {
    return { delivered: this.delivered, dropped: this.dropped, waiting: this.waiting };
  }

  private get waiting(): number {
    const [least, middle, most] = this.lists;
    return least.length + middle.length + most.length + this.taken.size;
  }

  private dropLeast(): void {
    this.lists.find((list) => list.length > 0)?.shift();
    this.dropped += 1;
  }
}

function orderOf(list: readonly QueuedEvent[] | undefined): number {
  return list?.[0]?.order ?? Infinity;
}

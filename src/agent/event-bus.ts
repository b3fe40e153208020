import type { Unsubscribe } from "../core/emitter.js";
import type { AgentEvent, AgentEventName, AgentEvents } from "../results/agent-event.js";

/** Takes events; one that throws, or whose promise is rejected, harms neither the others nor who publishes. */
export type Subscriber = (event: AgentEvent) => unknown;

/**
 * The agent's events, from those that make them to those that want them: session files, metrics, outputs. Each
 * subscriber is called at once and in the order of subscription; what takes time it has to do later by itself.
 */
export class EventBus {
  private readonly subscribers = new Set<{
    readonly take: Subscriber;
    readonly name: AgentEventName | "*";
  }>();

  /** @param onFault told what a subscriber threw, and at which event */
  constructor(private readonly onFault: (error: unknown, event: AgentEventName) => void) {}

  /** @param name of the events, or "*" for all */
  on<Name extends AgentEventName>(
    name: Name,
    take: (event: Extract<AgentEvent, { name: Name }>) => unknown,
  ): Unsubscribe;
  on(name: "*", take: Subscriber): Unsubscribe;
  on(name: AgentEventName | "*", take: (event: never) => unknown): Unsubscribe {
    const subscriber = { name, take: take as Subscriber };
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  publish<Name extends AgentEventName>(name: Name, value: AgentEvents[Name]): void {
    const event = { name, value } as AgentEvent;
    for (const subscriber of [...this.subscribers]) {
      if (subscriber.name === "*" || subscriber.name === name) this.hand(event, subscriber.take);
    }
  }

  private hand(event: AgentEvent, take: Subscriber): void {
    try {
      const taken = take(event);
      if (taken instanceof Promise) taken.catch((error: unknown) => this.onFault(error, event.name));
    } catch (error) {
      this.onFault(error, event.name);
    }
  }
}

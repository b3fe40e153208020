import { type AgentEvent, eventRecord } from "../../results/agent-event.js";

/** An event's record as JSON, one line without its end; undefined where it can't be written (a time that is none). */
export function eventText(event: AgentEvent): string | undefined {
  try {
    return JSON.stringify(eventRecord(event));
  } catch {
    return undefined;
  }
}

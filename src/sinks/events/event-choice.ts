import { AGENT_EVENT_NAMES, type AgentEventName } from "../../results/agent-event.js";

/** What an output gets that names no events. */
const DEFAULTS: Readonly<Record<"ndjson" | "mqtt" | "webhook", readonly AgentEventName[]>> = {
  ndjson: AGENT_EVENT_NAMES,
  mqtt: AGENT_EVENT_NAMES,
  // A request for each event: those of every frame only where they are asked for.
  webhook: AGENT_EVENT_NAMES.filter((name) => !name.startsWith("ai.")),
};

export interface ChosenEvents {
  /** The target without the choice. */
  readonly rest: string;
  readonly events: ReadonlySet<AgentEventName>;
  /** What was named and is no event. */
  readonly unknown: readonly string[];
}

/**
 * Takes `#events=LIST` off the end of a target: names, `session.*` for all that begin so, `*` for all. A fragment,
 * because that is never sent to whom a URL names, so it can't be mistaken for a parameter of theirs.
 */
export function chosenEvents(kind: keyof typeof DEFAULTS, target: string): ChosenEvents {
  const match = /^(.*)#events=([^#]*)$/s.exec(target);
  if (match === null) return { rest: target, events: new Set(DEFAULTS[kind]), unknown: [] };
  const [, rest = "", list = ""] = match;
  const events = new Set<AgentEventName>();
  const unknown: string[] = [];
  for (const word of list.split(",").map((part) => part.trim())) {
    const named = AGENT_EVENT_NAMES.filter((name) => isNamedBy(name, word));
    if (named.length === 0) unknown.push(word);
    for (const name of named) events.add(name);
  }
  return { rest, events, unknown };
}

function isNamedBy(name: AgentEventName, word: string): boolean {
  return name === word || word === "*" || (word.endsWith(".*") && name.startsWith(word.slice(0, -1)));
}

import { createHash } from "node:crypto";
import { AiwError } from "../../core/errors.js";
import { secretsMask } from "../../core/mask.js";
import { AGENT_EVENT_NAMES, type AgentEventName } from "../../results/agent-event.js";
import { chosenEvents } from "./event-choice.js";

/** Where events go, as `--out KIND:TARGET` names it. */
export interface EventOutput {
  readonly kind: string;
  readonly target: string;
}

interface Chosen {
  /** For people: nothing in it is secret. */
  readonly name: string;
  readonly events: ReadonlySet<AgentEventName>;
}

export interface NdjsonTarget extends Chosen {
  readonly kind: "ndjson";
  /** A path, or "-" for stdout. */
  readonly place: string;
}

export interface MqttTarget extends Chosen {
  readonly kind: "mqtt";
  readonly isTls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What all topics begin with, without a slash at its ends. */
  readonly prefix: string;
  /** What the topics of Home Assistant's discovery begin with; undefined where it is not wanted. */
  readonly discovery: string | undefined;
}

export interface WebhookTarget extends Chosen {
  readonly kind: "webhook";
  readonly url: URL;
}

export type EventTarget = NdjsonTarget | MqttTarget | WebhookTarget;

const KINDS = ["ndjson", "mqtt", "mqtts", "webhook"] as const;
/** Without a user, which may be there: it would be masked as one. */
const MQTT_FORM = "mqtt://HOST[:PORT]/PREFIX";
const DISCOVERY_PREFIX = "homeassistant";
/** MQTT allows 65535 bytes for a whole topic; brokers allow less. */
const MAX_PREFIX_LENGTH = 200;

/** @throws USAGE, in one line with the value, its secrets masked */
export function parseEventTarget({ kind, target }: EventOutput): EventTarget {
  const whole = `${kind}:${target}`;
  const fail = (what: string) => new AiwError("USAGE", `--out ${shown(whole)}: ${what}`);
  const known = KINDS.find((name) => name === kind);
  if (known === undefined) throw fail(`known kinds are ${KINDS.join(", ")}`);
  const { rest, events, unknown } = chosenEvents(known === "mqtts" ? "mqtt" : known, target);
  if (unknown.length > 0) {
    throw fail(`no event is called ${JSON.stringify(unknown[0])}; they are ${AGENT_EVENT_NAMES.join(", ")}`);
  }
  if (known === "webhook") return { kind: known, events, ...webhook(rest, fail) };
  if (known !== "ndjson") return { kind: "mqtt", events, ...mqtt(known, rest, fail) };
  if (rest === "") throw fail("which file? ndjson:FILE, or ndjson:- for stdout");
  // A file may be called so, but what was meant is more likely a choice of events that would be lost.
  if (/#\w+=/.test(rest)) throw fail("behind # there is only events=…: #events=session.*,camera.state");
  return { kind: known, events, name: `ndjson:${rest}`, place: rest };
}

/** A target for people. The path of a webhook is often its only secret. */
function shown(whole: string): string {
  const masked = secretsMask([])(whole);
  return masked.replace(/^(webhook:(?:[^/]*\/\/)?[^/?#]*)[/?#].+$/s, "$1/…");
}

type Fail = (what: string) => AiwError;

function mqtt(scheme: "mqtt" | "mqtts", rest: string, fail: Fail): Omit<MqttTarget, "kind" | "events"> {
  const url = parsed(`${scheme}:${rest}`);
  if (!rest.startsWith("//") || url === undefined) throw fail(`is not ${MQTT_FORM}`);
  if (url.hostname === "") throw fail(`names no host: ${MQTT_FORM}`);
  if (url.username === "" && url.password !== "") throw fail("a password needs a user before it");
  if (url.hash !== "") throw fail("# begins only #events=…; in a password it is %23");
  for (const name of url.searchParams.keys()) {
    if (name !== "discovery") throw fail("the only parameter is ?discovery=0, or =PREFIX");
  }
  const prefix = decoded(url.pathname).replace(/^\/+|\/+$/g, "") || "aiw";
  if (!isTopic(prefix)) throw fail("a topic's prefix has no +, no #, no empty level and no $ at its start");
  const discovery = url.searchParams.get("discovery") ?? DISCOVERY_PREFIX;
  if (discovery !== "0" && !isTopic(discovery)) throw fail("?discovery= is 0, or the prefix of its topics");
  const isTls = scheme === "mqtts";
  const port = Number(url.port || (isTls ? 8883 : 1883));
  return {
    name: `${scheme}://${url.hostname}:${port}/${prefix}`,
    isTls,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    username: url.username === "" ? undefined : decoded(url.username),
    password: url.password === "" ? undefined : decoded(url.password),
    prefix,
    discovery: discovery === "0" ? undefined : discovery,
  };
}

function webhook(rest: string, fail: Fail): Omit<WebhookTarget, "kind" | "events"> {
  const url = parsed(rest);
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw fail("is not webhook:https://HOST/PATH, or webhook:http://…");
  }
  if (url.hash !== "") throw fail("behind # there is only events=…: #events=session.*,camera.state");
  const more = `${url.pathname}${url.search}`;
  // What is left out is told apart by a few bits, from which nothing follows about it.
  const digest = createHash("sha256").update(more).digest("hex").slice(0, 4);
  return { name: `webhook:${url.protocol}//${url.host}${more === "/" ? "" : `/…${digest}`}`, url };
}

function isTopic(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- brokers may hang up on who sends them
  return text.length <= MAX_PREFIX_LENGTH && !/^\$|[+#\x00-\x1f\x7f]|^\/|\/\/|\/$/.test(text);
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** A part of a URL with its %XX resolved; as it is where they are no UTF-8. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

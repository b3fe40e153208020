import type { Clock } from "../../core/clock.js";
import type { EventSink } from "../event-sink.js";
import { checkWritable } from "../whole-file.js";
import { type EventOutput, parseEventTarget } from "./event-target.js";
import type { Credentials } from "./mqtt-link.js";
import { MqttSink } from "./mqtt.js";
import { openNdjsonFile } from "./ndjson-file.js";
import { openNdjsonStdout } from "./ndjson-stdout.js";
import { WebhookSink } from "./webhook.js";

export interface EventSinkOptions {
  readonly clock: Clock;
  /** A line for people: an output is in trouble, or out of it. Secrets masked. */
  readonly onNote: (text: string) => void;
  /** What a broker's URL does not say itself: AIW_MQTT_USERNAME, AIW_MQTT_PASSWORD or _FILE. */
  readonly mqttCredentials?: Credentials | undefined;
  /** Signs what webhooks are sent; without one nothing is signed. */
  readonly webhookSecret?: string | undefined;
  /** Uniform in [0, 1); for tests. */
  readonly random?: (() => number) | undefined;
}

export interface CheckedEventOutput {
  /** For people and metrics, nothing secret in it. */
  readonly name: string;
  /** Where it writes on this machine: a path, or "-" for stdout; undefined for one that is elsewhere. */
  readonly place: string | undefined;
}

/**
 * Whether an output makes sense, whatever there is on the disk and on the network; touches nothing.
 * @throws USAGE, in one line with the value, its secrets masked
 */
export function checkEventSink(output: EventOutput): CheckedEventOutput {
  const target = parseEventTarget(output);
  return { name: target.name, place: target.kind === "ndjson" ? target.place : undefined };
}

/** Whether it can be written, before anything is started; touches nothing. @throws USAGE, OUTPUT_FAILED */
export function checkEventSinkWritable(output: EventOutput): void {
  const { place } = checkEventSink(output);
  if (place !== undefined) checkWritable(place);
}

/**
 * Begins at once: connects, or opens its file. Whoever takes the events may be away; that is told and waited out.
 * @throws USAGE as checkEventSink; OUTPUT_FAILED for a file that can't be opened
 */
export function openEventSink(output: EventOutput, options: EventSinkOptions): EventSink {
  const { clock, onNote, random } = options;
  const target = parseEventTarget(output);
  switch (target.kind) {
    case "ndjson":
      return target.place === "-"
        ? openNdjsonStdout(target, onNote)
        : openNdjsonFile(target, { clock, onNote });
    case "mqtt":
      return new MqttSink(target, { clock, onNote, credentials: options.mqttCredentials, random });
    case "webhook":
      return new WebhookSink(target, { clock, onNote, secret: options.webhookSecret, random });
  }
}

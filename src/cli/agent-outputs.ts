import { resolve } from "node:path";
import { readSecretFile } from "../config/secret-file.js";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError, systemCode } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import type { EventSink } from "../sinks/event-sink.js";
import { checkEventSink, checkEventSinkWritable, openEventSink } from "../sinks/events/open-event-sink.js";

/** Where nobody says anything: events go to whoever reads stdout. People read the log, which has what they want. */
function defaultOutputs(): NonNullable<Settings["events"]> {
  return process.stdout.isTTY ? [] : [{ kind: "ndjson", target: "-" }];
}

/** Secrets that outputs need, from the environment: a command line can be read by everyone. */
interface OutputSecrets {
  readonly mqtt:
    { readonly username?: string | undefined; readonly password?: string | undefined } | undefined;
  readonly webhook: string | undefined;
}

/**
 * Where the agent's events go, checked before anything is started.
 * @throws USAGE, OUTPUT_FAILED
 */
export function checkAgentOutputs({ events = defaultOutputs() }: Settings): void {
  const places = new Set<string>();
  for (const output of events) {
    const { name, place } = checkEventSink(output);
    const key = place === undefined ? name : place === "-" ? place : resolve(place);
    if (places.has(key)) throw new AiwError("USAGE", `--out ${name} is given twice`);
    places.add(key);
    checkEventSinkWritable(output);
  }
}

/** Whether one of them writes to stdout. */
export function writesToStdout({ events = defaultOutputs() }: Settings): boolean {
  return events.some((output) => checkEventSink(output).place === "-");
}

/** @throws USAGE for a file of a secret that can't be read, OUTPUT_FAILED */
export async function openAgentOutputs(
  { events = defaultOutputs() }: Settings,
  env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<EventSink[]> {
  const onNote = (text: string) => log.warn(text);
  const secrets = await outputSecrets(env, onNote);
  const options = {
    clock: systemClock,
    onNote,
    mqttCredentials: secrets.mqtt,
    webhookSecret: secrets.webhook,
  };
  return events.map((output) => openEventSink(output, options));
}

async function outputSecrets(
  env: NodeJS.ProcessEnv,
  onWarning: (text: string) => void,
): Promise<OutputSecrets> {
  const username = env.AIW_MQTT_USERNAME || undefined;
  const password = await secretOf(env, "AIW_MQTT_PASSWORD", onWarning);
  return {
    mqtt: username === undefined && password === undefined ? undefined : { username, password },
    webhook: await secretOf(env, "AIW_WEBHOOK_SECRET", onWarning),
  };
}

/** The variable itself, or the first line of the file that NAME_FILE names. */
async function secretOf(
  env: NodeJS.ProcessEnv,
  name: string,
  onWarning: (text: string) => void,
): Promise<string | undefined> {
  if (env[name]) return env[name];
  const path = env[`${name}_FILE`];
  if (!path) return undefined;
  try {
    const text = await readSecretFile(path, `file of ${name}`, env, onWarning);
    const [line = ""] = text.split(/\r?\n/);
    if (line !== "") return line;
  } catch (cause) {
    throw new AiwError(
      "USAGE",
      `${name}_FILE ${path} cannot be read (${systemCode(cause) ?? String(cause)})`,
    );
  }
  throw new AiwError("USAGE", `${name}_FILE ${path}: its first line is empty`);
}

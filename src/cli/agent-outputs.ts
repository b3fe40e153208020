import { readFileSync } from "node:fs";
import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import { AiwError, systemCode } from "../core/errors.js";
import type { Logger } from "../core/logger.js";
import type { EventSink } from "../sinks/event-sink.js";
import { checkEventSink, checkEventSinkWritable, openEventSink } from "../sinks/events/open-event-sink.js";

const DEFAULT_OUTPUTS = [{ kind: "ndjson", target: "-" }];

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
export function checkAgentOutputs({ events = DEFAULT_OUTPUTS }: Settings): void {
  const places = new Set<string>();
  for (const output of events) {
    const { name, place } = checkEventSink(output);
    const key = place ?? name;
    if (places.has(key)) throw new AiwError("USAGE", `--out ${name} is given twice`);
    places.add(key);
    checkEventSinkWritable(output);
  }
}

/** @throws USAGE for a file of a secret that can't be read, OUTPUT_FAILED */
export function openAgentOutputs(
  { events = DEFAULT_OUTPUTS }: Settings,
  env: NodeJS.ProcessEnv,
  log: Logger,
): EventSink[] {
  const secrets = outputSecrets(env);
  const options = {
    clock: systemClock,
    onNote: (text: string) => log.warn(text),
    mqttCredentials: secrets.mqtt,
    webhookSecret: secrets.webhook,
  };
  return events.map((output) => openEventSink(output, options));
}

function outputSecrets(env: NodeJS.ProcessEnv): OutputSecrets {
  const username = env.AIW_MQTT_USERNAME || undefined;
  const password = secretOf(env, "AIW_MQTT_PASSWORD");
  return {
    mqtt: username === undefined && password === undefined ? undefined : { username, password },
    webhook: secretOf(env, "AIW_WEBHOOK_SECRET"),
  };
}

/** The variable itself, or the first line of the file that NAME_FILE names. */
function secretOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  if (env[name]) return env[name];
  const path = env[`${name}_FILE`];
  if (!path) return undefined;
  try {
    const [line = ""] = readFileSync(path, "utf8").split(/\r?\n/);
    if (line !== "") return line;
  } catch (cause) {
    throw new AiwError(
      "USAGE",
      `${name}_FILE ${path} cannot be read (${systemCode(cause) ?? String(cause)})`,
    );
  }
  throw new AiwError("USAGE", `${name}_FILE ${path}: its first line is empty`);
}

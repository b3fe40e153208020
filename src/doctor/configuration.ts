import { type ConfigText, findConfigFile, parseConfigFile } from "../config/config-file.js";
import { environmentLayer } from "../config/environment.js";
import {
  type Layer,
  resolveSettings,
  SETTINGS,
  type SettingName,
  type Settings,
} from "../config/settings.js";
import { port } from "../config/values.js";
import { toAiwError } from "../core/errors.js";
import { plural } from "../core/plural.js";
import { type Check, listed, verdicts } from "./check.js";

export interface ConfigurationOptions {
  /** --config */
  readonly named: string | undefined;
  /** The working folder. */
  readonly folder: string;
  /** What the command line gives; what is wrong with it is thrown, as by every command. */
  readonly flags: Layer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws USAGE for values that no command takes together */
  readonly refuse: (settings: Settings) => void;
}

export interface Configuration {
  readonly checks: readonly Check[];
  /** All that is valid: flags, environment, file. */
  readonly settings: Settings;
  readonly file: ConfigText | undefined;
}

/** Environment names that commands heed. */
const HEEDED = [
  ...["AI_WORKER_HOST", "AI_WORKER_PORT", "AI_MODEL_NAME", "AI_UMBRAL", "AI_FPS_IDLE", "AI_FPS_ACTIVE"],
  ...["AIW_CACHE", "AIW_PYTHON", "AIW_FFMPEG", "AIW_INSECURE", "BIND_HOST", "BIND_PORT", "IDLE_TIMEOUT_SEC"],
  ...["AIW_TOKEN", "AIW_TOKEN_FILE", "AIW_TLS_CA", "AIW_TLS_CERT", "AIW_TLS_KEY"],
  ...["AIW_MQTT_USERNAME", "AIW_MQTT_PASSWORD", "AIW_MQTT_PASSWORD_FILE"],
  ...["AIW_WEBHOOK_SECRET", "AIW_WEBHOOK_SECRET_FILE"],
];

/**
 * The settings, of which one that is wrong is reported and left out: the other checks go on with the rest.
 * @throws USAGE for a flag's value
 */
export async function readConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const { flags, env } = options;
  const fromFlags = resolveSettings([flags]);
  const file = await readFile(options);
  const variables = validSettings(environmentLayer(env));
  const problems = [...variables.problems, ...bindPortProblem(env)];
  // A source on the command line takes the place of whatever the file says to look at.
  const { source, camera, ...rest } = file.settings;
  const replaced = fromFlags.source !== undefined || fromFlags.camera !== undefined;
  return {
    checks: [file.check, checkVariables(env, problems)],
    settings: {
      ...(replaced ? rest : { ...rest, ...(source && { source }), ...(camera && { camera }) }),
      ...variables.settings,
      ...fromFlags,
    },
    file: file.text,
  };
}

interface ReadFile {
  readonly check: Check;
  readonly settings: Settings;
  readonly text: ConfigText | undefined;
}

async function readFile({ named, folder, refuse }: ConfigurationOptions): Promise<ReadFile> {
  const { ok, failure, failed } = verdicts("config", "aiw.yaml");
  let text: ConfigText | undefined;
  try {
    text = await findConfigFile(named, folder);
    if (text === undefined) {
      return { check: ok(`none, from ${folder} upward; it is not needed`), settings: {}, text };
    }
    const layer = parseConfigFile(text.path, text.content);
    const { settings, problems } = validSettings(layer);
    if (problems.length === 0) refuse(settings);
    const check =
      problems.length === 0
        ? ok(`${text.path}, ${plural(Object.keys(settings).length, "setting")}`)
        : failure(`${text.path}: ${listed(problems)}`, "Correct the file, or name another with --config.");
    return { check, settings, text };
  } catch (thrown) {
    const error = toAiwError(thrown);
    if (error.code === "CONFIG_INVALID") return { check: failed(error), settings: {}, text };
    if (error.code !== "USAGE") throw error;
    const check = failure(`${text?.path}: ${error.message}`, "Take that setting out of the file.");
    return { check, settings: {}, text };
  }
}

/** Each setting of a layer by itself. */
function validSettings(layer: Layer): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const valid = (Object.keys(SETTINGS) as SettingName[]).map((name): Settings => {
    try {
      return resolveSettings([layer], [name]);
    } catch (error) {
      problems.push(toAiwError(error).message);
      return {};
    }
  });
  return { settings: Object.assign({}, ...valid) as Settings, problems };
}

function checkVariables(env: ConfigurationOptions["env"], problems: readonly string[]): Check {
  const { ok, failure } = verdicts("variables", "environment variables");
  if (problems.length > 0) return failure(listed(problems), "Correct them, or unset them.");
  const heeded = HEEDED.filter((name) => env[name]);
  return ok(heeded.length === 0 ? "none of aiw's own is set" : heeded.join(", "));
}

function bindPortProblem({ BIND_PORT: text }: ConfigurationOptions["env"]): string[] {
  const issue = text ? port.safeParse(text).error?.issues[0] : undefined;
  return issue === undefined ? [] : [`BIND_PORT "${text}" ${issue.message}`];
}

import { existsSync } from "node:fs";
import { loadConfigFile } from "../config/config-file.js";
import { environmentLayer } from "../config/environment.js";
import { type Layer, resolveSettings, type SettingName, type Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import { type Flag, flagValue, longName, type ParsedFlags } from "./flags.js";
import { refuseBadOutputs } from "./outputs.js";

export interface SettingsOptions {
  /** The file that --config names may not be there yet, and then says nothing. */
  readonly configMayBeNew?: boolean;
  /** Settings that the command has no flag for, and heeds. */
  readonly more?: readonly SettingName[];
}

/**
 * The settings of a command: flag, then environment, then aiw.yaml.
 * @throws USAGE, CONFIG_INVALID
 */
export async function commandSettings(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  env: NodeJS.ProcessEnv,
  { configMayBeNew = false, more = [] }: SettingsOptions = {},
): Promise<Settings> {
  const mine = [...flags.flatMap(({ setting }) => setting ?? []), ...more];
  const fromFlags = flagLayer(flags, parsed);
  const named = parsed.config as string | undefined;
  const isNew = configMayBeNew && named !== undefined && !existsSync(named);
  const config = isNew ? undefined : await loadConfigFile(named, process.cwd());
  const { source, camera } = fromFlags.values;
  const layers: Layer[] = [fromFlags, environmentLayer(env)];
  if (config !== undefined) {
    // A source on the command line takes the place of whatever the file says to look at.
    const replaced =
      source !== undefined || camera !== undefined
        ? { source: undefined, camera: undefined, cameras: undefined }
        : {};
    layers.push({ ...config, values: { ...config.values, ...replaced } });
  }
  const settings = resolveSettings(layers, mine);
  refuseBadOutputs(settings.out ?? []);
  refuseValues(settings);
  return settings;
}

/** What the command line gives of the settings. */
export function flagLayer(flags: readonly Flag[], parsed: ParsedFlags): Layer {
  const bySetting = new Map(flags.flatMap((flag) => (flag.setting ? [[flag.setting, flag] as const] : [])));
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const [name, flag] of bySetting) values[name] = flagValue(flag, parsed);
  return {
    values,
    errorCode: "USAGE",
    describe: (name) => {
      const flag = bySetting.get(name);
      return flag === undefined ? name : longName(flag);
    },
  };
}

/** @throws USAGE for an engine that does not run on the device */
export function refuseValues(settings: Settings): void {
  if (settings.engine === "openvino" && settings.device === "cuda") {
    throw new AiwError(
      "USAGE",
      "--engine openvino does not run on --device cuda: take --engine onnxruntime with that, or --device cpu",
    );
  }
}

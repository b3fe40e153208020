import type { z } from "zod";
import { AiwError, type ErrorCode } from "../core/errors.js";
import { DEVICES, ENGINES, LOG_FORMATS, PIXEL_FORMATS } from "./choices.js";
import * as v from "./values.js";

/**
 * Every setting that a flag, the environment or aiw.yaml can give: its name in aiw.yaml, and what
 * its value becomes. Times are microseconds.
 */
export const SETTINGS = {
  model: v.model,
  worker: v.endpoint,
  token_file: v.nonEmpty,
  tls_ca: v.nonEmpty,
  tls_cert: v.nonEmpty,
  tls_key: v.nonEmpty,
  source: v.texts,
  camera: v.texts,
  cameras: v.namedTexts,
  conf: v.fraction,
  iou: v.fraction,
  classes: v.list,
  size: v.size,
  pixel_format: v.oneOf(PIXEL_FORMATS),
  engine: v.oneOf(ENGINES),
  device: v.oneOf(DEVICES),
  require_provider: v.nonEmpty,
  threads: v.positiveInteger,
  fps: v.fps,
  fps_idle: v.fps,
  fps_active: v.fps,
  dwell: v.duration,
  silence: v.positiveDuration,
  post_roll: v.duration,
  recorder: v.nonEmpty,
  events: v.outputs,
  frames: v.positiveInteger,
  duration: v.positiveDuration,
  warmup: v.duration,
  loop: v.flag,
  realtime: v.flag,
  out: v.outputs,
  sessions_dir: v.nonEmpty,
  json: v.nonEmpty,
  junit: v.nonEmpty,
  markdown: v.nonEmpty,
  html: v.nonEmpty,
  gates: v.gates,
  max_duration: v.positiveDuration,
  max_regression: v.percentage,
  require_stable: v.flag,
  find_max: v.flag,
  sweep: v.rates,
  calibrate: v.texts,
  min_agreement: v.fraction,
  allow_unverified: v.flag,
  metrics: v.listenAddress,
  quiet: v.flag,
  log_format: v.oneOf(LOG_FORMATS),
} as const satisfies Record<string, z.ZodType>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [K in SettingName]?: z.output<(typeof SETTINGS)[K]> };

/** Values from one place, as they were written there. */
export interface Layer {
  readonly values: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly errorCode: ErrorCode;
  /**
   * How to call a setting in an error: "--conf", "AI_UMBRAL", "aiw.yaml:3: conf".
   * @param item of a list, the one that is meant, from 0
   */
  describe(name: SettingName, item?: number): string;
}

/**
 * The settings in force: of each one the first layer that gives it.
 * @param layers the strongest first
 * @param names settings that matter here; what the others say is not even looked at
 * @throws the layer's own error code, naming the setting and the value that is wrong
 */
export function resolveSettings(
  layers: readonly Layer[],
  names: readonly SettingName[] = Object.keys(SETTINGS) as SettingName[],
): Settings {
  const entries = names.map((name) => {
    const layer = layers.find(({ values }) => values[name] !== undefined);
    return [name, layer === undefined ? undefined : parseSetting(layer, name)];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** These settings with others in place of some; undefined takes one away. */
export function withChanges(settings: Settings, changes: Partial<Record<SettingName, unknown>>): Settings {
  const all = Object.entries({ ...settings, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all) as Settings;
}

function parseSetting(layer: Layer, name: SettingName): unknown {
  const value = layer.values[name];
  const result = SETTINGS[name].safeParse(value);
  if (result.success) return result.data;
  const { message = "is not valid", path = [] } = firstIssue(result.error) ?? {};
  const [item] = path;
  if (typeof item === "number" && Array.isArray(value)) {
    throw new AiwError(layer.errorCode, `${layer.describe(name, item)} ${shown(value[item])} ${message}`);
  }
  // Of a mapping the message says which entry it is about: all of it may be long, and has URLs in it.
  const what = typeof value === "object" && !Array.isArray(value) ? [] : [shown(value)];
  throw new AiwError(layer.errorCode, [layer.describe(name), ...what, message].join(" "));
}

/** The first issue; of a union, that of a branch which took the type and not the value. */
function firstIssue(error: z.ZodError): z.core.$ZodIssue | undefined {
  const [issue] = error.issues;
  const branches = issue?.code === "invalid_union" ? issue.errors.flat() : [];
  return branches.find(({ code }) => code === "custom") ?? issue;
}

function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? `"${value}"` : JSON.stringify(value);
}

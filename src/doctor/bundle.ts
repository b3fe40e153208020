import { isSecretName, MASK, type PrivateFacts, privacyMask } from "../core/mask.js";
import type { ConfigText } from "../config/config-file.js";
import type { Settings } from "../config/settings.js";
import { type Check, worst } from "./check.js";
import type { Examination } from "./examine.js";

/** What a bug report needs, as it is before anything is masked. */
export interface BundleFacts {
  readonly time: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly examination: Examination;
  /** All checks, those of the configuration included. */
  readonly checks: readonly Check[];
  readonly settings: Settings;
  readonly config: ConfigText | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Variables that change what aiw, its worker or their libraries do. */
const RELEVANT = [
  /^AI_/,
  /^AIW_/,
  /^BIND_/,
  /^IDLE_TIMEOUT_SEC$/,
  /^(ORT|OMP|KMP|MKL|OPENBLAS|OPENCV|CUDA|NVIDIA|OPENVINO)_/,
  /^(PIP|UV|PYTHON|VIRTUAL_ENV|CONDA_PREFIX)/,
  /^(PATH|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|NODE_OPTIONS|XDG_CACHE_HOME|LOCALAPPDATA|TMPDIR)$/i,
  /^(https?_proxy|no_proxy|all_proxy)$/i,
  /^(LANG|LC_ALL|TERM|CI|NO_COLOR|container)$/,
];

/** The bundle as JSON text, with credentials, tokens, home folders and the user's name masked. */
export function bundleText(facts: BundleFacts, home: Pick<PrivateFacts, "homes" | "userName">): string {
  const { env, examination, checks, config } = facts;
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    value && isSecretName(name) ? [value] : [],
  );
  const mask = privacyMask({ ...home, secrets });
  const bundle = {
    schema: "aiw.bundle/1",
    time: facts.time,
    versions: facts.versions,
    machine: facts.machine,
    verdict: worst(checks),
    checks,
    settings: facts.settings,
    config: config === undefined ? null : { path: config.path, lines: config.content.split(/\r?\n/) },
    environment: relevantVariables(env),
    python_packages: examination.installed,
    worker_log: examination.workerLog,
    ffmpeg: examination.ffmpegVersion.split("\n").filter((line) => line !== ""),
  };
  return `${JSON.stringify(masked(bundle, mask), null, 2)}\n`;
}

function relevantVariables(env: BundleFacts["env"]): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || !RELEVANT.some((pattern) => pattern.test(name))) return [];
    return [[name, isSecretName(name) && value !== "" ? MASK : value]];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Masks every text of a value; lists of texts as one text, since a secret may go over several lines. */
function masked(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) {
    const isText = value.every((item) => typeof item === "string");
    return isText ? mask(value.join("\n")).split("\n") : value.map((item) => masked(item, mask));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, mask)]));
}

import type { Layer, SettingName } from "./settings.js";

/** Environment names that deployments already use, and the settings that they give. */
const NAMES: Readonly<Partial<Record<SettingName, string>>> = {
  worker: "AI_WORKER_HOST",
  model: "AI_MODEL_NAME",
  conf: "AI_UMBRAL",
};

/** Port of a worker where only its host is given. */
const DEFAULT_WORKER_PORT = "7001";

export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const host = env.AI_WORKER_HOST;
  const port = env.AI_WORKER_PORT;
  const worker = host || port ? `${host || "127.0.0.1"}:${port || DEFAULT_WORKER_PORT}` : undefined;
  return {
    values: { worker, model: env.AI_MODEL_NAME || undefined, conf: env.AI_UMBRAL || undefined },
    errorCode: "USAGE",
    describe: (name) => (name === "worker" ? "AI_WORKER_HOST and AI_WORKER_PORT" : (NAMES[name] ?? name)),
  };
}

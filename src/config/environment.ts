import type { Layer, SettingName } from "./settings.js";

/** Environment names that deployments already use, and the settings that they give. */
const NAMES: Readonly<Partial<Record<SettingName, string>>> = {
  worker: "AI_WORKER_HOST",
  model: "AI_MODEL_NAME",
  conf: "AI_UMBRAL",
  fps_idle: "AI_FPS_IDLE",
  fps_active: "AI_FPS_ACTIVE",
  token_file: "AIW_TOKEN_FILE",
  tls_ca: "AIW_TLS_CA",
  tls_cert: "AIW_TLS_CERT",
  tls_key: "AIW_TLS_KEY",
};

/** In place of a token's file: the token itself is in the environment, as AIW_TOKEN, and stays there. */
export const TOKEN_IN_ENVIRONMENT = "$AIW_TOKEN";

/** Port of a worker where only its host is given. */
const DEFAULT_WORKER_PORT = "7001";

export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const host = env.AI_WORKER_HOST;
  const port = env.AI_WORKER_PORT;
  const worker = host || port ? `${host || "127.0.0.1"}:${port || DEFAULT_WORKER_PORT}` : undefined;
  return {
    values: {
      worker,
      model: env.AI_MODEL_NAME || undefined,
      conf: env.AI_UMBRAL || undefined,
      fps_idle: env.AI_FPS_IDLE || undefined,
      fps_active: env.AI_FPS_ACTIVE || undefined,
      token_file: env.AIW_TOKEN ? TOKEN_IN_ENVIRONMENT : env.AIW_TOKEN_FILE || undefined,
      tls_ca: env.AIW_TLS_CA || undefined,
      tls_cert: env.AIW_TLS_CERT || undefined,
      tls_key: env.AIW_TLS_KEY || undefined,
    },
    errorCode: "USAGE",
    describe: (name) => (name === "worker" ? "AI_WORKER_HOST and AI_WORKER_PORT" : (NAMES[name] ?? name)),
  };
}

import { readFile } from "node:fs/promises";
import { AiwError, systemCode } from "../core/errors.js";
import { TOKEN_IN_ENVIRONMENT } from "./environment.js";
import { readSecretFile } from "./secret-file.js";
import type { SettingName, Settings } from "./settings.js";

/** What a client shows to the worker that the settings name; never to be shown itself. */
export interface WorkerAccess {
  readonly token: string | undefined;
  /** PEM texts; undefined for a plain connection. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
  /** What the user should mend, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads what the settings name.
 * @throws USAGE for a file that can't be read, an empty token, half an identity, and TLS settings of a worker
 *   that is named without tls://
 */
export async function readWorkerAccess(settings: Settings, env: NodeJS.ProcessEnv): Promise<WorkerAccess> {
  const { worker, token_file: tokenFile, tls_ca: ca, tls_cert: cert, tls_key: key } = settings;
  const [one] = Object.entries({ tls_ca: ca, tls_cert: cert, tls_key: key }).filter(
    ([, path]) => path !== undefined,
  );
  if (worker !== undefined && !worker.tls && one !== undefined) {
    const { host, port } = worker;
    const message = `${one[0]} is given, but --worker ${host}:${port} is plain: name it tls://${host}:${port}`;
    throw new AiwError("USAGE", message);
  }
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = cert === undefined ? ["tls_key", "tls_cert"] : ["tls_cert", "tls_key"];
    throw new AiwError(
      "USAGE",
      `${there} is given without ${missing}: a certificate and its key go together`,
    );
  }
  const warnings: string[] = [];
  const token =
    tokenFile === TOKEN_IN_ENVIRONMENT
      ? env.AIW_TOKEN
      : await readToken(tokenFile, env, (text) => warnings.push(text));
  if (token?.trim() === "") throw new AiwError("USAGE", `token_file ${tokenFile} is empty`);
  if (!worker?.tls) return { token: token?.trim(), tls: undefined, warnings };
  const texts = {
    ca: await readText("tls_ca", ca),
    cert: await readText("tls_cert", cert),
    key: await readText("tls_key", key),
  };
  const given = Object.entries(texts).filter(([, text]) => text !== undefined);
  return { token: token?.trim(), tls: Object.fromEntries(given), warnings };
}

async function readToken(
  path: string | undefined,
  env: NodeJS.ProcessEnv,
  onWarning: (text: string) => void,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readSecretFile(path, "token file", env, onWarning);
  } catch (cause) {
    throw new AiwError("USAGE", `token_file ${path} can't be read (${systemCode(cause)})`, { cause });
  }
}

async function readText(name: SettingName, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new AiwError("USAGE", `${name} ${path} can't be read (${systemCode(cause)})`, { cause });
  }
}

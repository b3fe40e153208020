import { basename } from "node:path";
import { type ConnectOptions, WorkerClient, type WorkerInfo } from "../client/worker-client.js";
import type { Settings } from "../config/settings.js";
import type { SourceName } from "../config/source-names.js";
import { AiwError } from "../core/errors.js";
import { UNVERIFIED } from "../optimize/agreement.js";
import { KNOWN_SHAPES, shapeName } from "../core/shapes.js";
import { streamName } from "../source/stream-name.js";
import { isBuiltShape, shapeFile } from "../worker-process/build-shape.js";
import { type Check, verdicts } from "./check.js";

const { ok, warning, failure, failed } = verdicts("model", "model");
const ANOTHER = "Name another with --model or in aiw.yaml, or export it again.";
const REACH_WITHIN_MS = 4_000;

export const modelNotFound = (error: unknown): Check => failed(error);

/** What can't be told of a model that aiw has optimised. */
export function staleModel(doubt: string): Check {
  return verdicts("model-source", "model's source").warning(
    doubt,
    "Optimise the original, where it is now: aiw init --optimize --model PATH; or leave it as it is.",
  );
}

export function noModel(): Check {
  return ok("none is configured for that worker; one is given with --model or in aiw.yaml");
}

/** The built-in detector knows the scene only. */
export function needsModel({ kind, uri }: SourceName): Check {
  const detail = `none is configured, and the built-in one knows only synthetic:, not the ${kind} ${streamName(uri)}`;
  return failure(detail, "Name one with --model or in aiw.yaml: aiw init --model FILE");
}

export function modelNotTried(): Check {
  return warning("not tried: there is no worker to load it", "Mend the worker's start first.");
}

/**
 * The file of a shape in the cache, or the check that says why there is none.
 * @param elsewhere host of the worker that is configured
 */
export async function locateShape(
  model: string,
  cacheDir: string,
  elsewhere: string | undefined,
): Promise<{ path?: string; check?: Check }> {
  const shape = shapeName(model);
  if (shape === undefined) return { check: failure(`${model} is not known`, `Known are ${KNOWN_SHAPES}.`) };
  if (elsewhere !== undefined) {
    const why = `${model} is built on this machine, where the worker on ${elsewhere} does not see it`;
    const advice = `Make the file with \`aiw models build ${model}\` and put it where that worker may load it from.`;
    return { check: failure(why, advice) };
  }
  const path = shapeFile(cacheDir, shape);
  if (await isBuiltShape(path)) return { path };
  return { check: ok(`${model} is not built yet; the first command that needs it builds it`) };
}

export interface ModelOptions {
  readonly endpoint: Pick<ConnectOptions, "host" | "port" | "tls" | "token">;
  /** As that worker sees it. */
  readonly modelPath: string;
  readonly settings: Settings;
  readonly signal: AbortSignal;
}

/** Loads the model in a worker, as run and bench do. */
export async function checkModel({ endpoint, modelPath, settings, signal }: ModelOptions): Promise<Check> {
  const { host, port, tls, token } = endpoint;
  let client: WorkerClient | undefined;
  const onAbort = () => void client?.shutdown();
  signal.addEventListener("abort", onAbort);
  try {
    client = await WorkerClient.connect({ host, port, tls, token, signal, reachWithinMs: REACH_WITHIN_MS });
    const { require_provider: requireProvider = "" } = settings;
    const info = await client.init({ modelPath, requireProvider });
    const detail = described(basename(modelPath), info);
    const [said] = info.warnings;
    return said === undefined ? ok(detail) : warning(`${detail}; ${said}`, adviceOn(said));
  } catch (error) {
    if (signal.aborted) throw error;
    return error instanceof AiwError && error.code === "WORKER_REFUSED"
      ? failure(error.message, ANOTHER)
      : failed(error, ANOTHER);
  } finally {
    signal.removeEventListener("abort", onAbort);
    await client?.shutdown();
  }
}

/** @param said what the worker says of a model */
export function adviceOn(said: string): string {
  return said.startsWith(UNVERIFIED)
    ? "Have it compared, on frames in which the model sees more: aiw init --optimize --calibrate SOURCE"
    : "See what the worker says of it.";
}

function described(name: string, info: WorkerInfo): string {
  const { family, inputShape: shape, classNames, engine, runtime, providers } = info;
  const parts = [
    family,
    shape.length === 4 ? `${shape[3]}x${shape[2]}` : "",
    `${classNames.length} classes`,
    `${engine || runtime}${providers[0] === undefined ? "" : ` ${providers[0]}`}`,
  ];
  return `${name} loads: ${parts.filter((part) => part !== "").join(", ")}`;
}

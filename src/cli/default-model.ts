import { fileURLToPath } from "node:url";
import type { Settings } from "../config/settings.js";
import { AiwError } from "../core/errors.js";
import { refuseShapeElsewhere } from "../core/shapes.js";
import { streamName } from "../source/stream-name.js";
import { isSynthetic } from "../source/synthetic-uri.js";
import type { SourceName } from "../config/source-names.js";

/** The detector that comes with aiw: it knows the synthetic scene, and nothing else. */
export const EMBEDDED_MODEL = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));

/**
 * The settings with a model in any case: the one given, else the embedded detector where all that is
 * looked at is the synthetic scene, by a worker of our own.
 * @throws NO_MODEL; USAGE with a worker elsewhere that has not been told one, or cannot see it
 */
export function withModel(settings: Settings, sources: readonly SourceName[]): Settings {
  const { worker } = settings;
  if (worker !== undefined) refuseShapeElsewhere(settings.model, worker.host);
  if (settings.model !== undefined) return settings;
  if (worker !== undefined) {
    throw new AiwError(
      "USAGE",
      `--worker ${worker.host}: give the model with --model, as that worker sees it`,
    );
  }
  const other = sources.find(({ kind, uri }) => kind === "camera" || !isSynthetic(uri));
  if (other === undefined) return { ...settings, model: EMBEDDED_MODEL };
  throw new AiwError(
    "NO_MODEL",
    `no model is given, and the built-in one knows only synthetic:, not --${other.kind} ${streamName(other.uri)}`,
  );
}

import type { ModelDescription } from "../core/model-description.js";

/** What a model is, for people; lines of at most 80 columns, without one at the end. */
export function modelCard(description: ModelDescription): string {
  return description.file;
}

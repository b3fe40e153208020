import type { Settings } from "./settings.js";

/** A source as the settings name it. */
export interface SourceName {
  readonly kind: "source" | "camera";
  /** Of a camera, "default" is the first of this machine. */
  readonly uri: string;
}

/** All that the settings say to look at. */
export function sourceNames({ source = [], camera = [] }: Settings): SourceName[] {
  return [
    ...source.map((uri) => ({ kind: "source" as const, uri })),
    ...camera.map((uri) => ({ kind: "camera" as const, uri })),
  ];
}

import { setImmediate as nextTurn } from "node:timers/promises";
import { AiwError } from "../core/errors.js";
import type { SourceItem } from "../frame/frame.js";
import { FramePool } from "../frame/frame-pool.js";
import { frameBytes, type PixelFormat, type Size } from "../frame/pixel-format.js";
import type { TrueObject } from "../frame/truth.js";
import { MOST_OBJECTS, SyntheticScene } from "../scene/synthetic-scene.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";
import { rgbToYuv } from "./rgb-to-yuv.js";

const NATIVE_SIZE: Size = { width: 640, height: 480 };

export interface SceneParameters {
  readonly seed: number;
  /** How many move about; in a crowd by default more. */
  readonly objects: number;
  /** Frames a second of the scene's own time: how far things move from one frame to the next. */
  readonly fps: number;
  /** Objects go in groups, and more stands about. */
  readonly crowded: boolean;
}

const OBJECTS = 6;
const OBJECTS_IN_A_CROWD = 12;

interface Range {
  readonly least: number;
  readonly most: number;
}

/** The options of `synthetic:?…`, whole numbers all of them. */
const RANGES = {
  seed: { least: 0, most: 2 ** 32 - 1 },
  objects: { least: 0, most: MOST_OBJECTS },
  fps: { least: 1, most: 1000 },
  crowded: { least: 0, most: 1 },
} as const satisfies Record<keyof SceneParameters, Range>;

/** True for `synthetic:`, with options or without. */
export function isSynthetic(uri: string): boolean {
  return /^synthetic:/i.test(uri);
}

/**
 * The built-in scene: endless, at whatever rate it is asked for, and it knows what is in its frames.
 * @throws USAGE for an unknown or bad option, and for a size that the pixel format cannot have
 */
export function openSynthetic(uri: string, options: SourceOptions): FrameSource {
  return new SyntheticSource(uri, parseSynthetic(uri), options);
}

/** @throws USAGE */
export function parseSynthetic(uri: string): SceneParameters {
  const [, query] =
    /^synthetic:(?:\/\/)?(?:\?(.*))?$/i.exec(uri) ??
    fail(`--source ${uri}: write synthetic: or synthetic:?seed=7&objects=6`);
  const given = new URLSearchParams(query ?? "");
  for (const key of given.keys()) {
    if (!Object.hasOwn(RANGES, key)) {
      fail(`--source ${uri}: unknown option ${key}, known are ${Object.keys(RANGES).join(", ")}`);
    }
    if (given.getAll(key).length > 1) fail(`--source ${uri}: ${key} is given twice`);
  }
  const whole = (key: keyof SceneParameters, initial: number) => {
    const { least, most } = RANGES[key];
    const text = given.get(key);
    if (text === null) return initial;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      fail(`--source ${uri}: ${key}=${text} is not a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const crowded = whole("crowded", 0) === 1;
  const objects = whole("objects", crowded ? OBJECTS_IN_A_CROWD : OBJECTS);
  return { seed: whole("seed", 1), objects, fps: whole("fps", 12), crowded };
}

function fail(message: string): never {
  throw new AiwError("USAGE", message);
}

class SyntheticSource implements FrameSource {
  readonly live = false;
  readonly rateFps: number;
  private readonly size: Size;
  private readonly format: PixelFormat;
  private readonly scene: SyntheticScene;
  /** What is drawn before it becomes YUV; empty where RGB is sent. */
  private readonly drawn: Uint8Array;
  private closed = false;

  constructor(
    readonly name: string,
    parameters: SceneParameters,
    private readonly options: SourceOptions,
  ) {
    const { size, pixelFormat } = options;
    this.size = size === "native" ? NATIVE_SIZE : size;
    this.format = pixelFormat === "auto" ? "rgb24" : pixelFormat;
    // Refuses odd sides before anything is drawn.
    frameBytes(this.format, this.size);
    this.rateFps = parameters.fps;
    this.scene = new SyntheticScene({ ...parameters, ...this.size });
    this.drawn = new Uint8Array(this.format === "rgb24" ? 0 : frameBytes("rgb24", this.size));
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    const { format, size, name, options } = this;
    const pool = new FramePool(frameBytes(format, size));
    const origin = { source: name, ...size };
    for (let number = 0; !this.closed; number += 1) {
      const { data, release } = pool.acquire();
      const truth = this.draw(data, number);
      yield { data, release, ...size, format, origin, truth, capturedAtUs: options.clock.nowUs() };
      // Drawing waits for nothing: without this a consumer that takes all would starve everything else.
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private draw(data: Uint8Array, number: number): TrueObject[] {
    const { scene, drawn, size, format } = this;
    if (format === "rgb24") return scene.draw(data, number);
    const truth = scene.draw(drawn, number);
    rgbToYuv(drawn, data, size, format);
    return truth;
  }
}

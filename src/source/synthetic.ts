import { setImmediate as nextTurn } from "node:timers/promises";
import { AiwError } from "../core/errors.js";
import type { SourceItem } from "../frame/frame.js";
import { FramePool } from "../frame/frame-pool.js";
import { frameBytes, type Size } from "../frame/pixel-format.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";
import { SyntheticScene } from "./synthetic-scene.js";

const NATIVE_SIZE: Size = { width: 640, height: 480 };

interface SceneParameters {
  readonly seed: number;
  readonly objects: number;
}

/** Each option of `synthetic:?…` with its default and its range. */
const PARAMETERS: Readonly<Record<keyof SceneParameters, { initial: number; least: number; most: number }>> =
  {
    seed: { initial: 1, least: 0, most: 2 ** 32 - 1 },
    objects: { initial: 6, least: 0, most: 100 },
  };

/** True for `synthetic:`, with options or without. */
export function isSynthetic(uri: string): boolean {
  return /^synthetic:/i.test(uri);
}

/**
 * The built-in scene: endless, at whatever rate it is asked for.
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
  const given = new Map(new URLSearchParams(query ?? ""));
  for (const key of given.keys()) {
    if (!Object.hasOwn(PARAMETERS, key)) {
      fail(`--source ${uri}: unknown option ${key}, known are ${Object.keys(PARAMETERS).join(", ")}`);
    }
  }
  const whole = (key: keyof SceneParameters) => {
    const { initial, least, most } = PARAMETERS[key];
    const text = given.get(key);
    if (text === undefined) return initial;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      fail(`--source ${uri}: ${key}=${text} is not a whole number from ${least} to ${most}`);
    }
    return value;
  };
  return { seed: whole("seed"), objects: whole("objects") };
}

function fail(message: string): never {
  throw new AiwError("USAGE", message);
}

class SyntheticSource implements FrameSource {
  readonly live = false;
  readonly rateFps = null;
  private closed = false;
  private readonly scene: SyntheticScene;

  constructor(
    readonly name: string,
    parameters: SceneParameters,
    private readonly options: SourceOptions,
  ) {
    this.scene = new SyntheticScene({ ...parameters, ...this.size, format: this.format });
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    const { format, size, scene, name, options } = this;
    const pool = new FramePool(frameBytes(format, size));
    const origin = { source: name, ...size };
    for (let number = 0; !this.closed; number += 1) {
      const { data, release } = pool.acquire();
      scene.draw(data, number);
      yield { data, release, ...size, format, origin, capturedAtUs: options.clock.nowUs() };
      // Drawing waits for nothing: without this a consumer that takes all would starve everything else.
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private get size(): Size {
    return this.options.size === "native" ? NATIVE_SIZE : this.options.size;
  }

  private get format() {
    return this.options.pixelFormat === "auto" ? "rgb24" : this.options.pixelFormat;
  }
}

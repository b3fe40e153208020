import type { SourceItem } from "../frame/frame.js";
import { FramePool } from "../frame/frame-pool.js";
import { frameBytes, type PixelFormat, type Size } from "../frame/pixel-format.js";
import type { FrameSource, SourceOptions } from "./frame-source.js";
import { SceneRenderer } from "./scene-renderer.js";
import { parseSynthetic, type SceneParameters } from "./synthetic-uri.js";

const NATIVE_SIZE: Size = { width: 640, height: 480 };

/**
 * The built-in scene: endless, at whatever rate it is asked for, and it knows what is in its frames.
 * @throws USAGE for an unknown or bad option, and for a size that the pixel format cannot have
 */
export function openSynthetic(uri: string, options: SourceOptions): FrameSource {
  return new SyntheticSource(uri, parseSynthetic(uri), options);
}

class SyntheticSource implements FrameSource {
  readonly live = false;
  readonly rateFps: number;
  readonly usesOurCpu = true;
  private readonly size: Size;
  readonly format: PixelFormat;
  private readonly renderer: SceneRenderer;
  private next = 0;
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
    this.renderer = new SceneRenderer({ ...parameters, ...this.size, format: this.format });
  }

  async *frames(): AsyncGenerator<SourceItem, void, undefined> {
    const { format, size, name, options, renderer } = this;
    const pool = new FramePool(frameBytes(format, size), (bytes) =>
      Buffer.from(new SharedArrayBuffer(bytes)),
    );
    const { width, height } = size;
    const origin = { source: name, width, height };
    while (!this.closed) {
      const { data, release } = pool.acquire();
      const number = this.next;
      this.next += 1;
      const truth = await this.unlessClosed(renderer.draw(data.buffer as SharedArrayBuffer, number));
      if (truth === undefined) return;
      if (this.next !== number + 1) {
        // Rewound while it was drawn.
        release();
        continue;
      }
      yield { data, release, width, height, format, origin, truth, capturedAtUs: options.clock.nowUs() };
    }
  }

  rewind(): void {
    this.next = 0;
  }

  cpuUs(): number {
    return this.renderer.cpuUs;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.renderer.close();
  }

  /** What is awaited, or undefined when it failed because we were closed meanwhile. */
  private unlessClosed<T>(awaited: Promise<T>): Promise<T | undefined> {
    return awaited.catch((error: unknown) => {
      if (this.closed) return undefined;
      throw error;
    });
  }
}

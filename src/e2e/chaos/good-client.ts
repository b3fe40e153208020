import { dialTo, ReconnectingClient } from "../../client/reconnecting-client.js";
import { AiwError } from "../../core/errors.js";
import { isExact, type LedgerCounts } from "../../pipeline/ledger.js";
import { Stream } from "../../pipeline/stream.js";
import { isResult } from "../../results/frame-outcome.js";
import type { Random } from "../../scene/random.js";
import { SyntheticScene } from "../../scene/synthetic-scene.js";
import { blankFrame } from "../../testing/blank-frame.js";
import type { FaultProxy } from "../../testing/fault-proxy.js";
import { hastyClock } from "../../testing/hasty-clock.js";

const SIZE = { width: 160, height: 120 };
/** The silence of 10 s after which a link is dead has to stay longer than the worker's 2 s between Heartbeats. */
const CLOCK_TIMES = 3;
/** First Inits, which a cut ends for good, that are tried. */
const ATTEMPTS = 20;

export interface GoodClientOptions {
  readonly name: string;
  /** What it reaches the worker through. */
  readonly proxy: FaultProxy;
  readonly token: string;
  /** It asks for one of these, and now and then for one that is not there. */
  readonly models: readonly [string, ...string[]];
  readonly random: Random;
  readonly onResult: () => void;
}

/**
 * A client as it should be: it sends what it has credit for, a frame in twenty a byte short, and asks for other
 * settings now and then. It keeps a ledger of its own, against which the pipeline's is checked.
 */
export class GoodClient {
  /** What was seen to be wrong, in words. */
  readonly wrong: string[] = [];
  reloads = 0;
  refusals = 0;
  private readonly clock = hastyClock(CLOCK_TIMES);
  private readonly places = new Map<number, string[]>();
  private readonly ending = new AbortController();
  private readonly pixels = new Uint8Array(SIZE.width * SIZE.height * 3);
  private readonly stream: Stream;
  private readonly working: Promise<void>;
  private frames = 0;
  private onLoan = 0;

  private constructor(
    private readonly options: GoodClientOptions,
    private readonly client: ReconnectingClient,
  ) {
    new SyntheticScene({ ...SIZE, seed: 1, objects: 6, crowded: false, fps: 12 }).draw(this.pixels, 50);
    this.stream = new Stream(client, this.clock);
    this.stream.on("outcome", (outcome) => {
      this.put(outcome.dueUs, isResult(outcome) ? "result" : "error");
      if (isResult(outcome)) options.onResult();
    });
    this.stream.on("dropped", ({ dueUs, reason }) => this.put(dueUs, reason));
    this.working = this.work().catch((error: unknown) => void this.wrong.push(String(error)));
  }

  /** Has a session, however often the way to it is cut. */
  static async begin(options: GoodClientOptions): Promise<GoodClient> {
    for (let attempt = 1; ; attempt++) {
      const client = await connect(options);
      try {
        await client.init({ modelPath: options.models[0], clientId: options.name });
        return new GoodClient(options, client);
      } catch (error) {
        await client.shutdown();
        if (attempt === ATTEMPTS || !isLoss(error)) throw error;
      }
    }
  }

  counts(): LedgerCounts {
    return this.stream.counts();
  }

  get reconnects(): number {
    return this.client.reconnects;
  }

  /** Lets what is in flight be answered, says End, and looks at what became of each frame. */
  async end(): Promise<void> {
    this.ending.abort();
    await this.working;
    await this.client.shutdown();
    this.stream.close();
    this.check();
  }

  private async work(): Promise<void> {
    const { random } = this.options;
    while (!this.ending.signal.aborted && this.stream.lost === undefined) {
      // More than one: all but the last give way to newer ones.
      for (let more = random(3); more >= 0; more--) this.offer();
      await this.stream.whenIdle();
      if (random(30) === 0) await this.reload();
    }
    if (this.stream.lost !== undefined) this.wrong.push(`lost for good: ${this.stream.lost.message}`);
  }

  private offer(): void {
    const frame = ++this.frames;
    this.onLoan++;
    const isShort = this.options.random(20) === 0;
    const data = Buffer.from(this.pixels.buffer, 0, this.pixels.length - (isShort ? 1 : 0));
    // Its due time is its name.
    this.stream.offer(blankFrame({ ...SIZE, data, release: () => void this.onLoan-- }), frame);
    if (!isExact(this.counts())) this.wrong.push(`inexact after ${frame}: ${JSON.stringify(this.counts())}`);
  }

  private async reload(): Promise<void> {
    const { random, models } = this.options;
    await this.credit();
    if (!this.client.canSend()) return;
    const modelPath = [...models, "missing.onnx"][random(models.length + 1)]!;
    try {
      await this.client.init({ modelPath, confThreshold: 0.2 + random(5) / 10, clientId: this.options.name });
      this.reloads++;
    } catch (error) {
      if (!isRefusal(error) && !isLoss(error)) throw error;
      this.refusals++;
    }
  }

  /** An Error is answered before its Ready is there, and a link that is cut has none. */
  private async credit(): Promise<void> {
    if (this.client.canSend() || this.ending.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        off();
        resolve();
      };
      const off = this.client.onCredit(done);
      this.ending.signal.addEventListener("abort", done);
    });
  }

  private put(frame: number, place: string): void {
    this.places.set(frame, [...(this.places.get(frame) ?? []), place]);
  }

  private check(): void {
    const { offered, results, errors, inFlight, dropped } = this.counts();
    const told = [...this.places.values()].flat();
    const count = (place: string) => told.filter((one) => one === place).length;
    const expect = (what: string, found: number, wanted: number) => {
      if (found !== wanted) this.wrong.push(`${what}: ${found}, not ${wanted}`);
    };
    for (const [frame, places] of this.places) expect(`places of frame ${frame}`, places.length, 1);
    expect("frames with a place", this.places.size, this.frames);
    expect("offered", offered, this.frames);
    expect("results", results, count("result"));
    expect("errors", errors, count("error"));
    expect("in flight at the end", inFlight, 0);
    for (const [reason, frames] of Object.entries(dropped)) expect(reason, frames, count(reason));
    expect("buffers that were not given back", this.onLoan, 0);
  }
}

function connect({ proxy, token }: GoodClientOptions): Promise<ReconnectingClient> {
  const clock = hastyClock(CLOCK_TIMES);
  const dial = dialTo({ host: "127.0.0.1", port: proxy.port, clock, token });
  return ReconnectingClient.connect({ dial, giveUpAfterMs: Number.POSITIVE_INFINITY, clock });
}

function isLoss(error: unknown): boolean {
  return (
    error instanceof AiwError && ["WORKER_LOST", "WORKER_TIMEOUT", "WORKER_UNREACHABLE"].includes(error.code)
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof AiwError && error.code === "WORKER_REFUSED";
}

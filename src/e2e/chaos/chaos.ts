import { performance } from "node:perf_hooks";
import { Emitter } from "../../core/emitter.js";
import { droppedTotal } from "../../pipeline/ledger.js";
import { type Random, seededRandom } from "../../scene/random.js";
import { type Faults, FaultProxy } from "../../testing/fault-proxy.js";
import { startAiw, workerOf } from "../aiw.js";
import { BAD_KINDS, BadClients } from "./bad-clients.js";
import { GoodClient } from "./good-client.js";
import { SupervisedWorker, type WorkerEnding } from "./supervised-worker.js";

export interface ChaosOptions {
  readonly seed: number;
  /** Steps go on until then, and each kind comes at least once however long that takes. */
  readonly seconds: number;
  readonly modelDir: string;
  /** Of modelDir; more than the worker may have loaded at once. */
  readonly models: readonly [string, string, ...string[]];
  readonly sessionsDir: string;
  /** An aiw.yaml without settings. */
  readonly config: string;
}

/** Nothing takes so long but what never comes. */
const HANG_MS = 60_000;
const TOKEN = "a token of the chaos test's own";
const FRAME_BYTES = 160 * 120 * 3 + 80;
/** What happens to the links of the three good clients, besides what the steps do to them. */
const LINKS: readonly Omit<Faults, "seed">[] = [
  {},
  { cutEveryBytes: 150 * FRAME_BYTES, halfOpenShare: 0.1 },
  { splitShare: 0.002, delayMs: 2 },
];

/**
 * Good clients that send frames all the time, and steps that befall them, the worker and its host, as a seed
 * deals them. Which frame a step hits is the machine's doing.
 */
export class Chaos {
  readonly steps: string[] = [];
  /** The most that the worker's resident memory was over what it had with each model used, megabytes. */
  grownMb = 0;
  private readonly endedClients: GoodClient[] = [];
  private clients: GoodClient[] = [];
  private readonly bad = new BadClients();
  private readonly results = new Emitter<{ result: undefined }>();
  private readonly random: Random;
  private readonly startedMs = performance.now();
  private readonly ownPids = new Set<number>();
  private baseMb = Number.POSITIVE_INFINITY;
  private lives = 0;

  private constructor(
    private readonly options: ChaosOptions,
    private readonly worker: SupervisedWorker,
    private readonly proxies: readonly FaultProxy[],
  ) {
    this.random = seededRandom(options.seed);
  }

  static async start(options: ChaosOptions): Promise<Chaos> {
    const { modelDir, sessionsDir, models, seed } = options;
    const folders = ["--model-dir", modelDir, "--sessions-dir", sessionsDir];
    const bounds = ["--max-models", String(models.length - 1), "--idle-timeout", "1"];
    const worker = await SupervisedWorker.start([...folders, ...bounds], { AIW_TOKEN: TOKEN });
    const proxies = LINKS.map((faults, n) => FaultProxy.start(worker.port, { ...faults, seed: seed + n }));
    return new Chaos(options, worker, await Promise.all(proxies));
  }

  /** Every process that was started, whoever started it. */
  get pids(): number[] {
    return [...this.worker.pids, ...this.ownPids];
  }

  /** What good clients saw that must not be. */
  get wrong(): string[] {
    return [...this.endedClients, ...this.clients].flatMap(({ wrong }) => wrong);
  }

  /** Deals steps until the time is over; then every good client has another result, and ends. */
  async run(): Promise<void> {
    await this.useEachModel();
    this.clients = await this.comeIn();
    do {
      for (const step of this.shuffled(this.deck())) await this.step(...step);
    } while (performance.now() - this.startedMs < this.options.seconds * 1000);
    await this.step("another result of each", () => this.anotherResultOfEach());
    await this.step("all leave", () => this.leave());
    await this.step("terminate", () => this.worker.end("terminate"));
  }

  /** Sessions that a killed worker left are closed by the one after it. */
  async recover(isDone: () => Promise<unknown>): Promise<void> {
    await this.step("recover", async () => {
      await this.worker.startAgain();
      await isDone();
      await this.worker.end("terminate");
    });
  }

  /** What happened, for whoever has to find out why. */
  report(): string {
    const clients = [...this.endedClients, ...this.clients];
    const total = (of: (client: GoodClient) => number) => clients.reduce((sum, one) => sum + of(one), 0);
    const figures = {
      seed: this.options.seed,
      steps: this.steps.length,
      clients: clients.length,
      offered: total((client) => client.counts().offered),
      results: total((client) => client.counts().results),
      errors: total((client) => client.counts().errors),
      dropped: total((client) => droppedTotal(client.counts())),
      reconnects: total((client) => client.reconnects),
      reloads: total((client) => client.reloads),
      refusals: total((client) => client.refusals),
      cuts: this.proxies.reduce((sum, { counts }) => sum + counts.cuts + counts.halfOpen, 0),
      processes: this.pids.length,
      grownMb: Math.round(this.grownMb),
    };
    return JSON.stringify(figures);
  }

  async close(): Promise<void> {
    this.bad.vanish();
    for (const proxy of this.proxies) await proxy.close();
    for (const pid of this.pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone, as it should be.
      }
    }
  }

  /** A round: each kind of step at least once. */
  private deck(): [string, () => Promise<void> | void][] {
    const endings: WorkerEnding[] = ["kill worker", "kill command", "terminate"];
    return [
      ...endings.map((how): [string, () => Promise<void>] => [how, () => this.restart(how)]),
      ...this.proxies.flatMap((proxy, n): [string, () => void][] => [
        [`cut ${n}`, () => proxy.cut()],
        [`half open ${n}`, () => proxy.deafen()],
      ]),
      ...BAD_KINDS.map((kind): [string, () => Promise<void>] => [`bad: ${kind}`, () => this.sendBad(kind)]),
      ["bad ones vanish", () => this.bad.vanish()],
      ["idle", () => this.idle()],
      ["a run of its own, killed", () => this.ownRun()],
    ];
  }

  private async step(name: string, work: () => Promise<void> | void): Promise<void> {
    const at = ((performance.now() - this.startedMs) / 1000).toFixed(1);
    this.steps.push(`${at} s ${name}`);
    await within(Promise.resolve(work()), name);
    if (this.clients.length === 0) return;
    // As time goes here: some frames further. That they come at all is a credit not lost.
    await within(this.moreResults(1 + this.random(20)), `results after "${name}"`);
    this.grownMb = Math.max(this.grownMb, this.worker.residentMb() - this.baseMb);
  }

  private async moreResults(results: number): Promise<void> {
    let left = results;
    await new Promise<void>((resolve) => {
      const off = this.results.on("result", () => {
        left--;
        if (left > 0) return;
        off();
        resolve();
      });
    });
  }

  private async anotherResultOfEach(): Promise<void> {
    const before = this.clients.map((client) => client.counts().results);
    const isMissing = () => this.clients.some((client, n) => client.counts().results === before[n]);
    while (isMissing()) await this.moreResults(1);
  }

  private async comeIn(): Promise<GoodClient[]> {
    this.lives++;
    return Promise.all(
      this.proxies.map((proxy, n) =>
        GoodClient.begin({
          name: `good ${n}`,
          proxy,
          token: TOKEN,
          models: this.options.models,
          random: seededRandom(this.options.seed * 1000 + this.lives * 10 + n),
          onResult: () => this.results.emit("result", undefined),
        }),
      ),
    );
  }

  private async leave(): Promise<void> {
    const leaving = this.clients;
    await Promise.all(leaving.map((client) => client.end()));
    this.endedClients.push(...leaving);
    this.clients = [];
  }

  /** What memory is measured against: caches are filled, and the pool was full. */
  private async useEachModel(): Promise<void> {
    for (const [n, model] of this.options.models.entries()) {
      const proxy = this.proxies[0]!;
      const client = await GoodClient.begin({
        name: `first ${n}`,
        proxy,
        token: TOKEN,
        models: [model],
        random: seededRandom(n),
        onResult: () => this.results.emit("result", undefined),
      });
      await within(this.moreResults(50), `results of ${model}`);
      await client.end();
      this.endedClients.push(client);
    }
    this.baseMb = this.worker.residentMb();
  }

  private async restart(how: WorkerEnding): Promise<void> {
    await this.worker.end(how);
    await this.worker.startAgain();
    for (const proxy of this.proxies) proxy.leadTo(this.worker.port);
  }

  private sendBad(kind: string): Promise<void> {
    return this.bad.send(kind, { port: this.worker.port, token: TOKEN, model: this.options.models[0] });
  }

  private async idle(): Promise<void> {
    this.bad.vanish();
    const unloaded = this.worker.unloads();
    await this.leave();
    await unloaded;
    this.clients = await this.comeIn();
  }

  /** A run that has started its worker loses it, goes on with another, and is killed itself. */
  private async ownRun(): Promise<void> {
    const run = startAiw(["run", "--config", this.options.config, "--source", "synthetic:", "--fps", "5"]);
    const note = () => {
      const pid = workerOf(run.child.pid!)!;
      this.ownPids.add(pid);
      return pid;
    };
    this.ownPids.add(run.child.pid!);
    await run.sees(/\n/);
    process.kill(note(), "SIGKILL");
    await run.says(/the worker is back/);
    note();
    run.child.kill("SIGKILL");
    await run.finished;
  }

  private shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => left.splice(this.random(left.length), 1)[0]!);
  }
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: ${what}`)), HANG_MS);
  });
  return Promise.race([work, hang]).finally(() => clearTimeout(timer));
}

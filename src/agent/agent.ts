import type { LinkFigures } from "../client/reconnecting-client.js";
import { type AiwError, toAiwError } from "../core/errors.js";
import type { AIEngine } from "./engine.js";
import { Lane, type OpenCamera } from "./lane.js";
import type { WatchPorts } from "./ports.js";
import type { WatchPlan } from "./watch.js";

/** A camera that is to be watched. */
export interface CameraPlan {
  /** Name, credentials masked; no two have the same. */
  readonly name: string;
  /** Tells whether it is another camera that has this name now; may hold credentials. */
  readonly identity: string;
  readonly isFinite: boolean;
  readonly open: OpenCamera;
}

/** An engine of a camera's own, with its model set. */
export interface OpenEngine {
  readonly engine: AIEngine;
  readonly link: LinkFigures;
  close(): Promise<void>;
}

export interface AgentOptions {
  readonly ports: WatchPorts;
  readonly plan: WatchPlan;
  /** Called for each camera; rejects where the worker is not to be had, and leaves nothing open then. */
  readonly openEngine: (camera: string) => Promise<OpenEngine>;
  /** Told of each lane that begins, before its first frame, … */
  readonly onLane?: (lane: Lane, opened: OpenEngine) => void;
  /** … that has ended, by itself or because it was to, with what ended it … */
  readonly onEnd?: (lane: Lane, error: AiwError | undefined) => void;
  /** … and whose camera is no more among those to watch, or is watched anew. */
  readonly onLeft?: (lane: Lane) => void;
  readonly random?: () => number;
}

interface Watched {
  readonly camera: CameraPlan;
  readonly lane: Lane;
  readonly opened: OpenEngine;
  readonly ended: Promise<void>;
  isOver: boolean;
}

/** The watches over all cameras, each with a pipeline and a state machine of its own. */
export class Agent {
  private readonly watched = new Map<string, Watched>();
  /** What ended the watches over cameras that are among those to watch. */
  private readonly failures = new Map<string, AiwError>();
  /** Adding and removing, one after the other. */
  private changes: Promise<void> = Promise.resolve();
  private pendingChanges = 0;
  private isStopped = false;
  private plan: WatchPlan;
  private allEnded!: () => void;
  /** Resolves when no camera is watched any more. */
  private readonly ended = new Promise<void>((resolve) => {
    this.allEnded = resolve;
  });

  constructor(private readonly options: AgentOptions) {
    this.plan = options.plan;
  }

  get lanes(): readonly Lane[] {
    return [...this.watched.values()].map(({ lane }) => lane);
  }

  /**
   * From now on these cameras are watched, in this way: one that is among them already doesn't notice, one that is
   * not any more has its session closed, and one whose watch has failed is begun anew.
   * @throws what an engine for a new camera can't be had for; nothing has changed then
   */
  watch(cameras: readonly CameraPlan[], plan: WatchPlan = this.plan): Promise<void> {
    this.pendingChanges++;
    const change = this.changes
      .then(() => this.change(cameras, plan))
      .finally(() => {
        this.pendingChanges--;
        this.endIfAllAreOver();
      });
    this.changes = change.catch(() => {});
    return change;
  }

  /**
   * Resolves when all have ended by themselves, or were stopped.
   * @throws the first error that ended one, once all have ended: where one fails the others go on
   */
  async finished(): Promise<void> {
    await this.ended;
    for (const failure of this.failures.values()) throw failure;
  }

  /** Ends all watches and closes their sessions; idempotent. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const { lane } of this.watched.values()) lane.end();
    await this.changes;
    await Promise.all([...this.watched.values()].map((one) => this.letGo(one)));
    this.allEnded();
  }

  private async change(cameras: readonly CameraPlan[], plan: WatchPlan): Promise<void> {
    if (this.isStopped) return;
    const wanted = new Map(cameras.map((camera) => [camera.name, camera]));
    const all = [...this.watched.values()];
    const staying = all.filter(
      ({ camera: { name, identity } }) => !this.failures.has(name) && wanted.get(name)?.identity === identity,
    );
    // What is another camera, under the same name, goes on with the engine.
    const replaced = all.filter(
      (one) => !staying.includes(one) && wanted.has(one.camera.name) && one.opened.engine.gone === undefined,
    );
    const leaving = all.filter((one) => !staying.includes(one) && !replaced.includes(one));
    const engines = new Map([...staying, ...replaced].map(({ camera, opened }) => [camera.name, opened]));
    // First what may be refused.
    const added = await this.openEngines(cameras.filter(({ name }) => !engines.has(name)));
    for (const [name, opened] of added) engines.set(name, opened);
    if (this.isStopped) return closeAll(added.values());
    this.plan = plan;
    for (const { lane } of staying) lane.watch.configure(plan);
    await Promise.all([
      ...leaving.map((one) => this.letGo(one)),
      ...replaced.map((one) => this.endLane(one)),
    ]);
    for (const { camera } of leaving) this.failures.delete(camera.name);
    if (this.isStopped) return closeAll([...added.values(), ...replaced.map(({ opened }) => opened)]);
    for (const camera of cameras) {
      const opened = engines.get(camera.name);
      if (!this.watched.has(camera.name) && opened !== undefined) this.begin(camera, opened);
    }
  }

  /** @throws what the first that can't be had says; none is open then */
  private async openEngines(cameras: readonly CameraPlan[]): Promise<Map<string, OpenEngine>> {
    const opened = new Map<string, OpenEngine>();
    try {
      for (const { name } of cameras) opened.set(name, await this.options.openEngine(name));
      return opened;
    } catch (error) {
      await closeAll(opened.values());
      throw error;
    }
  }

  private begin(camera: CameraPlan, opened: OpenEngine): void {
    const { ports, random } = this.options;
    const { name, open, isFinite } = camera;
    const { engine } = opened;
    this.failures.delete(name);
    const lane = new Lane({ camera: name, open, isFinite, engine, plan: this.plan, random }, ports);
    this.options.onLane?.(lane, opened);
    const ended = lane.run().then(
      () => this.onEnded(watched, undefined),
      (error: unknown) => this.onEnded(watched, toAiwError(error)),
    );
    const watched: Watched = { camera, lane, opened, ended, isOver: false };
    this.watched.set(name, watched);
  }

  private async endLane({ camera, lane, ended }: Watched): Promise<void> {
    lane.end();
    await ended;
    this.watched.delete(camera.name);
    this.options.onLeft?.(lane);
  }

  private async letGo(one: Watched): Promise<void> {
    await this.endLane(one);
    await one.opened.close();
  }

  /** By itself, or because it was to. */
  private onEnded(one: Watched, error: AiwError | undefined): void {
    if (error !== undefined) this.failures.set(one.camera.name, error);
    one.isOver = true;
    this.options.onEnd?.(one.lane, error);
    this.endIfAllAreOver();
  }

  private endIfAllAreOver(): void {
    const all = [...this.watched.values()];
    if (this.pendingChanges === 0 && all.length > 0 && all.every(({ isOver }) => isOver)) this.allEnded();
  }
}

async function closeAll(engines: Iterable<OpenEngine>): Promise<void> {
  await Promise.all([...engines].map((one) => one.close()));
}

import type { LinkFigures } from "../client/reconnecting-client.js";
import { toAiwError } from "../core/errors.js";
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
  readonly modelId: string;
  close(): Promise<void>;
}

export interface AgentOptions {
  readonly ports: WatchPorts;
  readonly plan: WatchPlan;
  /** Called for each camera; rejects where the worker is not to be had. */
  readonly openEngine: (camera: string) => Promise<OpenEngine>;
  /** Told of each lane that begins, before its first frame, and that has ended, with what ended it. */
  readonly onLane?: (lane: Lane, opened: OpenEngine) => void;
  readonly onEnd?: (lane: Lane, error: unknown) => void;
  readonly random?: () => number;
}

interface Watched {
  readonly camera: CameraPlan;
  readonly lane: Lane;
  readonly opened: OpenEngine;
  readonly ended: Promise<void>;
}

/** The watches over all cameras, each with a pipeline and a state machine of its own. */
export class Agent {
  private readonly watched = new Map<string, Watched>();
  /** Adding and removing, one after the other. */
  private changes: Promise<void> = Promise.resolve();
  private pendingChanges = 0;
  private readonly over = new Set<Lane>();
  private readonly failures: unknown[] = [];
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
   * not any more has its session closed.
   * @throws what an engine for a new camera can't be had for; those before it are watched
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
    if (this.failures.length > 0) throw this.failures[0];
  }

  /** Ends all watches and closes their sessions; idempotent. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const { lane } of this.watched.values()) lane.end();
    await this.changes;
    await Promise.all([...this.watched.values()].map((one) => this.remove(one)));
    this.allEnded();
  }

  private async change(cameras: readonly CameraPlan[], plan: WatchPlan): Promise<void> {
    if (this.isStopped) return;
    this.plan = plan;
    const wanted = new Map(cameras.map((camera) => [camera.name, camera]));
    const leaving = [...this.watched.values()].filter(
      ({ camera }) => wanted.get(camera.name)?.identity !== camera.identity,
    );
    await Promise.all(leaving.map((one) => this.remove(one)));
    for (const { lane } of this.watched.values()) lane.watch.configure(plan);
    for (const camera of cameras) if (!this.watched.has(camera.name)) await this.add(camera);
  }

  private async add(camera: CameraPlan): Promise<void> {
    const { ports, openEngine, random } = this.options;
    const opened = await openEngine(camera.name);
    if (this.isStopped) return opened.close();
    const { engine, modelId } = opened;
    const { name, open, isFinite } = camera;
    const lane = new Lane({ camera: name, open, isFinite, engine, plan: this.plan, modelId, random }, ports);
    this.options.onLane?.(lane, opened);
    const ended = lane.run().then(
      () => this.onEnded(lane, undefined),
      (error: unknown) => this.onEnded(lane, error),
    );
    this.watched.set(name, { camera, lane, opened, ended });
  }

  private async remove({ camera, lane, opened, ended }: Watched): Promise<void> {
    lane.end();
    await ended;
    await opened.close();
    this.watched.delete(camera.name);
    this.over.delete(lane);
  }

  /** By itself, or because it was removed. */
  private onEnded(lane: Lane, error: unknown): void {
    if (error !== undefined) this.failures.push(toAiwError(error));
    this.over.add(lane);
    this.options.onEnd?.(lane, error);
    this.endIfAllAreOver();
  }

  private endIfAllAreOver(): void {
    if (this.pendingChanges === 0 && this.lanes.every((lane) => this.over.has(lane))) this.allEnded();
  }
}

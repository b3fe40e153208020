import type { Clock } from "../../core/clock.js";
import { secretsMask } from "../../core/mask.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import { packageVersion } from "../../core/version.js";
import type { AgentEvent, AgentEventName } from "../../results/agent-event.js";
import type { EventSink, EventSinkCounts } from "../event-sink.js";
import { CameraCondition, isConditionEvent } from "./camera-condition.js";
import { EventQueue, type QueuedEvent } from "./event-queue.js";
import type { MqttTarget } from "./event-target.js";
import { eventText } from "./event-text.js";
import { discoveryMessages } from "./home-assistant.js";
import { type Credentials, type Delivery, MqttLink } from "./mqtt-link.js";
import { Outage } from "./outage.js";
import { RetainedTopics } from "./retained-topics.js";
import { slugOf } from "./slug.js";
import { Turns } from "./turns.js";

/** What is published before the event loop has its turn. */
const PER_TURN = 16;
const RETAINED: Delivery = { qos: 1, retain: true };

/** Where under a camera's topic an event goes, and how surely: a session must arrive, of frames there are more. */
const PLACES: Readonly<
  Record<Exclude<AgentEventName, "camera.state" | "worker.state" | "fsm.transition">, Place>
> = {
  "ai.detection": { level: "detection", delivery: { qos: 0, retain: false } },
  "ai.keepalive": { level: "keepalive", delivery: { qos: 0, retain: false } },
  "session.open": { level: "session", delivery: { qos: 1, retain: false } },
  "session.close": { level: "session", delivery: { qos: 1, retain: false } },
};
interface Place {
  readonly level: string;
  readonly delivery: Delivery;
}

export interface MqttOptions {
  readonly clock: Clock;
  readonly onNote: (text: string) => void;
  /** What the target does not say itself. */
  readonly credentials?: Credentials | undefined;
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
}

interface Camera {
  readonly condition: CameraCondition;
  /** What the broker keeps of it. */
  readonly retained: readonly string[];
}

/**
 * Events to an MQTT broker (3.1.1), under the target's prefix, CAMERA being the camera's slug:
 *
 * - `status`: "online" or "offline", retained, the latter by the broker itself when it hears of us no more
 * - `CAMERA/state`: how it is, retained, QoS 1 (`aiw.camera/1`); of the events about that the last counts
 * - `CAMERA/session`: session.open and session.close, QoS 1: it may come twice, where a connection broke
 * - `CAMERA/detection`, `CAMERA/keepalive`: QoS 0
 *
 * and Home Assistant's discovery, unless the target says no. A broker that is away is waited for; events wait in a
 * bounded queue, and what is retained is published anew when it is back. `#events=` chooses among the events of
 * the last two; the states are always there.
 */
export class MqttSink implements EventSink {
  readonly name: string;
  private readonly queue = new EventQueue();
  private readonly retained = new RetainedTopics();
  private readonly cameras = new Map<string, Camera>();
  private readonly turns = new Turns(() => this.work());
  private readonly link: MqttLink;
  private readonly outage: Outage;
  private onDrained: () => void = () => {};
  private isLettingGo = false;
  private closed: Promise<void> | undefined;

  constructor(
    private readonly target: MqttTarget,
    { clock, onNote, credentials = {}, random }: MqttOptions,
  ) {
    this.name = target.name;
    this.outage = new Outage(this.name, onNote, () => this.counts().dropped);
    const username = target.username ?? credentials.username;
    // Of a URL it may hold the user alone: a password in the environment is none in a list of processes.
    const password = username === undefined ? undefined : (target.password ?? credentials.password);
    const mask = secretsMask([username ?? "", password ?? ""]);
    this.retained.add(this.statusTopic, () => "online");
    this.link = new MqttLink({
      target,
      credentials: { username, password },
      statusTopic: this.statusTopic,
      clock,
      random,
      onUp: () => {
        this.retained.allDue();
        this.outage.end();
        this.turns.wake();
      },
      onContradicted: () => {
        this.retained.again(this.statusTopic);
        this.turns.wake();
      },
      onChange: () => this.turns.wake(),
      onTrouble: (kind, reason) =>
        this.outage.begin(kind, `${mask(reason)}: events wait, and it is tried again`),
    });
    void this.link.run();
  }

  write(event: AgentEvent): void {
    const isCondition = isConditionEvent(event);
    if (!isCondition && !this.target.events.has(event.name)) return;
    const camera = this.cameraOf(event.value.camera);
    if (isCondition) {
      camera.condition.take(event);
      this.retained.changed(this.topicOf(event.value.camera, "state"));
    } else {
      this.queue.push(event);
    }
    this.turns.wake();
  }

  counts(): EventSinkCounts {
    const queued = this.queue.counts();
    const told = this.retained.counts();
    return {
      delivered: queued.delivered + told.delivered,
      dropped: queued.dropped + told.dropped,
      waiting: queued.waiting + told.waiting,
    };
  }

  /** Home Assistant's entities of it go with their discovery. */
  forgetCamera(name: string): void {
    for (const topic of this.cameras.get(name)?.retained ?? []) this.retained.remove(topic);
    this.cameras.delete(name);
    this.turns.wake();
  }

  close(giveUp: AbortSignal): Promise<void> {
    return (this.closed ??= this.finish(giveUp));
  }

  private async finish(giveUp: AbortSignal): Promise<void> {
    this.queue.close();
    this.link.hurry();
    const drained = new Promise<void>((resolve) => (this.onDrained = resolve));
    this.turns.wake();
    await settledOrAborted(drained, giveUp);
    this.isLettingGo = true;
    this.queue.abandon();
    this.retained.abandon();
    if (this.link.hasRoom) {
      // A goodbye in good order makes the broker forget the last will.
      const said = new Promise<void>((resolve) => {
        this.link.publish(this.statusTopic, "offline", RETAINED, () => resolve());
      });
      await settledOrAborted(said, giveUp);
    }
    await this.link.end(giveUp);
  }

  private async work(): Promise<void> {
    for (let left = PER_TURN; left > 0 && !this.isLettingGo; left -= 1) {
      if (!this.link.hasRoom || !this.publishNext()) break;
      if (left === 1) this.turns.wake();
    }
    if (this.counts().waiting === 0) this.onDrained();
  }

  /** @returns whether there was something to publish */
  private publishNext(): boolean {
    const due = this.retained.take();
    if (due !== undefined) {
      this.link.publish(due.topic, due.payload(), RETAINED, (arrived) => this.retained.settle(due, arrived));
      return true;
    }
    const item = this.queue.take();
    if (item !== undefined) this.publishEvent(item);
    return item !== undefined;
  }

  private publishEvent(item: QueuedEvent): void {
    const { event } = item;
    const text = eventText(event);
    if (text === undefined || isConditionEvent(event)) return this.queue.drop(item);
    const { level, delivery } = PLACES[event.name];
    const topic = this.topicOf(event.value.camera, level);
    this.link.publish(topic, text, delivery, (arrived) => {
      if (arrived) this.queue.deliver(item);
      else this.queue.putBack(item);
    });
  }

  private cameraOf(name: string): Camera {
    const known = this.cameras.get(name);
    if (known !== undefined) return known;
    const { prefix, discovery } = this.target;
    const condition = new CameraCondition();
    const stateTopic = this.topicOf(name, "state");
    const about = { name, slug: slugOf(name), prefix, version: packageVersion() };
    const messages = discovery === undefined ? [] : discoveryMessages({ ...about, discovery });
    const camera = { condition, retained: [stateTopic, ...messages.map(({ topic }) => topic)] };
    this.cameras.set(name, camera);
    this.retained.add(stateTopic, () => JSON.stringify(condition.record(name)));
    for (const { topic, payload } of messages) this.retained.add(topic, () => JSON.stringify(payload));
    return camera;
  }

  private topicOf(camera: string, level: string): string {
    return `${this.target.prefix}/${slugOf(camera)}/${level}`;
  }

  private get statusTopic(): string {
    return `${this.target.prefix}/status`;
  }
}

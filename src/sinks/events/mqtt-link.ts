import { randomBytes } from "node:crypto";
import type { MqttClient } from "mqtt";
import { backoffMs } from "../../core/backoff.js";
import { after, type Clock } from "../../core/clock.js";
import { systemCode } from "../../core/errors.js";
import { printable } from "../../core/printable.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import type { MqttTarget } from "./event-target.js";
import { Pause } from "./pause.js";

/** A broker that takes the connection and says nothing is given up after so long, microseconds. */
const CONNACK_WITHIN_US = 10_000_000;
/** The package's own limit for that: never, since time is the clock's business. */
const NEVER_MS = 2 ** 31 - 1;
/** How often each side has to be heard of, seconds. */
const KEEPALIVE_S = 30;
/** A connection that lasted so long says that all is well, microseconds; a shorter one may be cut again at once. */
const STEADY_US = 10_000_000;
/** Most publications that the broker has not acknowledged. */
const WINDOW = 20;

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface LinkOptions {
  readonly target: Pick<MqttTarget, "isTls" | "host" | "port">;
  readonly credentials: Credentials;
  /** Where the broker says "offline" when it hears of us no more; retained. */
  readonly statusTopic: string;
  readonly clock: Clock;
  readonly random: (() => number) | undefined;
  readonly onUp: () => void;
  /** There is room for more, or none any more: look. */
  readonly onChange: () => void;
  /** It is not there. `kind` is the same for what people would call the same. */
  readonly onTrouble: (kind: string, reason: string) => void;
}

interface Trouble {
  readonly kind: "away" | "silent" | "refused" | "lost";
  readonly reason: string;
}

export interface Delivery {
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/**
 * A connection to a broker that is made again when it is lost, with backoff and full jitter. Each is a client of its
 * own of the package mqtt, which so has nothing to resend and no queue: what was not acknowledged when a connection
 * ended comes back to who published it.
 */
export class MqttLink {
  private readonly pending = new Set<(hasArrived: boolean) => void>();
  private readonly pause: Pause;
  private readonly clientId = `aiw-${randomBytes(6).toString("hex")}`;
  /** Connected; undefined otherwise. */
  private client: MqttClient | undefined;
  private finish: (trouble: Trouble) => void = () => {};
  private isEnded = false;
  /** It reads too slowly: what we wrote last has not left. */
  private isClogged = false;

  constructor(private readonly options: LinkOptions) {
    this.pause = new Pause(options.clock);
  }

  /** Connects, and again and again, until `end`; never rejects. */
  async run(): Promise<void> {
    const { clock, random, onTrouble } = this.options;
    for (let attempt = 0; !this.isEnded; attempt += 1) {
      const begunUs = clock.nowUs();
      const { kind, reason } = await this.connection();
      if (this.isEnded) return;
      if (kind === "lost" && clock.nowUs() - begunUs >= STEADY_US) attempt = 0;
      onTrouble(kind, reason);
      await this.pause.wait(Math.ceil(backoffMs(attempt, { random }) * 1000));
    }
  }

  get isUp(): boolean {
    return this.client !== undefined;
  }

  /** Whether something may be published now. */
  get hasRoom(): boolean {
    return this.client?.connected === true && !this.isClogged && this.pending.size < WINDOW;
  }

  get isQuiet(): boolean {
    return this.pending.size === 0;
  }

  /**
   * To be called only where there is room.
   * @param onSettled called once: true when the broker has it (QoS 1) or it was written (QoS 0), false when the
   *   connection ended before
   */
  publish(topic: string, text: string, how: Delivery, onSettled: (hasArrived: boolean) => void): void {
    const { client } = this;
    if (client === undefined) return onSettled(false);
    const settle = (hasArrived: boolean) => {
      if (!this.pending.delete(settle)) return;
      if (how.qos === 0 && this.client === client) this.isClogged = false;
      onSettled(hasArrived);
      this.options.onChange();
    };
    this.pending.add(settle);
    // At QoS 0 it is called back at once, or once a broker that reads slowly has taken what came before.
    client.publish(topic, text, how, (error) => settle(!error));
    this.isClogged = how.qos === 0 && this.pending.has(settle);
  }

  /** A broker that is away may be back: try now. */
  hurry(): void {
    this.pause.cut();
  }

  /** Says goodbye, where there is the time; then nothing of it keeps the process alive. */
  async end(giveUp: AbortSignal): Promise<void> {
    this.isEnded = true;
    this.pause.cut();
    const { client } = this;
    if (client !== undefined && !giveUp.aborted) {
      const closed = new Promise<void>((resolve) => client.once("close", resolve));
      client.end();
      await settledOrAborted(closed, giveUp);
    }
    this.finish({ kind: "lost", reason: "ended" });
  }

  /** From an attempt to its end. */
  private async connection(): Promise<Trouble> {
    const { target, credentials, statusTopic, clock, onUp } = this.options;
    // It takes long to load, for those who want no MQTT too long.
    const { connect } = await import("mqtt");
    return new Promise((resolve) => {
      const client = connect({
        protocol: target.isTls ? "mqtts" : "mqtt",
        host: target.host,
        port: target.port,
        clientId: this.clientId,
        ...(credentials.username === undefined ? {} : { username: credentials.username }),
        ...(credentials.password === undefined ? {} : { password: credentials.password }),
        clean: true,
        keepalive: KEEPALIVE_S,
        // Else a broker that has stopped would not be noticed while there is something to publish.
        reschedulePings: false,
        reconnectPeriod: 0,
        connectTimeout: NEVER_MS,
        queueQoSZero: false,
        resubscribe: false,
        will: { topic: statusTopic, payload: Buffer.from("offline"), qos: 1, retain: true },
        // Its own would print the password under DEBUG.
        log: () => {},
      });
      let isOver = false;
      const finish = (trouble: Trouble) => {
        if (isOver) return;
        isOver = true;
        cancel();
        this.client = undefined;
        this.isClogged = false;
        client.end(true);
        // Where it is being ended already that does nothing.
        client.stream.destroy();
        for (const settle of [...this.pending]) settle(false);
        resolve(trouble);
      };
      const cancel = after(clock, CONNACK_WITHIN_US, () => {
        finish({ kind: "silent", reason: "takes the connection and does not answer" });
      });
      this.finish = finish;
      client.on("connect", () => {
        if (isOver) return;
        cancel();
        this.client = client;
        onUp();
      });
      client.on("error", (error) => finish(troubleOf(error, this.isUp)));
      client.on("close", () =>
        finish({ kind: this.isUp ? "lost" : "away", reason: "has closed the connection" }),
      );
      if (this.isEnded) finish({ kind: "lost", reason: "ended" });
    });
  }
}

/** Codes of a CONNACK about who we are: bad user name or password, not authorised. */
const NOT_US = new Set<unknown>([4, 5]);

function troubleOf(error: Error, wasUp: boolean): Trouble {
  const code = "code" in error ? error.code : undefined;
  if (NOT_US.has(code)) return { kind: "refused", reason: "refuses our user name or password" };
  if (typeof code === "number")
    return { kind: "refused", reason: `refuses us (${printable(error.message)})` };
  const reason = `(${systemCode(error) ?? printable(error.message)})`;
  return wasUp
    ? { kind: "lost", reason: `was lost ${reason}` }
    : { kind: "away", reason: `is not reached ${reason}` };
}

import { after, type Cancel, type Clock } from "../core/clock.js";

/** A side that has sent nothing for this long sends a Heartbeat. */
export const HEARTBEAT_AFTER_US = 2_000_000;
/** A link without a byte from the peer for this long is dead. */
export const DEAD_AFTER_US = 10_000_000;
/** A look that comes so much later than it was due says that we stood still, not the peer. */
const LATE_US = 1_000_000;

/** What the monitor needs of the link that it watches. */
export interface WatchedLink {
  sendHeartbeat(): void;
  /** The peer has been silent for `silentUs` microseconds. */
  onDead(silentUs: number): void;
}

/** Keeps a link alive and notices when it is dead. Timers run only between `start` and `stop`. */
export class LinkMonitor {
  private lastSentUs = 0;
  private lastReceivedUs = 0;
  private cancels: Cancel[] = [];

  constructor(
    private readonly link: WatchedLink,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.stop();
    this.lastSentUs = this.lastReceivedUs = this.clock.nowUs();
    this.cancels = [];
    this.watchSent();
    this.watchReceived();
  }

  stop(): void {
    for (const cancel of this.cancels) cancel();
  }

  sent(): void {
    this.lastSentUs = this.clock.nowUs();
  }

  received(): void {
    this.lastReceivedUs = this.clock.nowUs();
  }

  private watchSent(): void {
    const silentUs = this.clock.nowUs() - this.lastSentUs;
    if (silentUs >= HEARTBEAT_AFTER_US) {
      this.link.sendHeartbeat();
      this.lastSentUs = this.clock.nowUs();
    }
    const leftUs = this.lastSentUs + HEARTBEAT_AFTER_US - this.clock.nowUs();
    this.cancels[0] = after(this.clock, leftUs, () => this.watchSent());
  }

  private watchReceived(): void {
    const dueUs = this.lastReceivedUs + DEAD_AFTER_US;
    this.cancels[1] = this.clock.at(dueUs, () => {
      const nowUs = this.clock.nowUs();
      // What came meanwhile (a laptop's lid, Ctrl-Z) is read after this.
      if (nowUs - dueUs >= LATE_US) this.lastReceivedUs = nowUs;
      const silentUs = nowUs - this.lastReceivedUs;
      if (silentUs >= DEAD_AFTER_US) this.link.onDead(silentUs);
      else this.watchReceived();
    });
  }
}

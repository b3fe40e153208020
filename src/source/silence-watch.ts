import type { Cancel, Clock } from "../core/clock.js";

/** A camera is stalled when it sends nothing for so long, microseconds, or for so many of its frames' periods. */
const STALLED = { us: 3_000_000, periods: 3 };
/** And not expected to go on after this. ffmpeg, asked to give up a little sooner, can say why. */
const DEAD = { us: 10_000_000, periods: 5 };
/** A timer that fires so late tells of us, not of the camera: its frames may lie there unread. */
const LATE_US = 500_000;

export interface SilenceListener {
  onSilence(silentUs: number): void;
  onDead(silentUs: number): void;
  onHeldUp(lateUs: number): void;
}

/** Looks whether frames keep coming. One timer, whatever the rate of the frames. */
export class SilenceWatch {
  private heardUs = 0;
  private stalledUs = STALLED.us;
  private deadUs = DEAD.us;
  private cancel: Cancel = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly listener: SilenceListener,
  ) {}

  /** @param fps the rate that is to be expected, if it is known */
  start(fps: number | null): void {
    const periodUs = fps === null ? 0 : 1e6 / fps;
    this.stalledUs = Math.max(STALLED.us, STALLED.periods * periodUs);
    this.deadUs = Math.max(DEAD.us, DEAD.periods * periodUs);
    this.heard();
    this.lookAt(this.heardUs + this.stalledUs);
  }

  /** A frame came. */
  heard(): void {
    this.heardUs = this.clock.nowUs();
  }

  stop(): void {
    this.cancel();
  }

  private lookAt(dueUs: number): void {
    this.cancel();
    this.cancel = this.clock.at(dueUs, () => this.look(dueUs));
  }

  private look(dueUs: number): void {
    const nowUs = this.clock.nowUs();
    const silentUs = nowUs - this.heardUs;
    if (silentUs < this.stalledUs) return this.lookAt(this.heardUs + this.stalledUs);
    if (nowUs - dueUs >= LATE_US) {
      this.heard();
      this.lookAt(this.heardUs + this.stalledUs);
      return this.listener.onHeldUp(nowUs - dueUs);
    }
    if (silentUs >= this.deadUs) return this.listener.onDead(silentUs);
    this.lookAt(this.heardUs + this.deadUs);
    this.listener.onSilence(silentUs);
  }
}

import { createHmac, randomUUID } from "node:crypto";
import { backoffMs } from "../../core/backoff.js";
import type { Clock } from "../../core/clock.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import { packageVersion } from "../../core/version.js";
import type { AgentEvent } from "../../results/agent-event.js";
import type { EventSink, EventSinkCounts } from "../event-sink.js";
import { ToldKinds } from "../told-kinds.js";
import { EventQueue } from "./event-queue.js";
import { eventText } from "./event-text.js";
import type { WebhookTarget } from "./event-target.js";
import { Outage } from "./outage.js";
import { Pause } from "./pause.js";
import { Turns } from "./turns.js";
import { type Answer, WebhookRequest } from "./webhook-request.js";
import { retryAfterMs, verdictOf } from "./webhook-verdict.js";

/** How often one event is sent to a receiver that is there and does not take it: it may be the event's fault. */
const MOST_TRIES = 12;

export interface WebhookOptions {
  readonly clock: Clock;
  readonly onNote: (text: string) => void;
  /** Key of the signature; without one nothing is signed. */
  readonly secret?: string | undefined;
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
}

/**
 * A POST for each event, in their order and one at a time; its body is the event's record. Headers:
 *
 * - `x-aiw-event` its name, `x-aiw-id` an id of its own that stays the same however often it is sent: a receiver
 *   that has seen it already may answer 200 and do nothing
 * - `x-aiw-timestamp` seconds since 1970, when this try was made
 * - `x-aiw-signature` "sha256=" and the HMAC-SHA256 of `TIMESTAMP.BODY` with the secret, hex. Each try has a
 *   timestamp of its own, so a receiver may refuse old ones.
 *
 * 2xx is taken. 408, 429, 5xx, no answer within 10 s and a connection that broke: sent again after a backoff with
 * full jitter, and not before Retry-After (up to 5 min) is over; dropped after 12 tries. A receiver that can't be
 * reached is waited for without end, since the queue is bounded. All else, redirects among it, is a refusal: the
 * event is dropped, and each status is told once, and anew when it comes back after an event was taken.
 */
export class WebhookSink implements EventSink {
  readonly name: string;
  private readonly queue = new EventQueue();
  private readonly turns = new Turns(() => this.work());
  private readonly requests: WebhookRequest;
  private readonly pause: Pause;
  private readonly outage: Outage;
  private readonly toldStatuses: ToldKinds;
  private readonly userAgent = `aiw/${packageVersion()}`;
  /** Since one was answered well; the longer, the longer is waited. */
  private failures = 0;
  private isAbandoned = false;
  private closed: Promise<void> | undefined;

  constructor(
    private readonly target: WebhookTarget,
    private readonly options: WebhookOptions,
  ) {
    this.name = target.name;
    this.requests = new WebhookRequest(target.url, options.clock);
    this.pause = new Pause(options.clock);
    this.toldStatuses = new ToldKinds(options.clock);
    this.outage = new Outage(this.name, options.onNote, () => this.queue.counts().dropped);
  }

  write(event: AgentEvent): void {
    if (!this.target.events.has(event.name)) return;
    this.queue.push(event);
    this.turns.wake();
  }

  counts(): EventSinkCounts {
    return this.queue.counts();
  }

  close(giveUp: AbortSignal): Promise<void> {
    return (this.closed ??= this.finish(giveUp));
  }

  private async finish(giveUp: AbortSignal): Promise<void> {
    this.queue.close();
    // Whoever was away may be back, and there may not be the time to wait until it is their turn.
    this.pause.cut();
    await settledOrAborted(this.turns.idle(), giveUp);
    this.isAbandoned = true;
    this.queue.abandon();
    this.requests.close();
    this.pause.cut();
  }

  private async work(): Promise<void> {
    for (;;) {
      const item = this.queue.take();
      if (item === undefined) return;
      if (await this.isTaken(item.event)) this.queue.deliver(item);
      else this.queue.drop(item);
    }
  }

  private async isTaken(event: AgentEvent): Promise<boolean> {
    const body = eventText(event);
    if (body === undefined) return false;
    const id = randomUUID();
    for (let tries = 0; tries < MOST_TRIES && !this.isAbandoned;) {
      const answer = await this.requests.post({ body, headers: this.headers(event, id, body) });
      if (answer.kind === "stale" || this.isAbandoned) continue;
      const verdict = answer.kind === "answered" ? verdictOf(answer.status) : "again";
      if (verdict !== "again") {
        this.failures = 0;
        this.outage.end();
        if (verdict === "taken") this.toldStatuses.goesWell();
        if (verdict === "refused" && answer.kind === "answered") this.tellRefusal(answer.status);
        return verdict === "taken";
      }
      if (answer.kind !== "away") tries += 1;
      this.tellOutage(answer);
      await this.pause.wait(this.waitUs(answer));
    }
    return false;
  }

  private headers(event: AgentEvent, id: string, body: string): Record<string, string> {
    const timestamp = String(Math.floor(this.options.clock.wallMs() / 1000));
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "user-agent": this.userAgent,
      "x-aiw-event": event.name,
      "x-aiw-id": id,
      "x-aiw-timestamp": timestamp,
    };
    const { secret } = this.options;
    if (secret !== undefined) {
      const digest = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
      headers["x-aiw-signature"] = `sha256=${digest}`;
    }
    return headers;
  }

  private waitUs(answer: Answer): number {
    const { clock, random } = this.options;
    const header = answer.kind === "answered" ? answer.retryAfter : undefined;
    const askedMs = retryAfterMs(header, clock.wallMs());
    const ownMs = backoffMs(this.failures, { random });
    this.failures += 1;
    return Math.ceil(Math.max(askedMs, ownMs) * 1000);
  }

  private tellOutage(answer: Answer): void {
    if (answer.kind === "stale") return;
    const reason =
      answer.kind === "answered" ? `answers ${answer.status}` : `does not answer (${answer.reason})`;
    this.outage.begin("away", `${reason}: events wait, and are sent again`);
  }

  private tellRefusal(status: number): void {
    if (!this.toldStatuses.isNews(status)) return;
    const redirect = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
    this.options.onNote(
      `${this.name} refuses events (${status})${redirect}: those that it refuses are dropped`,
    );
  }
}

import { type Clock, systemClock, waitUntil } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import { AiwError, type ErrorCode, toAiwError } from "../core/errors.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import { backoffMs } from "../core/backoff.js";
import { type ConnectOptions, type InitOptions, WorkerClient, type WorkerInfo } from "./worker-client.js";

/** One that refuses and says that trying again helps is tried for this long at the start, milliseconds. */
const REFUSED_FOR_MS = 10_000;

/** What is lost in a way that another connection may mend; all else is final. */
const MENDABLE: ReadonlySet<ErrorCode> = new Set([
  "WORKER_UNREACHABLE",
  "WORKER_LOST",
  "WORKER_TIMEOUT",
  "WORKER_START",
  "PROTOCOL",
]);

/** How long another connection may take to open, milliseconds: a host that is gone never refuses. */
const ATTEMPT_MS = 5_000;

/**
 * Opens a connection; one attempt.
 * @param lost why the one before is gone; undefined for the first, which may try for longer
 */
export type Dial = (signal: AbortSignal, lost: AiwError | undefined) => Promise<WorkerClient>;

/** Dials one endpoint: for up to 10 s at first, and with one attempt each time that the link was lost. */
export function dialTo(options: ConnectOptions): Dial {
  return (signal, lost) =>
    lost === undefined
      ? WorkerClient.connect({ ...options, signal })
      : WorkerClient.connectOnce({ ...options, signal }, ATTEMPT_MS);
}

export interface ReconnectOptions {
  readonly dial: Dial;
  /** How long an absent worker is tried for before it is lost for good, milliseconds; 0 = not at all. */
  readonly giveUpAfterMs: number;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Told when the link is away, and of each attempt that failed. */
  readonly onAway?: (why: AiwError) => void;
  readonly onBack?: (info: WorkerInfo) => void;
}

interface Events {
  result: FrameAnswer;
  credit: undefined;
  cut: AiwError;
  lost: AiwError;
}

/** - `opening`: no session yet, so a loss is final · `linked` · `away`: being dialled · `lost`, `closed`: for good */
export type LinkState = "opening" | "linked" | "away" | "lost" | "closed";

/** What is told of a way to a worker; ReconnectingClient satisfies it. */
export interface LinkFigures {
  readonly linkState: LinkState;
  /** Inits that the worker has accepted. */
  readonly inits: number;
  /** How often the link was lost and came back. */
  readonly reconnects: number;
}

/**
 * A client whose link may be lost and come back. It dials again with exponential backoff and full jitter,
 * which start over with each session, and repeats the last Init, with the session's id, before any frame.
 * - never reached: the first dial's WORKER_UNREACHABLE
 * - was reached and lost: `lost` is a WORKER_LOST that names both what broke the link and the last attempt
 * - refused: `lost` is the worker's own refusal; one that trying again may mend is tried again, not before the
 *   time that the worker named
 */
export class ReconnectingClient implements FrameSink {
  private state: LinkState = "opening";
  private lostBy: AiwError | undefined;
  private accepted: InitOptions | undefined;
  /** What the worker said to `accepted`, when it was new. */
  private acceptedInfo: WorkerInfo | undefined;
  /** What was accepted before that. */
  private former: { readonly accepted: InitOptions; readonly info: WorkerInfo } | undefined;
  /** False once the worker said that it does not know the session any more. */
  private hasSession = true;
  private count = 0;
  private accepts = 0;
  private readonly stop = new AbortController();
  private readonly events = new Emitter<Events>();
  private readonly clock: Clock;
  private readonly random: () => number;

  private constructor(
    private client: WorkerClient,
    private readonly options: ReconnectOptions,
  ) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.listen(client);
  }

  /** @throws what the first dial throws */
  static async connect(options: ReconnectOptions, signal?: AbortSignal): Promise<ReconnectingClient> {
    const client = await options.dial(signal ?? new AbortController().signal, undefined);
    return new ReconnectingClient(client, options);
  }

  /**
   * Opens the session, or changes its settings; what was accepted last is repeated on every later connection.
   * A refusal that trying again may mend is tried again for 10 s.
   * @throws WORKER_REFUSED with the worker's reason, WORKER_LOST
   */
  async init(options: InitOptions): Promise<WorkerInfo> {
    const giveUpUs = this.clock.nowUs() + REFUSED_FOR_MS * 1000;
    for (let tries = 0; ; tries++) {
      try {
        const info = await this.client.init(this.withSession(options));
        this.accepts++;
        if (this.accepted !== undefined && this.acceptedInfo !== undefined)
          this.former = { accepted: this.accepted, info: this.acceptedInfo };
        this.accepted = options;
        this.acceptedInfo = info;
        if (this.state === "opening") this.state = "linked";
        return info;
      } catch (thrown) {
        const error = toAiwError(thrown);
        const { retryAfterMs } = error;
        const dueUs = this.clock.nowUs() + Math.ceil(((retryAfterMs ?? 0) + this.backoffMs(tries)) * 1000);
        if (retryAfterMs === undefined || dueUs > giveUpUs) throw error;
        // The worker may be about to close its side, which is no loss then.
        if (this.state === "opening") void this.client.shutdown();
        await waitUntil(this.clock, dueUs, this.stop.signal);
        if (this.stop.signal.aborted) throw error;
        if (this.state === "opening") await this.openAnother(error);
      }
    }
  }

  /** What was accepted last is not wanted after all: later connections repeat what was accepted before it. */
  takeBack(): void {
    if (this.former === undefined) return;
    this.accepted = this.former.accepted;
    this.acceptedInfo = this.former.info;
    this.former = undefined;
  }

  /** What InitOk said last; undefined before the first. */
  get info(): WorkerInfo | undefined {
    return this.client.info;
  }

  get isLocal(): boolean {
    return this.client.isLocal;
  }

  get lost(): AiwError | undefined {
    return this.lostBy;
  }

  /** How often the link was lost and came back. */
  get reconnects(): number {
    return this.count;
  }

  /** How many Inits the worker has accepted. */
  get inits(): number {
    return this.accepts;
  }

  get linkState(): LinkState {
    return this.state;
  }

  canSend(): boolean {
    return this.state === "linked" && this.client.canSend();
  }

  sendFrame(frame: OutgoingFrame): void {
    this.client.sendFrame(frame);
  }

  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe {
    return this.events.on("result", listener);
  }

  onCredit(listener: () => void): Unsubscribe {
    return this.events.on("credit", listener);
  }

  onCut(listener: (why: AiwError) => void): Unsubscribe {
    return this.events.on("cut", listener);
  }

  onLost(listener: (error: AiwError) => void): Unsubscribe {
    return this.events.on("lost", listener);
  }

  /** Ends the session and the attempts to reach the worker; idempotent. */
  async shutdown(): Promise<void> {
    this.state = "closed";
    this.stop.abort();
    await this.client.shutdown();
  }

  private listen(client: WorkerClient): void {
    client.onResult((answer) => this.events.emit("result", answer));
    client.onCredit(() => this.canSend() && this.events.emit("credit", undefined));
    client.onLost((error) => this.onLinkLost(client, error));
  }

  private async openAnother(refused: AiwError): Promise<void> {
    this.client = await this.options.dial(this.stop.signal, refused);
    this.listen(this.client);
  }

  private onLinkLost(client: WorkerClient, error: AiwError): void {
    if (client !== this.client) return;
    if (this.state === "linked" && this.options.giveUpAfterMs > 0) {
      this.state = "away";
      this.events.emit("cut", error);
      void this.comeBack(error).catch((thrown: unknown) => this.lose(toAiwError(thrown)));
    } else if (this.state === "linked" || this.state === "opening") this.lose(error);
  }

  private async comeBack(lost: AiwError): Promise<void> {
    const giveUpUs = this.clock.nowUs() + this.options.giveUpAfterMs * 1000;
    let last = lost;
    let isAtOnce = false;
    for (let tries = 0; ; tries++) {
      this.options.onAway?.(last);
      const waitMs = isAtOnce ? 0 : (last.retryAfterMs ?? 0) + this.backoffMs(tries);
      const dueUs = this.clock.nowUs() + Math.ceil(waitMs * 1000);
      await waitUntil(this.clock, Math.min(dueUs, giveUpUs), this.stop.signal);
      if (this.stop.signal.aborted) return;
      try {
        return await this.takeUp(last);
      } catch (thrown) {
        if (this.stop.signal.aborted) return;
        last = toAiwError(thrown);
      }
      // The worker is there, and a new session is to be had.
      isAtOnce = isOfSession(last) && this.hasSession;
      if (isOfSession(last)) this.hasSession = false;
      if (!isMendable(last)) return this.lose(last);
      if (this.clock.nowUs() >= giveUpUs) return this.lose(this.forGood(lost, last, tries + 1));
    }
  }

  /** One attempt to have the session again. */
  private async takeUp(lost: AiwError): Promise<void> {
    const { accepted, acceptedInfo } = this;
    if (accepted === undefined || acceptedInfo === undefined) throw lost;
    const client = await this.options.dial(this.stop.signal, lost);
    const onStop = () => void client.shutdown();
    this.stop.signal.addEventListener("abort", onStop);
    try {
      if (this.stop.signal.aborted) throw lost;
      const info = await client.init(this.withSession(accepted));
      this.hasSession = true;
      this.accepts++;
      refuseAnotherModel(acceptedInfo, info);
      this.client = client;
      this.listen(client);
      this.state = "linked";
      this.count++;
      this.options.onBack?.(info);
    } catch (error) {
      void client.shutdown();
      throw error;
    } finally {
      this.stop.signal.removeEventListener("abort", onStop);
    }
    // It may be gone again: between its Ready and now nobody listened.
    if (client.lost !== undefined) this.onLinkLost(client, client.lost);
    else if (this.canSend()) this.events.emit("credit", undefined);
  }

  private withSession(options: InitOptions): InitOptions {
    const sessionId = this.hasSession ? this.client.info?.sessionId : undefined;
    return { ...options, sessionId: sessionId ?? "" };
  }

  private backoffMs(tries: number): number {
    return backoffMs(tries, { random: this.random });
  }

  private forGood(lost: AiwError, last: AiwError, attempts: number): AiwError {
    const within = `${attempts} attempts within ${this.options.giveUpAfterMs / 1000} s`;
    const message = `${lost.message}, and did not come back in ${within}; the last: ${last.message}`;
    return new AiwError("WORKER_LOST", message, { cause: last });
  }

  private lose(error: AiwError): void {
    if (this.state === "lost" || this.state === "closed") return;
    this.state = "lost";
    this.lostBy = error;
    this.stop.abort();
    this.events.emit("lost", error);
  }
}

function isMendable(error: AiwError): boolean {
  if (error.code !== "WORKER_REFUSED") return MENDABLE.has(error.code);
  return error.retryAfterMs !== undefined || isOfSession(error);
}

/** The session cannot be taken up (its grace time is over); a new one can be had. */
function isOfSession({ workerName }: AiwError): boolean {
  return workerName?.startsWith("SESSION_") ?? false;
}

/** Results of two models in one run would be told as one model's. */
function refuseAnotherModel(before: WorkerInfo, now: WorkerInfo): void {
  if (before.modelId === now.modelId || before.modelId === "" || now.modelId === "") return;
  const message = `the worker came back with another model under the same name (${now.modelId.slice(0, 12)}, not ${before.modelId.slice(0, 12)})`;
  throw new AiwError("WORKER_REFUSED", `${message}: start again to run that one`);
}

import { after, type Cancel, type Clock, systemClock } from "../core/clock.js";
import { Emitter, type Unsubscribe } from "../core/emitter.js";
import { AiwError } from "../core/errors.js";
import { WIRE_NAMES } from "../frame/pixel-format.js";
import type { FrameAnswer, FrameSink, OutgoingFrame } from "../pipeline/frame-sink.js";
import type { Detection } from "../results/detection.js";
import { encodeEnd, encodeFrameHeader, encodeInit } from "../wire/codec.js";
import type {
  ErrorMessage,
  InitOkMessage,
  InitRequest,
  ResultMessage,
  WireDetection,
  WorkerMessage,
} from "../wire/messages.js";
import { type Endpoint, nameOf, openTcp, staysHere, type TcpConnection } from "../wire/tcp.js";
import { type ReachOptions, reach } from "./reach.js";
import { type ClientEvent, type ClientState, isAllowed, nextState } from "./state.js";
import { WorkerLink } from "./worker-link.js";

export interface ConnectOptions extends Endpoint, ReachOptions {
  readonly clock?: Clock;
  /** What the worker asks its clients for. */
  readonly token?: string | undefined;
  /** Told of what is odd but harmless (an answer to a frame that was not sent). */
  readonly onWarning?: (message: string) => void;
}

/** What the worker said of itself and its model. */
export type WorkerInfo = Omit<InitOkMessage, "kind">;

export type InitOptions = Pick<InitRequest, "modelPath"> & Partial<Omit<InitRequest, "token">>;

interface Events {
  result: FrameAnswer;
  credit: undefined;
  lost: AiwError;
}

interface PendingFrame {
  readonly seq: number;
  readonly sentAtUs: number;
}

/** What has no answer after this long, microseconds, never gets one, although the link may be alive. */
const ANSWER_WITHIN_US = 60_000_000;
/** The same of an Init, for which a model is loaded: a large one for an accelerator takes minutes. */
const INIT_WITHIN_US = 300_000_000;

/** The states in which the worker owes something, and for how long. */
const OWED_WITHIN_US: Readonly<Partial<Record<ClientState, number>>> = {
  initialising: INIT_WITHIN_US,
  reinitialising: INIT_WITHIN_US,
  opening: ANSWER_WITHIN_US,
  inFlight: ANSWER_WITHIN_US,
  inFlightCredited: ANSWER_WITHIN_US,
  starved: ANSWER_WITHIN_US,
};

/**
 * One connection to a worker: window 1, so at most one frame is in flight. What may be sent when is
 * in state.ts; frames are written as a header and the untouched pixel buffer.
 */
export class WorkerClient implements FrameSink {
  private state: ClientState = "connected";
  private pending: PendingFrame | undefined;
  /** Stops the wait for what the worker owes. */
  private cancelWatch: Cancel = () => {};
  private pendingInit: { resolve(info: WorkerInfo): void; reject(error: AiwError): void } | undefined;
  private workerInfo: WorkerInfo | undefined;
  private lostBy: AiwError | undefined;
  /** What the worker said last about the connection as a whole. */
  private lastWords: string | undefined;
  private readonly events = new Emitter<Events>();
  private readonly link: WorkerLink;
  /** Whether the worker runs on this machine, no network between. */
  readonly isLocal: boolean;

  private constructor(
    connection: TcpConnection,
    private readonly endpoint: Endpoint,
    private readonly clock: Clock,
    private readonly token: string,
    private readonly warn: (message: string) => void,
  ) {
    this.isLocal = staysHere(connection.socket);
    this.link = new WorkerLink(connection, nameOf(endpoint), clock, {
      onMessage: (message) => this.receive(message),
      onLost: (how) => this.lose(how),
      onBroken: (error) => this.fail(error),
    });
  }

  /**
   * Connects, trying again for up to 10 s while nobody answers.
   * @throws WORKER_UNREACHABLE
   */
  static connect(options: ConnectOptions): Promise<WorkerClient> {
    const { clock = systemClock } = options;
    return reach((ms) => WorkerClient.connectOnce(options, ms), clock, options);
  }

  /**
   * Connects, or fails with the first reason.
   * @param withinMs longest wait for the worker
   * @throws WORKER_UNREACHABLE
   */
  static async connectOnce(options: ConnectOptions, withinMs: number): Promise<WorkerClient> {
    const { host, port, tls, signal, clock = systemClock, token = "", onWarning = () => {} } = options;
    const connection = await openTcp({ host, port, tls }, withinMs, signal);
    return new WorkerClient(connection, { host, port }, clock, token, onWarning);
  }

  /**
   * Opens a session with a model, or changes the session's settings; no frame may be in flight.
   * Resolves when the first frame may be sent.
   * @throws WORKER_REFUSED with the worker's reason, WORKER_LOST
   */
  async init(options: InitOptions): Promise<WorkerInfo> {
    if (this.lostBy !== undefined) throw this.lostBy;
    this.transition("sendInit");
    return new Promise((resolve, reject) => {
      this.pendingInit = { resolve, reject };
      this.link.send(
        encodeInit({
          width: 0,
          height: 0,
          confThreshold: 0.35,
          iouThreshold: 0.45,
          classes: [],
          clientId: "aiw",
          requireProvider: "",
          sessionId: "",
          priority: 0,
          ...options,
          token: this.token,
        }),
      );
    });
  }

  /** What InitOk said; undefined before the first. */
  get info(): WorkerInfo | undefined {
    return this.workerInfo;
  }

  get lost(): AiwError | undefined {
    return this.lostBy;
  }

  canSend(): boolean {
    return isAllowed(this.state, "sendFrame");
  }

  sendFrame(frame: OutgoingFrame): void {
    this.checkAccepted(frame);
    const header = encodeFrameHeader(
      {
        seq: frame.seq,
        timeIso: new Date(frame.wallMs).toISOString(),
        monoUs: frame.dueUs,
        width: frame.width,
        height: frame.height,
        pixelFormat: WIRE_NAMES[frame.format],
      },
      frame.data.length,
    );
    this.transition("sendFrame");
    this.pending = { seq: frame.seq, sentAtUs: this.clock.nowUs() };
    this.link.sendWithBuffer(header, frame.data, () => frame.release());
  }

  onResult(listener: (answer: FrameAnswer) => void): Unsubscribe {
    return this.events.on("result", listener);
  }

  onCredit(listener: () => void): Unsubscribe {
    return this.events.on("credit", listener);
  }

  onLost(listener: (error: AiwError) => void): Unsubscribe {
    return this.events.on("lost", listener);
  }

  /** Ends the session and closes the connection; idempotent. A frame in flight gets no answer. */
  async shutdown(): Promise<void> {
    if (this.state === "closed") return;
    this.transition("close");
    this.pendingInit?.reject(new AiwError("WORKER_LOST", "the client was shut down"));
    this.pendingInit = undefined;
    await this.link.end(encodeEnd());
  }

  private checkAccepted(frame: OutgoingFrame): void {
    const wireName = WIRE_NAMES[frame.format];
    const { maxFrameBytes = 0, pixelFormats = [] } = this.workerInfo ?? {};
    if (maxFrameBytes > 0 && frame.data.length > maxFrameBytes) {
      const message = `a frame of ${frame.width}x${frame.height} has ${frame.data.length} bytes, the worker takes ${maxFrameBytes}`;
      throw new AiwError("FRAME_TOO_LARGE", message);
    }
    // A worker that knows only the wire's table names no formats and takes RGB.
    if (wireName !== "RGB" && !pixelFormats.includes(wireName)) {
      const message = `the worker takes ${pixelFormats.join(", ") || "RGB"}, not ${wireName}: use --pixel-format rgb24`;
      throw new AiwError("USAGE", message);
    }
  }

  private receive(message: WorkerMessage): void {
    if (message.kind === "result") this.onResultMessage(message);
    else if (message.kind === "ready") this.onReady();
    else if (message.kind === "error") this.onErrorMessage(message);
    else if (message.kind === "initOk") this.onInitOk(message);
  }

  private onInitOk({ kind: _, ...info }: InitOkMessage): void {
    this.transition("initOk");
    this.workerInfo = info;
  }

  private onReady(): void {
    const pending = this.state === "opening" ? this.pendingInit : undefined;
    if (pending !== undefined) this.pendingInit = undefined;
    this.transition("ready");
    if (this.workerInfo !== undefined) pending?.resolve(this.workerInfo);
  }

  private onResultMessage(message: ResultMessage): void {
    const pending = this.pending;
    if (pending === undefined || pending.seq !== message.seq) {
      this.warn(`the worker answered frame ${message.seq}, which is not in flight`);
      return;
    }
    const detections = message.detections.filter(isFinite).map((d) => this.detection(d));
    this.answer(pending, "result", { detections }, message);
  }

  private onErrorMessage(message: ErrorMessage): void {
    const error = new AiwError(
      "WORKER_REFUSED",
      message.message || `the worker refused with code ${message.code}`,
      {
        ...(message.name === "" ? {} : { workerName: message.name }),
        retryAfterMs: message.retryAfterMs,
      },
    );
    const pending = this.pending;
    if (pending !== undefined && (message.seq ?? pending.seq) === pending.seq) {
      this.answer(pending, "frameError", { error }, undefined);
    } else if (this.pendingInit !== undefined && message.seq === undefined) {
      this.transition("initRefused");
      this.pendingInit.reject(error);
      this.pendingInit = undefined;
    } else {
      this.lastWords = message.message;
      this.warn(error.message);
    }
  }

  private answer(
    pending: PendingFrame,
    event: "result" | "frameError",
    outcome: FrameAnswer["outcome"],
    message: ResultMessage | undefined,
  ): void {
    this.pending = undefined;
    this.events.emit("result", {
      seq: pending.seq,
      sentAtUs: pending.sentAtUs,
      answeredAtUs: this.clock.nowUs(),
      outcome,
      stages: message?.stages,
      usage: message?.usage,
    });
    // After the listeners: the frame is accounted for before the credit lets the next one go.
    if (this.state !== "closed") this.transition(event);
  }

  private detection(wire: WireDetection): Detection {
    const classId = wire.classId ?? this.workerInfo?.classNames.indexOf(wire.className) ?? -1;
    const { className, confidence, box } = wire;
    return { className, classId, confidence, box, trackId: wire.trackId === "" ? null : wire.trackId };
  }

  private transition(event: ClientEvent): void {
    const couldSend = this.canSend();
    const before = this.state;
    this.state = nextState(before, event);
    if (this.state !== before) this.watchAnswer();
    if (this.canSend() && !couldSend) this.events.emit("credit", undefined);
  }

  private watchAnswer(): void {
    this.cancelWatch();
    const withinUs = OWED_WITHIN_US[this.state];
    this.cancelWatch =
      withinUs === undefined ? () => {} : after(this.clock, withinUs, () => this.onNoAnswer(withinUs));
  }

  private onNoAnswer(withinUs: number): void {
    const { host, port } = this.endpoint;
    const what =
      this.pending !== undefined
        ? `answered frame ${this.pending.seq}`
        : this.state === "opening" || this.state === "starved"
          ? "said Ready"
          : "answered Init";
    const message = `the worker at ${host}:${port} is alive but has not ${what} within ${withinUs / 1e6} s`;
    this.fail(new AiwError("WORKER_TIMEOUT", message));
  }

  private lose(how: string): void {
    const words = this.lastWords === undefined ? "" : `; its last words: ${this.lastWords}`;
    this.fail(
      new AiwError("WORKER_LOST", `the worker at ${this.endpoint.host}:${this.endpoint.port} ${how}${words}`),
    );
  }

  private fail(error: AiwError): void {
    if (this.state === "closed") return;
    this.transition("close");
    this.lostBy = error;
    this.link.close();
    this.pendingInit?.reject(error);
    this.pendingInit = undefined;
    this.pending = undefined;
    this.events.emit("lost", error);
  }
}

/** False for what a broken model gives (NaN, infinity): no record could hold it. */
function isFinite({ confidence, box }: WireDetection): boolean {
  return [confidence, box.x, box.y, box.w, box.h].every(Number.isFinite);
}

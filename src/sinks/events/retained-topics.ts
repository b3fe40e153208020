interface Retained {
  readonly topic: string;
  /** Made when it is published, so that what was passed over costs nothing. */
  readonly payload: () => string;
  state: "published" | "due" | "on its way" | "due again";
  /** Events that it tells of and that have not arrived: those to come, and those on their way. */
  waiting: number;
  sent: number;
  /** Once its payload, which is empty, has arrived, the broker keeps nothing of it. */
  readonly isLeaving: boolean;
}

export type RetainedTopic = Readonly<Pick<Retained, "topic" | "payload">>;

/**
 * What a broker keeps of each topic: only the last counts. After a connection was lost all of it is due anew, since
 * the broker may have lost it, or told others that we are gone.
 */
export class RetainedTopics {
  private readonly all = new Map<string, Retained>();
  private delivered = 0;
  private dropped = 0;
  private isClosed = false;

  /** Due at once. */
  add(topic: string, payload: () => string): void {
    this.put(topic, payload, false);
  }

  /** The broker is to keep nothing of it any more. */
  remove(topic: string): void {
    if (this.all.has(topic)) this.put(topic, () => "", true);
  }

  /** An event has changed what this topic says. */
  changed(topic: string): void {
    const found = this.all.get(topic);
    if (found === undefined || this.isClosed) {
      this.dropped += 1;
      return;
    }
    found.waiting += 1;
    this.again(topic);
  }

  /** To be published once more. */
  again(topic: string): void {
    const found = this.all.get(topic);
    if (found === undefined) return;
    found.state = found.state === "on its way" || found.state === "due again" ? "due again" : "due";
  }

  /** The next that is due, now on its way: never two of one topic, whose order could then not be told. */
  take(): RetainedTopic | undefined {
    for (const found of this.all.values()) {
      if (found.state !== "due") continue;
      found.state = "on its way";
      found.sent = found.waiting;
      found.waiting = 0;
      return found;
    }
    return undefined;
  }

  /** What was taken has arrived, or has not and is due again. */
  settle({ topic }: RetainedTopic, hasArrived: boolean): void {
    const found = this.all.get(topic);
    if (found === undefined) return;
    if (hasArrived) this.delivered += found.sent;
    else found.waiting += found.sent;
    found.sent = 0;
    if (found.isLeaving && hasArrived && found.state === "on its way") this.all.delete(topic);
    found.state = hasArrived && found.state === "on its way" ? "published" : "due";
  }

  /** A broker that knows nothing of us. */
  allDue(): void {
    for (const found of this.all.values()) if (found.state === "published") found.state = "due";
  }

  /** What is not delivered by now is not delivered any more. */
  abandon(): void {
    this.isClosed = true;
    this.dropped += this.waiting;
    for (const found of this.all.values()) found.waiting = found.sent = 0;
  }

  /** Of the events that these topics tell of. One that was passed over is delivered with what came after it. */
  counts(): { delivered: number; dropped: number; waiting: number } {
    return { delivered: this.delivered, dropped: this.dropped, waiting: this.waiting };
  }

  private put(topic: string, payload: () => string, isLeaving: boolean): void {
    const { waiting = 0, sent = 0, state: before = "due" } = this.all.get(topic) ?? {};
    const state = before === "on its way" || before === "due again" ? "due again" : "due";
    this.all.set(topic, { topic, payload, state, waiting, sent, isLeaving });
  }

  private get waiting(): number {
    let waiting = 0;
    for (const found of this.all.values()) waiting += found.waiting + found.sent;
    return waiting;
  }
}

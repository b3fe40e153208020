import { AiwError } from "../../core/errors.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import type { EventSink } from "../event-sink.js";
import { StdoutWriter } from "../stdout.js";
import { EventQueue } from "./event-queue.js";
import { eventText } from "./event-text.js";
import type { NdjsonTarget } from "./event-target.js";
import { Outage } from "./outage.js";
import { laterTurn, Turns } from "./turns.js";

/** Events that are written before the event loop has its turn. */
const PER_TURN = 16;

/**
 * Events on stdout, a line of JSON each. A reader that is slow costs events once a queue is full; one that is gone
 * costs all that follow. Both are counted, neither ends anything.
 */
export function openNdjsonStdout(
  { name, events }: NdjsonTarget,
  onNote: (text: string) => void,
  stdout: Pick<StdoutWriter, "write" | "caughtUp" | "flush"> = new StdoutWriter(),
): EventSink {
  const queue = new EventQueue();
  const outage = new Outage(name, onNote, () => queue.counts().dropped);
  const abandoned = new AbortController();
  const turns = new Turns(async () => {
    for (let written = 1; ; written += 1) {
      const item = queue.take();
      if (item === undefined) return;
      const text = eventText(item.event);
      try {
        if (text === undefined) {
          queue.drop(item);
          continue;
        }
        stdout.write(`${text}\n`);
        const caughtUp = stdout.caughtUp();
        if (caughtUp !== undefined) await settledOrAborted(caughtUp, abandoned.signal);
        queue.deliver(item);
      } catch (error) {
        const reason = error instanceof AiwError ? error.message : String(error);
        outage.begin("failed", `is written no more, its events are dropped: ${reason}`);
        queue.drop(item);
      }
      if (written % PER_TURN === 0) await laterTurn();
    }
  });
  let closed: Promise<void> | undefined;
  const finish = async (giveUp: AbortSignal) => {
    queue.close();
    await settledOrAborted(turns.idle(), giveUp);
    queue.abandon();
    abandoned.abort();
    // Whether its reader is gone was said when it was noticed.
    await settledOrAborted(
      stdout.flush().catch(() => {}),
      giveUp,
    );
  };

  return {
    name,
    write(event) {
      if (!events.has(event.name)) return;
      queue.push(event);
      turns.wake();
    },
    counts: () => queue.counts(),
    close: (giveUp) => (closed ??= finish(giveUp)),
  };
}

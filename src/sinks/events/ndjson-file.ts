import { fstatSync, ftruncateSync, write } from "node:fs";
import { promisify } from "node:util";
import type { Clock } from "../../core/clock.js";
import { systemCode } from "../../core/errors.js";
import { settledOrAborted } from "../../core/settled-or-aborted.js";
import type { EventSink } from "../event-sink.js";
import { AppendedFile } from "./appended-file.js";
import { EventQueue, type QueuedEvent } from "./event-queue.js";
import { eventText } from "./event-text.js";
import type { NdjsonTarget } from "./event-target.js";
import { Outage } from "./outage.js";
import { Pause } from "./pause.js";
import { Turns } from "./turns.js";

/** Most events of one write: what is made of them is made in one go, between two frames. */
const BATCH = 32;
/** How soon a pipe whose reader is slow is tried again, microseconds. */
const FULL_PIPE_US = 100_000;

export interface NdjsonFileOptions {
  readonly clock: Clock;
  readonly onNote: (text: string) => void;
}

/**
 * Events appended to a file, a line of JSON each. Written by the thread pool, whole lines in one call: who reads
 * the file sees no half line, whatever happens to us, and a disk that hangs holds up no frame. A write that fails
 * costs the events that were in it, which are counted; the file then ends where it did before. A file that was moved
 * away or deleted is made anew, see AppendedFile.
 * @throws OUTPUT_FAILED where it can't be opened
 */
export function openNdjsonFile(
  { place, name, events }: NdjsonTarget,
  options: NdjsonFileOptions,
  writeBytes = writeSome,
): EventSink {
  const file = AppendedFile.open(place, options.clock);
  const queue = new EventQueue();
  const pause = new Pause(options.clock);
  const outage = new Outage(name, options.onNote, () => queue.counts().dropped);
  let isAbandoned = false;

  const append = async (bytes: Buffer) => {
    const fd = await file.current();
    let written = 0;
    try {
      while (written < bytes.length) {
        const count = await writeBytes(fd, bytes, written);
        written += count;
        // A pipe whose reader has stopped reading: what is left of the line has to follow.
        if (count === 0 && isAbandoned) return;
        if (count === 0) await pause.wait(FULL_PIPE_US);
      }
    } catch (error) {
      takeBack(fd, written);
      throw error;
    }
  };
  const turns = new Turns(async () => {
    for (;;) {
      const batch = takeBatch(queue);
      if (batch.length === 0) return;
      try {
        await append(Buffer.from(linesOf(batch, queue)));
        for (const item of batch) queue.deliver(item);
        outage.end();
      } catch (error) {
        outage.begin("failed", `cannot be written (${systemCode(error) ?? "?"}): its events are dropped`);
        for (const item of batch) queue.drop(item);
      }
    }
  });
  let closed: Promise<void> | undefined;
  const finish = async (giveUp: AbortSignal) => {
    queue.close();
    await settledOrAborted(turns.idle(), giveUp);
    isAbandoned = true;
    queue.abandon();
    pause.cut();
    // Not before a write that is under way is over: the number would soon be another file's.
    const released = turns.idle().then(() => file.close());
    await settledOrAborted(released, giveUp);
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

function takeBatch(queue: EventQueue): QueuedEvent[] {
  const batch: QueuedEvent[] = [];
  while (batch.length < BATCH) {
    const item = queue.take();
    if (item === undefined) break;
    batch.push(item);
  }
  return batch;
}

function linesOf(batch: readonly QueuedEvent[], queue: EventQueue): string {
  let lines = "";
  for (const item of batch) {
    const text = eventText(item.event);
    if (text === undefined) queue.drop(item);
    else lines += `${text}\n`;
  }
  return lines;
}

/** Bytes that were taken; 0 where a pipe is full. */
async function writeSome(fd: number, bytes: Buffer, from: number): Promise<number> {
  try {
    return (await promisify(write)(fd, bytes, from)).bytesWritten;
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return 0;
    throw error;
  }
}

/** Takes the beginning of what could not be written away again; a pipe's is gone. */
function takeBack(fd: number, written: number): void {
  if (written === 0) return;
  try {
    const there = fstatSync(fd);
    if (there.isFile()) ftruncateSync(fd, there.size - written);
  } catch {
    // A disk that can't even do that: the error before is what people are told.
  }
}

import { expect, it, vi } from "vitest";
import { AiwError } from "../../core/errors.js";
import { AGENT_EVENT_NAMES } from "../../results/agent-event.js";
import { openNdjsonStdout } from "./ndjson-stdout.js";
import { atOnce, eventOf, never, signal } from "./testing.js";

/** A stdout whose reader has caught up, until the test says it has not. */
class FakeStdout {
  readonly lines: string[] = [];
  failure: AiwError | undefined;
  slow: Promise<void> | undefined;

  write(text: string): void {
    if (this.failure !== undefined) throw this.failure;
    this.lines.push(text);
  }
  caughtUp(): Promise<void> | undefined {
    return this.slow;
  }
  flush(): Promise<void> {
    return this.slow ?? Promise.resolve();
  }
}

function opened() {
  const stdout = new FakeStdout();
  const notes: string[] = [];
  const target = {
    kind: "ndjson" as const,
    name: "ndjson:-",
    place: "-",
    events: new Set(AGENT_EVENT_NAMES),
  };
  const sink = openNdjsonStdout(target, (text) => notes.push(text), stdout);
  return { stdout, notes, sink };
}

it("writes each event as a line, none within the call", async () => {
  const { stdout, sink } = opened();
  for (let n = 0; n < 50; n += 1) sink.write(eventOf("ai.detection", n));
  expect(stdout.lines).toEqual([]);
  await sink.close(never());
  expect(stdout.lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(
    Array.from({ length: 50 }, (_, n) => n),
  );
  expect(stdout.lines.every((line) => line.endsWith("}\n"))).toBe(true);
});

it("keeps a bounded number for a reader that is slow, and counts the others", async () => {
  const { stdout, sink, notes } = opened();
  const awake = signal();
  stdout.slow = awake.seen;
  sink.write(eventOf("session.open", 0));
  await vi.waitFor(() => expect(stdout.lines).toHaveLength(1));
  for (let n = 1; n <= 1500; n += 1) sink.write(eventOf("ai.detection", n));
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 501, waiting: 1000 });
  stdout.slow = undefined;
  awake.give();
  await sink.close(never());
  expect(sink.counts()).toEqual({ delivered: 1000, dropped: 501, waiting: 0 });
  expect(notes).toEqual([]);
});

it("drops all for a reader that is gone, and says so once", async () => {
  const { stdout, sink, notes } = opened();
  stdout.failure = new AiwError("OUTPUT_FAILED", "stdout cannot be written (EPIPE)");
  for (let n = 0; n < 40; n += 1) sink.write(eventOf("session.open", n));
  await sink.close(never());
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 40, waiting: 0 });
  expect(notes).toEqual([
    "ndjson:- is written no more, its events are dropped: stdout cannot be written (EPIPE)",
  ]);
});

it("lets go of a reader that takes nothing when there is no more time", async () => {
  const { stdout, sink } = opened();
  stdout.slow = new Promise(() => {});
  for (let n = 0; n < 3; n += 1) sink.write(eventOf("session.open", n));
  await vi.waitFor(() => expect(stdout.lines).toHaveLength(1));
  await sink.close(atOnce());
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 3, waiting: 0 });
});

import { createHmac } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AGENT_EVENT_NAMES, eventRecord } from "../../results/agent-event.js";
import { ManualClock } from "../../testing/manual-clock.js";
import { atOnce, eventOf, freePort, never, receiver, signal } from "./testing.js";
import { WebhookSink } from "./webhook.js";

const SECRET = "S3CR3T";
let clock: ManualClock;
let notes: string[];
let ends: (() => Promise<unknown>)[];
/** How often a wait before another try was begun. */
let waits: number;

beforeEach(() => {
  clock = new ManualClock();
  notes = [];
  ends = [];
  waits = 0;
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  // That of a request that was under way ends with it, in a moment.
  await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
  expect(notes.join("\n")).not.toContain(SECRET);
});

function open(url: string, secret?: string) {
  const sink = new WebhookSink(
    { kind: "webhook", name: "webhook:test", url: new URL(url), events: new Set(AGENT_EVENT_NAMES) },
    {
      clock,
      onNote: (text) => notes.push(text),
      secret,
      random: () => {
        waits += 1;
        return 0.5;
      },
    },
  );
  ends.push(() => sink.close(atOnce()));
  return sink;
}

async function serve(answer: (response: ServerResponse, n: number) => void) {
  const server = await receiver(answer);
  ends.push(() => server.close());
  return server;
}

const status = (response: ServerResponse, code: number, headers = {}) =>
  response.writeHead(code, headers).end("x");
const waiting = (times: number) => vi.waitFor(() => expect(waits).toBeGreaterThanOrEqual(times), 20_000);
const settled = (sink: WebhookSink) => vi.waitFor(() => expect(sink.counts().waiting).toBe(0), 20_000);

it("posts each event in order, signed, over one connection", async () => {
  const server = await serve((response) => status(response, 204));
  const sink = open(`${server.url}/hook?a=1`, SECRET);
  for (let n = 0; n < 5; n += 1) sink.write(eventOf("session.open", n));
  expect(server.received).toEqual([]);
  await sink.close(never());
  expect(server.received.map(({ body }) => JSON.parse(body) as object)).toEqual(
    [0, 1, 2, 3, 4].map((n) => eventRecord(eventOf("session.open", n))),
  );
  for (const { headers, body, url } of server.received) {
    expect(url).toBe("/hook?a=1");
    const timestamp = headers["x-aiw-timestamp"] as string;
    const digest = createHmac("sha256", SECRET).update(`${timestamp}.${body}`).digest("hex");
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "x-aiw-event": "session.open",
      "x-aiw-signature": `sha256=${digest}`,
    });
    expect(timestamp).toBe(String(Math.floor(clock.wallMs() / 1000)));
  }
  expect(new Set(server.received.map(({ headers }) => headers["x-aiw-id"])).size).toBe(5);
  expect(server.connections()).toBe(1);
  expect(sink.counts()).toEqual({ delivered: 5, dropped: 0, waiting: 0 });
  await vi.waitFor(() => expect(server.open()).toBe(0));
});

it("without a secret signs nothing; with a user in the URL says who it is", async () => {
  const server = await serve((response) => status(response, 200));
  const sink = open(server.url.replace("//", `//me:${SECRET}@`));
  sink.write(eventOf("session.open"));
  await sink.close(never());
  const { headers } = server.received[0]!;
  expect(headers["x-aiw-signature"]).toBeUndefined();
  expect(headers.authorization).toBe(`Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`);
});

it.each([408, 429, 500, 503])(
  "after a %i sends it again, with the same id and a time of its own",
  async (code) => {
    const server = await serve((response, n) => status(response, n < 2 ? code : 200));
    const sink = open(server.url, SECRET);
    sink.write(eventOf("session.open", 1));
    sink.write(eventOf("session.open", 2));
    // Full jitter: half of 0.5 s, then half of 1 s.
    await waiting(1);
    await clock.advanceBy(249_000);
    expect(server.received).toHaveLength(1);
    await clock.advanceBy(1_000);
    await waiting(2);
    await clock.advanceBy(500_000);
    await settled(sink);
    const [first, second, third, other] = server.received.map(({ headers, body }) => ({ headers, body }));
    expect(second!.headers["x-aiw-id"]).toBe(first!.headers["x-aiw-id"]);
    expect(third!.headers["x-aiw-id"]).toBe(first!.headers["x-aiw-id"]);
    expect(third!.body).toBe(first!.body);
    expect(Number(third!.headers["x-aiw-timestamp"])).toBe(Math.floor(clock.wallMs() / 1000));
    expect(other!.headers["x-aiw-id"]).not.toBe(first!.headers["x-aiw-id"]);
    expect(sink.counts()).toEqual({ delivered: 2, dropped: 0, waiting: 0 });
    expect(notes).toEqual([
      `webhook:test answers ${code}: events wait, and are sent again`,
      "webhook:test works again; dropped meanwhile: 0 events",
    ]);
  },
);

it.each([
  ["7", 7_000_000],
  ["99999", 300_000_000],
  ["soon", 250_000],
])("waits as Retry-After: %s asks, within bounds", async (asked, us) => {
  const server = await serve((response, n) =>
    status(response, n === 0 ? 429 : 200, { "retry-after": asked }),
  );
  const sink = open(server.url);
  sink.write(eventOf("session.open"));
  await waiting(1);
  await clock.advanceBy(us - 1000);
  expect(server.received).toHaveLength(1);
  await clock.advanceBy(1000);
  await settled(sink);
  expect(sink.counts().delivered).toBe(1);
});

it.each([400, 401, 404, 302, 307])(
  "drops what is refused with %i, says so once, and goes on",
  async (code) => {
    const other = await serve((response) => status(response, 200));
    const server = await serve((response, n) =>
      status(response, n < 2 ? code : 200, { location: other.url }),
    );
    const sink = open(server.url);
    for (let n = 0; n < 3; n += 1) sink.write(eventOf("session.open", n));
    await settled(sink);
    expect(sink.counts()).toEqual({ delivered: 1, dropped: 2, waiting: 0 });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(`refuses events (${code})`);
    expect(other.received).toEqual([]);
  },
);

it("says anew what is refused after one was taken in between, but not each time in a minute", async () => {
  const server = await serve((response, n) => status(response, n % 2 === 0 ? 400 : 200));
  const sink = open(server.url);
  for (let n = 0; n < 6; n += 1) sink.write(eventOf("session.open", n));
  await settled(sink);
  expect(notes).toHaveLength(1);
  await clock.advanceBy(60_000_000);
  for (let n = 0; n < 6; n += 1) sink.write(eventOf("session.open", n));
  await settled(sink);
  expect(sink.counts()).toEqual({ delivered: 6, dropped: 6, waiting: 0 });
  expect(notes).toHaveLength(2);
  expect(notes[1]).toBe(notes[0]);
});

it("gives an event up that is not taken in twelve tries, and sends the next", async () => {
  const server = await serve((response, n) => status(response, n < 12 ? 500 : 200));
  const sink = open(server.url);
  sink.write(eventOf("session.open", 1));
  sink.write(eventOf("session.open", 2));
  for (let n = 1; n <= 12; n += 1) {
    await waiting(n);
    await clock.advanceToNext();
  }
  await settled(sink);
  expect(sink.counts()).toEqual({ delivered: 1, dropped: 1, waiting: 0 });
});

it("waits for a receiver that is away, however often it has to try", async () => {
  const port = await freePort();
  const sink = open(`http://127.0.0.1:${port}/${SECRET}`);
  sink.write(eventOf("session.open"));
  for (let n = 1; n <= 20; n += 1) {
    await waiting(n);
    await clock.advanceToNext();
  }
  await waiting(21);
  expect(sink.counts().waiting).toBe(1);
  expect(notes).toEqual(["webhook:test does not answer (ECONNREFUSED): events wait, and are sent again"]);
});

describe("a receiver that", () => {
  it("never answers is given up in time, and asked again", async () => {
    const held = signal();
    const server = await serve((response, n) => (n === 0 ? held.give() : status(response, 200)));
    const sink = open(server.url);
    sink.write(eventOf("session.open"));
    await held.seen;
    await clock.advanceBy(9_999_999);
    expect(waits).toBe(0);
    await clock.advanceBy(1);
    await waiting(1);
    await clock.advanceToNext();
    await settled(sink);
    expect(sink.counts().delivered).toBe(1);
    expect(notes[0]).toBe(
      "webhook:test does not answer (no answer in time): events wait, and are sent again",
    );
  });

  it("closes the connection in place of an answer is asked again", async () => {
    const server = await serve((response, n) => (n === 0 ? response.destroy() : status(response, 200)));
    const sink = open(server.url);
    sink.write(eventOf("session.open"));
    await waiting(1);
    await clock.advanceToNext();
    await settled(sink);
    expect(sink.counts().delivered).toBe(1);
  });

  it("sends a body without end costs no more than its connection", async () => {
    const server = await serve((response, n) => {
      if (n > 0) return status(response, 200);
      response.writeHead(200);
      const more = () => {
        while (response.write("x".repeat(65536)));
      };
      response.on("drain", more).on("error", () => {});
      more();
    });
    const sink = open(server.url);
    sink.write(eventOf("session.open", 1));
    sink.write(eventOf("session.open", 2));
    await settled(sink);
    expect(sink.counts()).toEqual({ delivered: 2, dropped: 0, waiting: 0 });
    expect(server.connections()).toBe(2);
  });

  it("begins a body and stops has its status counted", async () => {
    const begun = signal();
    const server = await serve((response, n) => {
      if (n > 0) return status(response, 200);
      response.writeHead(200).write("x", () => begun.give());
    });
    const sink = open(server.url);
    sink.write(eventOf("session.open"));
    await begun.seen;
    // The wait for the answer is over, and that for its body's end has begun.
    await vi.waitFor(() => expect(clock.nextDueUs).toBe(clock.nowUs() + 1_000_000));
    await clock.advanceToNext();
    await settled(sink);
    expect(sink.counts().delivered).toBe(1);
    expect(server.received).toHaveLength(1);
  });

  it("closes connections that are idle is sent the next event over another", async () => {
    const server = await serve((response) => status(response, 200));
    const sink = open(server.url);
    sink.write(eventOf("session.open", 1));
    await settled(sink);
    for (const n of [2, 3, 4]) {
      server.cut();
      sink.write(eventOf("session.open", n));
      await settled(sink);
    }
    expect(sink.counts()).toEqual({ delivered: 4, dropped: 0, waiting: 0 });
    expect(waits).toBe(0);
  });
});

it("holds a bounded number of events, and drops what matters least", async () => {
  const server = await serve(() => {});
  const sink = open(server.url);
  sink.write(eventOf("session.open", 0));
  await vi.waitFor(() => expect(server.received).toHaveLength(1));
  sink.write(eventOf("session.close", 1));
  for (let n = 0; n < 5000; n += 1) sink.write(eventOf("ai.detection", n));
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 4002, waiting: 1000 });
  await sink.close(atOnce());
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 5002, waiting: 0 });
  await vi.waitFor(() => expect(server.open()).toBe(0));
});

it("tries once more at once when it is closed", async () => {
  const server = await serve((response, n) =>
    status(response, n === 0 ? 503 : 200, { "retry-after": "200" }),
  );
  const sink = open(server.url);
  sink.write(eventOf("session.open"));
  await waiting(1);
  await sink.close(never());
  expect(sink.counts()).toEqual({ delivered: 1, dropped: 0, waiting: 0 });
});

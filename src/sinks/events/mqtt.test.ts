import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EventSink } from "../event-sink.js";
import { authority, identity } from "../../testing/certificates.js";
import { ManualClock } from "../../testing/manual-clock.js";
import { type EventSinkOptions, openEventSink } from "./open-event-sink.js";
import { atOnce, eventOf, freePort, never, signal, TestBroker, transition } from "./testing.js";

let clock: ManualClock;
let notes: string[];
let broker: TestBroker;
let ends: (() => Promise<unknown>)[];
/** How often a wait before another try was begun. */
let waits: number;

beforeEach(async () => {
  clock = new ManualClock();
  notes = [];
  ends = [];
  waits = 0;
  broker = new TestBroker(await freePort());
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  await broker.stop();
  expect(clock.pendingTimers).toBe(0);
  expect(notes.join("\n")).not.toContain("S3CR3T");
});

function open(more = "", options: Partial<EventSinkOptions> = {}, port = broker.port): EventSink {
  const user = more.startsWith("@") ? "me:S3CR3T" : "";
  const sink = openEventSink(
    {
      kind: "mqtt",
      target: `//${user}${user === "" ? "" : "@"}127.0.0.1:${port}/yard${more.replace("@", "")}`,
    },
    {
      clock,
      onNote: (text) => notes.push(text),
      random: () => {
        waits += 1;
        return 0.5;
      },
      ...options,
    },
  );
  ends.push(() => sink.close(atOnce()));
  return sink;
}

const settled = (sink: EventSink) => vi.waitFor(() => expect(sink.counts().waiting).toBe(0), 20_000);
const waiting = (times: number) => vi.waitFor(() => expect(waits).toBeGreaterThanOrEqual(times), 20_000);
const last = (topic: string) =>
  JSON.parse(broker.payloads(topic).at(-1) ?? "null") as Record<string, unknown>;

it("publishes each kind where it belongs, as surely as it has to, and says goodbye", async () => {
  await broker.start();
  const sink = open();
  sink.write(eventOf("camera.state"));
  sink.write(eventOf("worker.state"));
  sink.write(eventOf("ai.detection", 1));
  sink.write(eventOf("session.open", 2));
  sink.write(transition("active"));
  sink.write(eventOf("ai.keepalive", 3));
  sink.write(eventOf("session.close", 4));
  await sink.close(never());
  expect(sink.counts()).toEqual({ delivered: 7, dropped: 0, waiting: 0 });
  // A broker may hand on those that it need not keep before those that it must.
  const seen = (qos: number) =>
    broker.packets.filter((packet) => packet.qos === qos).map(({ topic }) => topic);
  expect(seen(0).filter((topic) => topic.startsWith("yard"))).toEqual([
    "yard/front/detection",
    "yard/front/keepalive",
  ]);
  expect(seen(1).filter((topic) => topic.startsWith("yard/front"))).toEqual([
    "yard/front/state",
    "yard/front/session",
    "yard/front/session",
  ]);
  for (const { topic, retain } of broker.packets) {
    expect([topic, retain]).toEqual([topic, /^homeassistant|state$|status$/.test(topic)]);
  }
  expect(broker.payloads("yard/status")).toEqual(["online", "offline"]);
  expect(last("yard/front/state")).toMatchObject({
    presence: "ON",
    watch: "active",
    camera: "live",
    worker: "ready",
  });
  expect(last("yard/front/detection")).toMatchObject({ event: "ai.detection", seq: 1 });
  expect(notes).toEqual([]);
});

it("of states that changed while it was on its way publishes the last", async () => {
  await broker.start();
  const sink = open();
  for (const to of ["dwell", "active", "closing", "idle"] as const) sink.write(transition(to));
  await settled(sink);
  expect(broker.payloads("yard/front/state")).toHaveLength(1);
  expect(last("yard/front/state")).toMatchObject({ presence: "OFF", watch: "idle" });
  sink.write(transition("closing"));
  await settled(sink);
  expect(last("yard/front/state")).toMatchObject({ presence: "ON", watch: "closing" });
  expect(sink.counts().delivered).toBe(5);
});

it("keeps events, each within its bound, for a broker that is away at the start", async () => {
  const sink = open();
  await waiting(1);
  sink.write(eventOf("session.open", 0));
  for (let n = 0; n < 3000; n += 1) sink.write(eventOf("ai.detection", n));
  sink.write(eventOf("session.close", 1));
  for (let n = 0; n < 3000; n += 1) sink.write(transition(n % 2 === 0 ? "dwell" : "active"));
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 2002, waiting: 4000 });
  expect(notes).toEqual([
    `mqtt://127.0.0.1:${broker.port}/yard is not reached (ECONNREFUSED): events wait, and it is tried again`,
  ]);
  await broker.start();
  await clock.advanceToNext();
  await settled(sink);
  expect(sink.counts()).toEqual({ delivered: 4000, dropped: 2002, waiting: 0 });
  expect(
    broker.payloads("yard/front/session").map((text) => (JSON.parse(text) as { event: string }).event),
  ).toEqual(["session.open", "session.close"]);
  const seqs = broker
    .payloads("yard/front/detection")
    .map((text) => (JSON.parse(text) as { seq: number }).seq);
  expect(seqs).toEqual(Array.from({ length: 998 }, (_, n) => n + 2002));
  expect(notes[1]).toBe(`mqtt://127.0.0.1:${broker.port}/yard works again; dropped meanwhile: 2002 events`);
});

it("publishes what is retained anew for a broker that went and came back", async () => {
  await broker.start();
  const sink = open();
  sink.write(transition("active"));
  await settled(sink);
  await vi.waitFor(() => expect(broker.payloads("yard/status")).toEqual(["online"]));
  await broker.stop();
  await waiting(1);
  const before = broker.packets.length;
  await broker.start();
  sink.write(eventOf("session.open", 7));
  await clock.advanceToNext();
  await settled(sink);
  const since = broker.packets.slice(before).filter(({ topic }) => !topic.startsWith("$SYS"));
  expect(
    since.filter(({ topic }) => topic === "yard/status").map(({ payload }) => payload.toString()),
  ).toEqual(["online"]);
  expect(since.map(({ topic }) => topic).filter((topic) => topic !== "yard/status")).toEqual([
    "yard/front/state",
    "homeassistant/binary_sensor/aiw_yard_front/presence/config",
    "homeassistant/sensor/aiw_yard_front/watch/config",
    "homeassistant/sensor/aiw_yard_front/camera/config",
    "homeassistant/sensor/aiw_yard_front/worker/config",
    "yard/front/session",
  ]);
  expect(since.every(({ retain, qos, topic }) => qos === 1 && retain === !topic.endsWith("session"))).toBe(
    true,
  );
  expect(last("yard/front/state")).toMatchObject({ presence: "ON" });
  expect(notes.map((note) => note.replace(/^\S+ /, "").replace(/ \(.*\)/, ""))).toEqual([
    expect.stringMatching(/^(was lost|has closed the connection): events wait/),
    "works again; dropped meanwhile: 0 events",
  ]);
});

it("takes back all that is kept of a camera that is not watched any more, and no event of it", async () => {
  await broker.start();
  const sink = open();
  const of = (name: string) =>
    broker.packets.filter(({ topic, retain }) => retain && topic.includes(name)).map(({ topic }) => topic);
  sink.write(eventOf("camera.state", 0, "front"));
  sink.write(eventOf("camera.state", 1, "back"));
  await settled(sink);
  await vi.waitFor(() => expect([of("front").length, of("back").length]).toEqual([5, 5]));
  const kept = of("front");
  // One that waits is delivered, and does not bring it back.
  await broker.stop();
  await waiting(1);
  sink.write(eventOf("session.close", 2, "front"));
  sink.forgetCamera?.("front");
  broker.packets.length = 0;
  await broker.start();
  await clock.advanceToNext();
  await settled(sink);
  expect(broker.payloads("yard/front/session")).toHaveLength(1);
  await vi.waitFor(() => expect(of("front")).toEqual(kept));
  expect(kept.map((topic) => broker.payloads(topic))).toEqual(kept.map(() => [""]));
  await vi.waitFor(() => expect(of("back")).toHaveLength(5));
  // Anew where it is watched again, and not taken back once more.
  broker.packets.length = 0;
  sink.write(eventOf("camera.state", 3, "front"));
  await settled(sink);
  await vi.waitFor(() => expect(of("front")).toEqual(kept));
  expect(last("yard/front/state")).toMatchObject({ camera: "live" });
});

it("loses no session when connections are cut again and again", async () => {
  await broker.start();
  const sink = open();
  for (let n = 0; n < 60; n += 1) {
    sink.write(eventOf("session.open", n));
    if (n % 10 !== 9) continue;
    await vi.waitFor(() => expect(broker.open).toBe(1));
    const times = waits;
    broker.cut();
    await waiting(times + 1);
    await clock.advanceToNext();
  }
  await settled(sink);
  expect(sink.counts()).toEqual({ delivered: 60, dropped: 0, waiting: 0 });
  const sessions = broker
    .payloads("yard/front/session")
    .map((text) => (JSON.parse(text) as { session: string }).session);
  expect(new Set(sessions).size).toBe(60);
});

it("is said to be offline by the broker when it is gone without a goodbye", async () => {
  await broker.start();
  const sink = open();
  await vi.waitFor(() => expect(broker.payloads("yard/status")).toEqual(["online"]));
  await sink.close(atOnce());
  await vi.waitFor(() => expect(broker.payloads("yard/status")).toEqual(["online", "offline"]));
});

it("says that it is online again when a last will of before comes late", async () => {
  await broker.start();
  open();
  const said = (...texts: string[]) =>
    vi.waitFor(() => expect(broker.payloads("yard/status")).toEqual(texts), 20_000);
  await vi.waitFor(() => expect(broker.subscribed).toBe(1), 20_000);
  await said("online");
  broker.say("yard/status", "offline");
  await said("online", "offline", "online");
});

it("trusts no broker whose certificate it can't check, and shows it nothing", async () => {
  const { cert, key } = await identity(await authority(), ["127.0.0.1"]);
  let told = "";
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on("error", () => {}).on("data", (bytes: Buffer) => (told += bytes.toString("latin1")));
  }).listen(0, "127.0.0.1");
  server.on("tlsClientError", () => {});
  await once(server, "listening");
  ends.push(async () => {
    server.close();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  const sink = openEventSink(
    { kind: "mqtts", target: `//me:S3CR3T@127.0.0.1:${port}/yard` },
    { clock, onNote: (text) => notes.push(text), random: () => (waits += 1) * 0 },
  );
  await waiting(1);
  await sink.close(atOnce());
  expect(notes).toEqual([expect.stringMatching(/is not reached \([A-Z_]+\): events wait/)]);
  expect(told).toBe("");
});

describe("a broker that", () => {
  it("refuses who we are is told of once, and asked again", async () => {
    broker.lets = false;
    await broker.start();
    const sink = open("@");
    sink.write(eventOf("session.open"));
    for (let n = 1; n <= 3; n += 1) {
      await waiting(n);
      if (n < 3) await clock.advanceToNext();
    }
    expect(notes).toEqual([
      `mqtt://127.0.0.1:${broker.port}/yard refuses our user name or password: events wait, and it is tried again`,
    ]);
    expect(broker.asked[0]).toEqual(["me", "S3CR3T"]);
    broker.lets = true;
    await clock.advanceToNext();
    await settled(sink);
    expect(sink.counts().delivered).toBe(1);
  });

  it.each([
    ["", ["them", "other"]],
    ["@", ["me", "S3CR3T"]],
  ])("asks who we are is told by the URL, or else the environment (%j)", async (more, asked) => {
    await broker.start();
    open(more, { mqttCredentials: { username: "them", password: "other" } });
    await vi.waitFor(() => expect(broker.asked).toEqual([asked]));
  });

  it("takes the connection and says nothing is given up, told of once, and tried again", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on("error", () => {}).resume())).listen(
      0,
      "127.0.0.1",
    );
    await once(silent, "listening");
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      silent.close();
      await once(silent, "close");
    });
    const { port } = silent.address() as AddressInfo;
    const sink = open("", {}, port);
    sink.write(eventOf("session.open"));
    for (let n = 1; n <= 3; n += 1) {
      await vi.waitFor(() => expect(sockets).toHaveLength(n));
      await clock.advanceBy(9_999_999);
      await clock.advanceBy(1);
      await waiting(n);
      await clock.advanceToNext();
    }
    expect(notes).toEqual([
      `mqtt://127.0.0.1:${port}/yard takes the connection and does not answer: events wait, and it is tried again`,
    ]);
    await sink.close(atOnce());
    expect(sink.counts()).toEqual({ delivered: 0, dropped: 1, waiting: 0 });
    await vi.waitFor(() => expect(sockets.every((socket) => socket.destroyed)).toBe(true));
  });
});

it("waits for what is not delivered yet as long as it may, and no longer", async () => {
  const sink = open();
  await waiting(1);
  sink.write(eventOf("session.open"));
  const giveUp = new AbortController();
  let isClosed = false;
  const closed = sink.close(giveUp.signal).then(() => (isClosed = true));
  await waiting(2);
  expect(isClosed).toBe(false);
  giveUp.abort();
  await closed;
  expect(sink.counts()).toEqual({ delivered: 0, dropped: 1, waiting: 0 });
});

it("with nothing to deliver is closed at once, whether the broker is there or not", async () => {
  await open().close(never());
});

describe("discovery", () => {
  const configs = () => broker.packets.filter(({ topic }) => topic.endsWith("/config"));

  it("names the same ids at each start, and topics that are there", async () => {
    await broker.start();
    const starts: object[][] = [];
    for (let n = 0; n < 2; n += 1) {
      broker.packets.length = 0;
      const sink = open();
      sink.write(eventOf("camera.state", 0, "Front door"));
      sink.write(eventOf("camera.state", 1, "back"));
      await settled(sink);
      await vi.waitFor(() => expect(configs()).toHaveLength(8));
      await sink.close(never());
      starts.push(configs().map(({ topic, payload }) => ({ topic, payload: payload.toString() })));
    }
    expect(starts[1]).toEqual(starts[0]);
    const payloads = configs().map(
      ({ payload }) => JSON.parse(payload.toString()) as Record<string, unknown>,
    );
    expect(new Set(payloads.map((payload) => payload["unique_id"])).size).toBe(8);
    const topics = broker.packets.map(({ topic }) => topic);
    for (const payload of payloads) {
      expect(topics).toContain(payload["state_topic"]);
      for (const { topic } of payload["availability"] as { topic: string }[]) expect(topics).toContain(topic);
    }
  });

  it("has nobody believe in an absence that was not seen, nor in a state that was not told", async () => {
    await broker.start();
    const sink = open();
    sink.write(eventOf("camera.state"));
    await sink.close(never());
    await vi.waitFor(() => expect(configs()).toHaveLength(4));
    const [presence, ...sensors] = configs().map(
      ({ payload }) =>
        JSON.parse(payload.toString()) as {
          value_template: string;
          availability: { value_template?: string }[];
        },
    );
    // Jinja's, which Home Assistant renders.
    expect(presence!.availability.map((one) => one.value_template)).toEqual([
      undefined,
      "{{ 'offline' if value_json.camera in ['connecting', 'stalled', 'lost', 'ended'] " +
        "or value_json.worker in ['lost', 'gone'] else 'online' }}",
    ]);
    expect(sensors.map((sensor) => sensor.value_template)).toEqual([
      "{{ value_json.watch | default('None', true) }}",
      "{{ value_json.camera | default('None', true) }}",
      "{{ value_json.worker | default('None', true) }}",
    ]);
    expect(last("yard/front/state")).toMatchObject({ camera: "live", worker: null });
  });

  it("can be left out, or have topics of its own", async () => {
    await broker.start();
    const without = open("?discovery=0");
    without.write(eventOf("camera.state"));
    await without.close(never());
    expect(configs()).toEqual([]);
    const other = open("?discovery=ha");
    other.write(eventOf("camera.state"));
    await other.close(never());
    await vi.waitFor(() =>
      expect(configs().map(({ topic }) => topic.split("/")[0])).toEqual(["ha", "ha", "ha", "ha"]),
    );
  });
});

it("sends the events that were chosen, and the states always", async () => {
  await broker.start();
  const sink = open("#events=session.*");
  sink.write(eventOf("ai.detection"));
  sink.write(eventOf("camera.state"));
  sink.write(eventOf("session.open"));
  await sink.close(never());
  expect(sink.counts()).toEqual({ delivered: 2, dropped: 0, waiting: 0 });
  expect(broker.payloads("yard/front/detection")).toEqual([]);
});

it("does not send what a broker does not read, beyond a bound", async () => {
  // Lets us in, and then reads no more.
  const stuck = signal<Socket>();
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .once("data", () => {
        socket.write(Buffer.from([0x20, 2, 0, 0]));
        socket.pause();
        stuck.give(socket);
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const sink = open("", {}, (server.address() as AddressInfo).port);
  const socket = await stuck.seen;
  ends.push(async () => {
    socket.destroy();
    server.close();
    await once(server, "close");
  });
  // More than the kernel's buffers take.
  const large = eventOf("ai.detection");
  const big = { ...large, value: { ...large.value, camera: "c".repeat(60_000) } } as typeof large;
  let written = 0;
  await vi.waitFor(() => {
    for (let n = 0; n < 1100; n += 1) sink.write(big);
    written += 1100;
    const { delivered, dropped, waiting: waits } = sink.counts();
    expect(delivered + dropped + waits).toBe(written);
    expect(waits).toBe(1000);
    expect(dropped).toBeGreaterThan(0);
  }, 20_000);
});

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { isFailure, type SourceItem } from "../frame/frame.js";
import { ManualClock } from "../testing/manual-clock.js";
import type { CameraChange } from "./camera-state.js";
import { streamInput } from "./cameras.js";
import { openFfmpeg } from "./ffmpeg-source.js";
import { fakeFfmpeg, StillClock, sourceOptions, temporaryFolder } from "./testing.js";

const CAMERA = streamInput("rtsp://admin:secret@camera/live");
const NAME = "rtsp://***@camera/live";
const LIVE = 'header({ duration: "N/A", demuxer: "rtsp" });';
const STAY = "setInterval(() => {}, 1000);";

/**
 * A camera whose n-th run (from 0) does what the n-th body says, the last one for ever. `onOrder`, called
 * before anything is said, does something for each letter that `order` sends after that.
 */
async function camera(
  bodies: readonly string[],
  { waitUs = Number.POSITIVE_INFINITY, random = () => 1 } = {},
) {
  const folder = temporaryFolder();
  const [runsFile, orders] = [join(folder, "runs"), join(folder, "orders")];
  writeFileSync(orders, "");
  const binary = fakeFfmpeg(`
    const fs = require("node:fs");
    const n = fs.existsSync(${JSON.stringify(runsFile)}) ? Number(fs.readFileSync(${JSON.stringify(runsFile)})) : 0;
    fs.writeFileSync(${JSON.stringify(runsFile)}, String(n + 1));
    const onOrder = (take) => {
      let at = fs.readFileSync(${JSON.stringify(orders)}, "utf8").length;
      setInterval(() => {
        const text = fs.readFileSync(${JSON.stringify(orders)}, "utf8");
        for (const order of text.slice(at)) take(order);
        at = text.length;
      }, 5);
    };
    switch (Math.min(n, ${bodies.length - 1})) {
      ${bodies.map((body, n) => `case ${n}: { ${body} break; }`).join("\n")}
    }`);
  const clock = new ManualClock();
  const changes: CameraChange[] = [];
  const options = sourceOptions({
    ffmpeg: async () => binary,
    pixelFormat: "rgb24",
    clock,
    camera: { waitUs, random, onChange: (change) => changes.push(change) },
  });
  const source = await openFfmpeg(CAMERA, options);
  const items = source.frames();
  return {
    source,
    clock,
    changes,
    /** The first byte of the next frame. */
    next: async () => {
      const item = (await items.next()).value;
      return item === undefined ? -1 : firstByte(item);
    },
    items,
    runs: () => (existsSync(runsFile) ? Number(readFileSync(runsFile, "utf8")) : 0),
    order: (text: string) => appendFileSync(orders, text),
    /** Resolves once the camera has gone into this state, for the n-th time. */
    is: (state: string, times = 1) =>
      vi.waitFor(() => expect(changes.filter(({ to }) => to === state)).toHaveLength(times), 20_000),
  };
}

const firstByte = (item: SourceItem) => {
  if (isFailure(item)) return -1;
  item.release();
  return item.data[0] ?? -1;
};
const states = (changes: readonly CameraChange[]) => changes.map(({ to }) => to);

describe.skipIf(process.platform === "win32")("a camera that comes and goes", () => {
  it("goes on with the frames of its next run when its stream breaks, and says why it broke", async () => {
    const broken = `${LIVE} frame(1); say("[in#0/rtsp @ 0x1] [warning] Failed reading RTSP data: End of file");`;
    const { source, next, clock, changes, is } = await camera([broken, `${LIVE} frame(2); ${STAY}`]);
    expect(await next()).toBe(1);
    await is("lost");
    const second = next();
    await clock.advanceBy(500_000);
    expect(await second).toBe(2);
    await source.close();
    expect(states(changes)).toEqual(["live", "lost", "connecting", "live"]);
    expect(changes[0]).toMatchObject({ source: NAME, from: "connecting", text: "16x8 at 10 fps" });
    expect(changes[1]).toMatchObject({ from: "live" });
    expect(changes[1]?.text).toBe("ended after 1 frames: Failed reading RTSP data: End of file");
    expect(changes[1]?.detail).toContain("Failed reading RTSP data");
  });

  it("tells a stream that ends from one that breaks", async () => {
    const { source, next, clock, changes, is } = await camera([
      `${LIVE} frame(1);`,
      `${LIVE} frame(2); ${STAY}`,
    ]);
    await next();
    await is("ended");
    await clock.advanceBy(500_000);
    expect(await next()).toBe(2);
    await source.close();
    expect(changes[1]).toMatchObject({ to: "ended", text: "after 1 frame", isAwaited: true });
  });

  it("waits twice as long after each attempt, up to two seconds, and keeps the credentials to itself", async () => {
    const refused = 'say("[error] rtsp://admin:secret@camera/live: Connection refused"); process.exit(1);';
    const bodies = [`${LIVE} frame(1); process.exit(1);`, refused];
    const { source, next, clock, changes, is } = await camera(bodies);
    await next();
    for (let n = 1; n <= 5; n += 1) {
      await is("lost", n);
      await clock.advanceBy(2_000_000);
    }
    await is("lost", 6);
    const at = (state: string) => changes.filter(({ to }) => to === state).map(({ atUs }) => atUs);
    const waits = at("connecting").map((us, n) => (us - (at("lost")[n] ?? 0)) / 1e6);
    expect(waits).toEqual([0.5, 1, 2, 2, 2]);
    await source.close();
    expect(changes.at(-1)?.text).toBe(`cannot be opened: ${NAME}: Connection refused`);
    expect(JSON.stringify(changes)).not.toContain("secret");
  });

  it("is stalled when no frame comes, live with the next, and opened again when none comes at all", async () => {
    const body = `onOrder(() => frame(3)); ${LIVE} frame(1); ${STAY}`;
    const { source, next, clock, changes, is, order, runs } = await camera([body]);
    await next();
    await clock.advanceBy(3_000_000);
    expect(states(changes)).toEqual(["live", "stalled"]);
    expect(changes[1]?.text).toBe("no frame for 3 s");
    order("x");
    expect(await next()).toBe(3);
    await clock.advanceBy(10_000_000);
    await is("lost");
    expect(states(changes)).toEqual(["live", "stalled", "live", "stalled", "lost"]);
    expect(changes.at(-1)?.text).toBe("sent nothing more for 10 s");
    await clock.advanceBy(500_000);
    expect(await next()).toBe(1);
    expect(runs()).toBe(2);
    await source.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it("is blocked while its frames find no room", async () => {
    const body = `onOrder((order) => frame(Number(order))); ${LIVE} frame(1); ${STAY}`;
    const { source, next, clock, changes, order, is } = await camera([body]);
    await next();
    order("123");
    await vi.waitFor(() => expect(source.overruns?.()).toBe(1), 10_000);
    expect(states(changes)).toEqual(["live"]);
    await clock.advanceBy(1_000_000);
    order("4");
    await is("blocked");
    expect([await next(), await next()]).toEqual([3, 4]);
    order("5");
    expect(await next()).toBe(5);
    expect(states(changes)).toEqual(["live", "blocked", "live"]);
    await source.close();
  });

  it("does not take its own standstill for the camera's", async () => {
    const clock = new StillClock();
    const changes: CameraChange[] = [];
    const binary = fakeFfmpeg(`${LIVE} frame(1); ${STAY}`);
    const camera = { waitUs: 0, onChange: (change: CameraChange) => changes.push(change) };
    const options = { ffmpeg: async () => binary, pixelFormat: "rgb24", clock, camera } as const;
    const source = await openFfmpeg(CAMERA, sourceOptions(options));
    await source.frames().next();
    clock.advance(60_000_000);
    expect(changes.at(-1)).toMatchObject({ to: "blocked", text: "aiw itself stood still for 57 s" });
    await source.close();
  });

  it("is opened anew for frames of another shape", async () => {
    const line =
      "[vf#0:0 @ 0x1] [info] Reconfiguring filter graph because video parameters changed to yuv420p(pc, bt470bg), 16x16, x";
    const body = `onOrder(() => { say(${JSON.stringify(line)}); setTimeout(() => frame(9), 50); }); ${LIVE} frame(1); ${STAY}`;
    const { source, next, changes, order, is, runs } = await camera([body, `${LIVE} frame(2); ${STAY}`]);
    await next();
    order("x");
    await is("live", 2);
    expect(await next()).toBe(2);
    expect(states(changes)).toEqual(["live", "connecting", "live"]);
    expect(changes[1]?.text).toBe("its frames have 16x16 now");
    expect(runs()).toBe(2);
    await source.close();
  });

  it("is not waited for longer than was said", async () => {
    const refused = 'say("[error] Connection refused"); process.exit(1);';
    const bodies = [`${LIVE} frame(1); process.exit(1);`, refused];
    const { next, clock, changes, is, items } = await camera(bodies, { waitUs: 700_000 });
    await next();
    await is("lost");
    await clock.advanceBy(500_000);
    await is("lost", 2);
    const last = expect(items.next()).rejects.toMatchObject({
      code: "SOURCE_LOST",
      message: `${NAME} was away for 0.7 s: cannot be opened: Connection refused`,
    });
    await clock.advanceBy(200_000);
    await last;
    expect(states(changes)).toEqual(["live", "lost", "connecting", "lost"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("was never there when no frame ever came, however long it would be waited for", async () => {
    const { items, clock, changes } = await camera([`${LIVE} ${STAY}`]);
    const first = expect(items.next()).rejects.toMatchObject({ code: "SOURCE_LOST" });
    await clock.advanceBy(10_000_000);
    await first;
    expect(changes).toMatchObject([{ to: "lost", isAwaited: false }]);
  });

  it("stamps a frame when its last byte comes", async () => {
    const written = join(temporaryFolder(), "written");
    const write = `writeSync(1, Buffer.alloc(order === "a" ? 90 : 6, 1)); fs.writeFileSync(${JSON.stringify(written)}, "")`;
    const { source, clock, items, order } = await camera([
      `onOrder((order) => { ${write}; }); ${LIVE} ${STAY}`,
    ]);
    const startUs = clock.nowUs();
    order("a");
    await vi.waitFor(() => readFileSync(written), 10_000);
    // What lies in the socket is read in the next turn.
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    await clock.advanceBy(1_000_000);
    order("b");
    const frame = (await items.next()).value;
    if (frame === undefined || isFailure(frame)) throw new Error("no frame");
    expect(frame.capturedAtUs).toBe(startUs + 1_000_000);
    await source.close();
  });

  it("can be closed while it waits, and while it is opened", async () => {
    const bodies = [`${LIVE} frame(1);`, STAY];
    const { source, next, clock, is, runs } = await camera(bodies);
    await next();
    await is("ended");
    await clock.advanceBy(500_000);
    await vi.waitFor(() => expect(runs()).toBe(2), 10_000);
    const pending = next();
    await source.close();
    expect(await pending).toBe(-1);
    expect(clock.pendingTimers).toBe(0);
  });
});

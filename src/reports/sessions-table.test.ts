import { expect, it } from "vitest";
import type { StoredSession } from "../sinks/sessions/stored-session.js";
import { sessionCard } from "./session-card.js";
import { sessionsTable } from "./sessions-table.js";
import { byteSize, timeSpan } from "./sizes.js";

const ID = "20261126T100001Z-0aabbccdd0000001";
const PLAIN: StoredSession = {
  ...{ id: ID, folder: `/var/lib/aiw/sessions/${ID}`, state: "closed", camera: "door", reason: "silence" },
  ...{ startMs: Date.UTC(2026, 10, 26, 10), endMs: Date.UTC(2026, 10, 26, 10, 1, 5), results: 99, errors: 1 },
  ...{ byClass: { car: 3, person: 12 }, problem: null },
  record: {
    ...{ model_id: "ab".repeat(32), poster: "poster.jpg", frames: { not_recorded: 7, damaged: 1 } },
    latency_ms: { total: { count: 2, p50: 1, p90: 2, p95: 3, p99: 4, max: 5, mean: 6 }, wait: { count: 0 } },
  },
};
/** Everything as wide as it can be, and hostile. */
const WIDE: StoredSession = {
  ...PLAIN,
  ...{ camera: `rtsp://***@${"a-long-name.".repeat(9)}\u001b[31m`, reason: "disconnected" },
  ...{ endMs: Date.UTC(2027, 10, 26), results: 1e9, byClass: { ["traffic\nlight ".repeat(9)]: 1e9, car: 1 } },
};
const OPEN: StoredSession = { ...PLAIN, state: "open", endMs: null, reason: null, byClass: {} };
const DAMAGED: StoredSession = {
  ...PLAIN,
  state: "damaged",
  problem: `session.json is\u0007 ${"no ".repeat(40)}`,
};

it("is a table whose columns stand below each other, with the classes found most", () => {
  expect(sessionsTable([PLAIN, OPEN], { width: 80, idDigits: 8 }).split("\n")).toEqual([
    "id        camera  start (UTC)     length  reason   frames  classes",
    "0aabbccd  door    11-26 10:00:00    1:05  silence     100  person 12, car 3",
    "0aabbccd  door    11-26 10:00:00       –  open        100",
  ]);
  expect(sessionsTable([PLAIN], { idDigits: 8 }).split("\n")[1]).toBe(
    `${ID}  door    2026-11-26 10:00:00    1:05  silence     100  person 12, car 3`,
  );
});

it.each([60, 80, 120])(
  "is never wider than a terminal of %d columns, and shows nothing that it would obey",
  (width) => {
    const table = sessionsTable([PLAIN, WIDE, OPEN, DAMAGED], { width, idDigits: 16 });
    const lines = table.split("\n");
    expect(lines).toHaveLength(5);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(table.replaceAll("\n", "")).not.toMatch(/[\x00-\x1f]/);
    expect(lines[4]).toContain("damaged: sess");
  },
);

it("is a card with all that is known of one", () => {
  expect(sessionCard(PLAIN, 2_100_000).split("\n")).toEqual([
    `session     ${ID}`,
    "camera      door",
    "start       2026-11-26 10:00:00 UTC",
    "end         2026-11-26 10:01:05 UTC, after 1:05",
    "state       closed: silence",
    `model       ${"ab".repeat(32)}`,
    "frames      99 results, 1 error, 7 not recorded, 1 damaged line",
    "detections  15: person 12, car 3",
    "poster      poster.jpg",
    `folder      /var/lib/aiw/sessions/${ID}`,
    "size        2.1 MB",
    "latency, ms            p50       p90       p95       p99       max      mean",
    "  total               1.00      2.00      3.00      4.00      5.00      6.00",
  ]);
  const card = sessionCard(DAMAGED, "holds notes.txt");
  expect(card).toContain("session.json is? no");
  expect(card).toContain("size        holds notes.txt");
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(sessionCard(WIDE, 0).replaceAll("\n", "")).not.toMatch(/[\x00-\x1f]/);
});

it("says lengths and sizes in few digits", () => {
  expect([0, 59_999, 65_000, 3_725_000, 273_600_000].map(timeSpan)).toEqual([
    "0.0 s",
    "60.0 s",
    "1:05",
    "1:02:05",
    "3 d 04:00:00",
  ]);
  expect([0, 999, 1000, 2_100_000, 5e15].map(byteSize)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "2.1 MB",
    "5000.0 TB",
  ]);
});

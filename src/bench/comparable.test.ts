import { describe, expect, it } from "vitest";
import { measured, reportOf } from "../testing/measured-report.js";
import { type Comparable, comparableSchema, readComparable } from "./comparable.js";
import { differencesOf } from "./differences.js";

async function json(): Promise<Record<string, unknown>> {
  const { result } = await measured(() => 10_000, 10, 2_000_000);
  return JSON.parse(JSON.stringify(reportOf(result))) as Record<string, unknown>;
}

const read = (value: unknown) => readComparable(typeof value === "string" ? value : JSON.stringify(value));

describe("a report for a comparison", () => {
  it("is read with what the comparison looks at", async () => {
    const made = await json();
    expect(read(made)).toMatchObject({ report: { frames: made.frames, parts: made.parts } });
  });

  it("may be of an older aiw that knew less, or of a later one that knows more", async () => {
    const {
      parts: _,
      distribution: __,
      gates: ___,
      stability: ____,
      resources: _____,
      ...old
    } = await json();
    expect(read(old)).toHaveProperty("report");
    const { total } = old.latency_ms as { total: object };
    const least = { ...old, environment: {}, settings: {}, latency_ms: { total }, more: 1 };
    expect(read(least)).toHaveProperty("report");
  });

  it.each([
    ["", "is empty"],
    ["  \n", "is empty"],
    ["aiw: hello", 'is not JSON (it begins with "aiw: hello")'],
    ['{"schema": "aiw.bench/1"', "is not JSON"],
    ["[1]", 'is JSON, but no report: it has no schema "aiw.bench/1"'],
    ["null", "is JSON, but no report"],
    [{ schema: 7 }, "is JSON, but no report"],
    [{ schema: "aiw.bench/2" }, 'is of schema "aiw.bench/2", and this aiw reads "aiw.bench/1"'],
    [{ schema: "aiw.rates/1" }, 'is of schema "aiw.rates/1", not "aiw.bench/1"'],
    [{ schema: "aiw.bench/1" }, "is no whole aiw.bench/1 report: at time: "],
  ])("is not %j", (text, said) => {
    expect(read(text)).toEqual({ wrong: expect.stringContaining(said) as unknown });
  });

  it("names the place where it is not whole", async () => {
    const made = await json();
    expect(read({ ...made, latency_ms: { total: { count: "x" } } })).toEqual({
      wrong: expect.stringContaining("at latency_ms.total.count: ") as unknown,
    });
  });
});

describe("two reports differ", () => {
  const report = async (change: (of: Comparable) => Partial<Comparable> = () => ({})) => {
    const of = comparableSchema.parse(await json());
    return { ...of, ...change(of) };
  };

  it("not at all when they are of one machine and one command", async () => {
    expect(differencesOf(await report(), await report())).toEqual({ clashes: [], versions: [] });
  });

  it("in machine and settings, which clash, and in versions, which are compared", async () => {
    const head = await report(({ environment, settings }) => ({
      environment: { ...environment, cpu: "other", threads: null, aiw: "2", model_id: "0".repeat(64) },
      settings: { ...settings, fps: 5, classes: ["dog", "cat"] },
    }));
    expect(differencesOf(await report(), head)).toEqual({
      clashes: [
        { what: "cpu", base: "cpu", head: "other" },
        { what: "threads", base: "2", head: "none" },
        { what: "fps", base: "10", head: "5" },
        { what: "classes", base: "all", head: "dog,cat" },
      ],
      versions: [
        { what: "aiw", base: "1", head: "2" },
        { what: "model_id", base: "ab", head: "000000000000" },
      ],
    });
  });

  it("not in memory that one machine reports a little differently, nor in what one does not say", async () => {
    const memory = (memory_mb: number) =>
      report(({ environment }) => ({ environment: { ...environment, memory_mb } }));
    expect(differencesOf(await memory(16_000), await memory(16_100)).clashes).toEqual([]);
    expect(differencesOf(await memory(16_000), await memory(17_000)).clashes).toHaveLength(1);
    expect(differencesOf(await report(), await report(() => ({ environment: {} }))).clashes).toEqual([]);
  });

  it("in what frames were sent as, but not from an older aiw, which said what was asked for", async () => {
    const sent = (pixel_format: string) =>
      report(({ settings }) => ({ settings: { ...settings, pixel_format } }));
    expect(differencesOf(await sent("rgb24"), await sent("i420")).clashes).toHaveLength(1);
    expect(differencesOf(await sent("auto"), await sent("i420")).clashes).toEqual([]);
  });

  it("in that one ended early, and then also where both did", async () => {
    const early = await report(() => ({ ended_early: "interrupted" }));
    const whole = await report();
    expect(differencesOf(whole, early).clashes).toEqual([
      { what: "ended early", base: "no", head: "interrupted" },
    ]);
    expect(differencesOf(early, early).clashes).toHaveLength(1);
  });
});

import { describe, expect, it } from "vitest";
import type { BenchReport, JudgedGate, Timeline } from "../bench/report-schema.js";
import { parseGate } from "../config/gate.js";
import { LATENCIES } from "../results/latency.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { type Element, findAll, readMarkup } from "../testing/read-markup.js";
import { benchPage } from "./bench-page.js";
import { SPAN } from "./page/axis.js";

const FPS = 10;
/** The 21st frame, due 2 s after the start, takes 2 s. */
const FROZEN = { from: 2, to: 4 };
const GATES = ["p95<150ms", "drops<=5%", "inference.p50<60ms"].map((text) => parseGate(text));
const { result } = await measured((n) => (n === 20 ? 2_000_000 : 20_000 + n * 100), FPS, 10_000_000, {
  gates: GATES,
});
const REPORT = reportOf(result, FPS);

const named = (name: string) => (element: Element) => element.name === name;

function figure(page: string, title: string): Element {
  const figures = findAll(readMarkup(page), named("figure"));
  return figures.find((one) => findAll(one, named("strong"))[0]?.text === title)!;
}

function pathsOf(chart: Element, series: string): string[] {
  const plots = findAll(chart, ({ attributes }) => attributes["viewBox"] !== undefined);
  const groups = plots.flatMap((plot) =>
    findAll(plot, ({ attributes }) => attributes["class"] === `c-${series}`),
  );
  return groups.flatMap((group) => findAll(group, named("path"))).map(({ attributes }) => attributes["d"]!);
}

/** Where the label of a tick of the upward axis stands, percent from the top. */
function tickAt(chart: Element, label: string): number {
  const texts = findAll(chart, named("text"));
  const tick = texts.find(({ text, attributes }) => text === label && attributes["x"] === "-7");
  return Number.parseFloat(tick!.attributes["y"]!);
}

function sectionsOf(page: string): string[] {
  return findAll(readMarkup(page), named("h2")).map(({ text }) => text);
}

describe("the page of a bench", () => {
  const page = benchPage(REPORT);

  it("is well-formed, in a language, with a title and headings in their order", () => {
    const root = readMarkup(page);
    const [document] = root.children;
    expect(document).toMatchObject({ name: "html", attributes: { lang: "en" } });
    expect(findAll(root, named("title"))[0]?.text).toBe("fail: aiw bench m.onnx at 10 fps");
    expect(findAll(root, named("h1")).map(({ text }) => text)).toEqual(["aiw bench: \u2717 fail"]);
    expect(sectionsOf(page)).toEqual([
      ...["Gates", "Over time", "Distribution", "Latency by stage", "Frames", "Detections", "Resources"],
      ...["Stability", "Environment", "Settings"],
    ]);
  });

  it("loads nothing, runs nothing, and forbids both", () => {
    const metas = findAll(readMarkup(page), named("meta"));
    expect(metas[1]?.attributes).toEqual({
      "http-equiv": "Content-Security-Policy",
      content: "default-src 'none'; style-src 'unsafe-inline'",
    });
    expect(page).not.toMatch(/https?:|src=|href=|@import|url\(|<script|<link|javascript:| on\w+=/i);
  });

  it("stays small", async () => {
    const { result: long } = await measured((n) => 5000 + ((n * 7919) % 90_000), 30, 30_000_000);
    expect(reportOf(long, 30).timeline.offered).toHaveLength(240);
    expect(benchPage(reportOf(long, 30)).length).toBeLessThan(300_000);
  });

  it("says first why it failed", () => {
    const [why] = findAll(readMarkup(page), ({ attributes }) => attributes["class"] === "why");
    expect(findAll(why!, named("li")).map(({ text }) => text)).toEqual([
      '"p95<150ms" cannot be judged, of 130 samples needed there are 82',
      '"drops<=5%" does not hold, measured was 18 %',
    ]);
  });

  it("draws the gates of a latency at their limit, with their names", () => {
    for (const title of ["Latency", "Latency by percentile"]) {
      const chart = figure(page, title);
      const level = findAll(chart, ({ name, attributes }) => {
        return name === "line" && attributes["class"] === "level insufficient";
      });
      const at = level.map(({ attributes }) => Number.parseFloat(attributes["y1"]!));
      const [low, high] = [tickAt(chart, "100"), tickAt(chart, "200")];
      // The axis is logarithmic: what froze dwarfs the p95.
      expect(at[0]).toBeCloseTo(high + (low - high) * (1 - Math.log2(1.5)), 1);
      expect(findAll(chart, named("text")).map(({ text }) => text)).toContain("p95<150ms");
    }
  });

  it("draws those of the inference with its curve alone", () => {
    const names = (title: string) => findAll(figure(page, title), named("text")).map(({ text }) => text);
    expect(names("Latency by percentile")).toContain("inference.p50<60ms");
    expect(names("Latency")).not.toContain("inference.p50<60ms");
  });

  it("draws drops when the frames were due", () => {
    const [path] = pathsOf(figure(page, "Dropped frames and errors"), "latest_wins");
    const endS = REPORT.timeline.offered.length * REPORT.timeline.interval_s;
    const begins = [...path!.matchAll(/M([\d.]+),/g)].map(([, x]) => (Number(x) / SPAN) * endS);
    expect(begins.length).toBeGreaterThan(10);
    expect(Math.min(...begins)).toBeCloseTo(FROZEN.from, 1);
    expect(Math.max(...begins)).toBeLessThan(FROZEN.to);
    expect(Math.max(...begins)).toBeGreaterThan(FROZEN.to - 0.3);
  });

  it("leaves a gap where nothing came back", () => {
    const [line] = pathsOf(figure(page, "Latency"), "p50");
    expect(line!.match(/M/g)).toHaveLength(2);
    for (const path of pathsOf(figure(page, "Stages"), "inference")) expect(path.match(/M/g)).toHaveLength(2);
  });

  it("draws the percentiles ever further right and never lower", () => {
    for (const series of ["total", "inference"]) {
      const [path] = pathsOf(figure(page, "Latency by percentile"), series);
      const points = path!
        .slice(1)
        .split("L")
        .map((point) => point.split(",").map(Number));
      expect(points.length).toBeGreaterThan(50);
      for (const [i, [x, y]] of points.slice(1).entries()) {
        expect(x).toBeGreaterThan(points[i]![0]!);
        expect(y).toBeLessThanOrEqual(points[i]![1]!);
      }
      expect(points.at(-1)![0]).toBe(SPAN);
    }
  });

  it("names each chart for those who do not see it", () => {
    const charts = findAll(readMarkup(page), ({ name, attributes }) => {
      return name === "svg" && attributes["role"] === "img";
    });
    expect(charts).toHaveLength(5);
    for (const { attributes } of charts) expect(attributes["aria-label"]).toMatch(/\d/);
    expect(charts[1]?.attributes["aria-label"]).toBe("Lost frames over time, of 100: 18 latest wins.");
  });

  it("heads every row and column", () => {
    const root = readMarkup(page);
    for (const row of findAll(root, named("tr")))
      expect(row.children[0]?.attributes["scope"]).toMatch(/^(row|col)$/);
    for (const head of findAll(root, named("thead")))
      for (const cell of findAll(head, named("th"))) expect(cell.attributes["scope"]).toBe("col");
  });
});

describe("what is in a report", () => {
  const odd = `"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\u202e`;
  const gate = { gate: odd, value: 1, limit: 1, verdict: "fail", samples: 1, needed: 1 } as const;
  const truth = {
    precision: 1,
    recall: 1,
    mean_iou: 1,
    objects: 1,
    found: 1,
    false_positives: 0,
    ignored: 0,
  };
  const evil: BenchReport = {
    ...REPORT,
    time: odd,
    environment: { ...REPORT.environment, model: odd, cpu: odd, os: odd, runtime: odd, model_id: odd },
    settings: { ...REPORT.settings, source: odd, classes: [odd], worker: odd },
    frames: { ...REPORT.frames, dropped: { [odd]: 18 } },
    timeline: { ...REPORT.timeline, dropped: { [odd]: REPORT.timeline.dropped["latest_wins"]! } },
    detections: { total: 1, by_class: { [odd]: 1 } },
    truth: { ...truth, frames: 1, by_class: { [odd]: truth } },
    gates: [gate, { ...gate, gate: `p95<1ms ${odd}` }],
    ended_early: odd,
  };

  it("is never taken for markup", () => {
    const root = readMarkup(benchPage(evil));
    const plain = readMarkup(benchPage(REPORT));
    const kinds = (of: Element) => new Set(findAll(of, () => true).map(({ name }) => name));
    expect([...kinds(root)].filter((name) => !kinds(plain).has(name))).toEqual([]);
    const attributes = findAll(root, () => true).flatMap((element) => Object.keys(element.attributes));
    expect(attributes.filter((name) => name.startsWith("on"))).toEqual([]);
    // Shown as it is, but for the mark that turns the direction of writing.
    expect(root.text.split(odd.replace("\u202e", "?")).length).toBeGreaterThan(15);
  });
});

describe("with little or nothing measured", () => {
  const empty = { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 };
  const each = <T>(of: T) => Object.fromEntries(LATENCIES.map((name) => [name, of]));
  const judged: JudgedGate[] = REPORT.gates.map((one) => {
    return { ...one, value: null, samples: 0, verdict: "insufficient" };
  });
  const nothing = {
    ...REPORT,
    verdict: "fail",
    gates: judged,
    frames: { offered: 0, sent: 0, results: 0, errors: 0, in_flight: 0, dropped: {} },
    drop_rate: 0,
    fps: { offered: 0, achieved: 0 },
    latency_ms: each(empty),
    distribution: { ...REPORT.distribution, latency_ms: each([]) },
    timeline: slices(0),
    detections: { total: 0, by_class: {} },
    stability: { verdict: "not judged", windows: [] },
  } as unknown as BenchReport;
  const lost = {
    ...nothing,
    frames: { ...nothing.frames, offered: 2, dropped: { disconnected: 1 }, errors: 1 },
    drop_rate: 0.5,
    timeline: { ...slices(2), offered: [1, 1], errors: [0, 1], dropped: { disconnected: [1, 0] } },
  };
  const { transport: _, ...others } = REPORT.latency_ms;
  const unreported = Object.fromEntries(Object.keys(others).map((name) => [name, empty]));
  const old = {
    ...REPORT,
    gates: [],
    verdict: "pass",
    latency_ms: { ...REPORT.latency_ms, ...unreported, total: REPORT.latency_ms.total },
    distribution: {
      ...REPORT.distribution,
      latency_ms: { ...each([]), total: REPORT.distribution.latency_ms.total },
    },
  } as unknown as BenchReport;

  /** A timeline of slices in which nothing was due. */
  function slices(n: number): Timeline {
    const nulls = Array<null>(n).fill(null);
    const none = { mean: nulls, p50: nulls, p95: nulls, max: nulls };
    const zeros = Array<number>(n).fill(0);
    const latency_ms = each(none) as unknown as Timeline["latency_ms"];
    return { interval_s: 0.125, offered: zeros, results: zeros, errors: zeros, dropped: {}, latency_ms };
  }

  it.each([
    ["nothing was offered", nothing, "No frame was offered."],
    ["nothing came back", lost, "None of 2 frames gave a result."],
    ["the worker does not report its stages", old, "The worker does not report its stages."],
    ["it has no gates", { ...REPORT, gates: [], verdict: "pass" } as const, "No gate was asked for"],
    ["it ended early", { ...REPORT, ended_early: "interrupted" }, "It ended early: interrupted"],
  ])("is sensible where %s", (_, report, said) => {
    const page = benchPage(report);
    const root = readMarkup(page);
    expect(root.text).toContain(said);
    expect(page).not.toMatch(/NaN|Infinity|undefined|null|\[object/);
  });

  it("shows what was lost even where nothing came back", () => {
    expect(sectionsOf(benchPage(lost))).not.toContain("Distribution");
    const chart = figure(benchPage(lost), "Dropped frames and errors");
    expect(findAll(chart, named("li")).map(({ text }) => text.trim())).toEqual([
      "errors 1",
      "disconnected 1",
    ]);
  });

  it("is sensible with one frame, and with a rate at which most slices have none", async () => {
    for (const [fps, durationUs] of [
      [1, 1_000_000],
      [2, 10_000_000],
    ] as const) {
      const { result: few } = await measured(() => 30_000, fps, durationUs);
      const page = benchPage(reportOf(few, fps));
      expect(page).not.toMatch(/NaN|Infinity|undefined|null/);
      const [line] = pathsOf(figure(page, "Latency"), "p50");
      expect(line!.match(/M/g)).toHaveLength(1);
    }
  });
});

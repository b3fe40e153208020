import { describe, expect, it } from "vitest";
import { ratesReport } from "../bench/rates-report.js";
import type { BenchReport } from "../bench/report-schema.js";
import { parseGate } from "../config/gate.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { type Element, findAll, readMarkup } from "../testing/read-markup.js";
import { ratesPage } from "./rates-page.js";

const GATES = ["p95<80ms", "drops<=5%"].map((text) => parseGate(text));
const RATES = [5, 10, 20, 80];
const RUNS: BenchReport[] = [];
for (const fps of RATES) {
  const { result } = await measured(() => 40_000, fps, 20_000_000, { gates: GATES });
  RUNS.push(reportOf(result, fps));
}

const named = (name: string) => (element: Element) => element.name === name;

describe("the page of several rates", () => {
  const report = ratesReport(RUNS, "finished");
  const page = ratesPage(report);
  const root = readMarkup(page);

  it("says what was found, and why not more", () => {
    expect(findAll(root, named("h1"))[0]?.text).toBe("aiw bench: at most 20 fps");
    expect(root.text).toContain("20 fps is the highest that passes p95<80ms and drops<=5%");
    expect(root.text).toMatch(/At 80 fps .*"drops<=5%" does not hold, measured was [\d.]+ %/);
  });

  it("has a row for each rate with its verdict and its gates", () => {
    const [table] = findAll(root, named("table"));
    const [head, ...rows] = findAll(table!, named("tr")).map(({ children }) =>
      children.map(({ text }) => text),
    );
    expect(head?.slice(0, 2)).toEqual(["fps", "verdict"]);
    expect(head?.slice(-2)).toEqual(["p95<80ms", "drops<=5%"]);
    expect(rows.map(([fps]) => Number(fps))).toEqual(RATES);
    expect(rows.map(([, verdict]) => verdict)).toEqual(
      RUNS.map(({ verdict }) => expect.stringContaining(verdict)),
    );
    expect(rows.at(-1)?.[1]).toContain("fail");
    expect(rows.at(-1)?.at(-1)).toMatch(/^\d\d(\.\d+)? %$/);
  });

  it("draws a point for each rate, further right for each, drops below on the same axis", () => {
    const figures = findAll(root, named("figure"));
    expect(figures).toHaveLength(2);
    const places = figures.map((figure) => {
      const lines = findAll(figure, ({ attributes }) => /^M[^M]*L/.test(attributes["d"] ?? ""));
      return lines.map(({ attributes }) =>
        attributes["d"]!.slice(1)
          .split("L")
          .map((point) => Number(point.split(",")[0])),
      );
    });
    expect(places[0]).toHaveLength(3);
    for (const line of places.flat()) expect(line).toEqual(places[0]![0]);
    const [xs] = places[0]!;
    expect(xs).toHaveLength(RATES.length);
    expect(xs!.toSorted((a, b) => a - b)).toEqual(xs);
    // The rates double twice: equal steps where it is logarithmic.
    expect(xs![1]! - xs![0]!).toBeCloseTo(xs![2]! - xs![1]!, 0);
  });

  it("draws gates, and the highest rate that passes", () => {
    const texts = findAll(root, named("text")).map(({ text }) => text);
    expect(texts).toEqual(expect.arrayContaining(["p95<80ms", "drops<=5%"]));
    expect(texts.filter((text) => text === "20 fps passes")).toHaveLength(2);
  });

  it("loads and runs nothing", () => {
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/https?:|src=|href=|@import|url\(|<script|<link| on\w+=/i);
  });

  it("takes nothing in a report for markup", () => {
    const odd = "<script>alert(1)</script>";
    const [first] = RUNS;
    const gates = first!.gates.map((gate) => ({ ...gate, gate: `drops ${odd}` }));
    const environment = { ...first!.environment, model: odd };
    const evil = ratesPage(ratesReport([{ ...first!, gates, environment, ended_early: odd }], undefined));
    expect(evil).not.toContain("<script");
    expect(readMarkup(evil).text).toContain(`At 5 fps it ended early: ${odd}`);
  });

  it.each([
    ["no rate", [], undefined],
    ["one rate", RUNS.slice(0, 1), undefined],
    ["none that passes", RUNS.slice(3), "finished" as const],
    ["a search that was not finished", RUNS.slice(0, 1), "unfinished" as const],
    [
      "nothing came back",
      [{ ...RUNS[0]!, frames: { ...RUNS[0]!.frames, results: 0 }, gates: [] }],
      undefined,
    ],
  ])("is sensible with %s", (_, runs, capacity) => {
    const few = ratesPage(ratesReport(runs, capacity));
    readMarkup(few);
    expect(few).not.toMatch(/NaN|Infinity|undefined|null|\[object/);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { comparisonSchema } from "../bench/comparison-schema.js";
import type { BenchReport } from "../bench/report-schema.js";
import { measured, reportOf } from "../testing/measured-report.js";
import { TableWorker } from "../testing/table-worker.js";
import { aiw, BIN, childrenOf, type Finished, startAiw } from "./aiw.js";

const folder = mkdtempSync(join(tmpdir(), "aiw-compare-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);

type Change = Partial<{ [K in keyof BenchReport]: unknown }>;

/** Writes the report of a worker that takes so long for its nth frame, 10 a second for 32 s. */
async function stored(name: string, serviceUs: (n: number) => number, change: Change = {}): Promise<string> {
  const { result } = await measured(serviceUs, 10, 32_000_000);
  writeFileSync(at(name), JSON.stringify({ ...reportOf(result), ...change }));
  return at(name);
}

const steady = (us: number) => (n: number) => us + (n % 7) * 10;

function widest({ stderr }: Finished): number {
  return Math.max(
    ...stderr
      .split("\n")
      .filter((line) => !line.startsWith("aiw: "))
      .map((line) => line.length),
  );
}

describe("aiw compare", () => {
  it("finds two reports the same, and says what its bands do not cover", async () => {
    const [base, head] = [await stored("a.json", steady(20_000)), await stored("b.json", steady(20_300))];
    const result = await aiw(["compare", base, head, "--json", "-"]);
    expect(result.code, result.stderr).toBe(0);
    expect(widest(result)).toBeLessThanOrEqual(80);
    expect(result.stderr.replace(/\s+/g, " ")).toContain(
      "what the machine did between the runs is not in them",
    );
    const report = comparisonSchema.parse(JSON.parse(result.stdout));
    expect(report).toMatchObject({
      method: "stored",
      verdict: "same",
      max_regression: 0.05,
      differences: [],
    });
    expect(report.slice_s).toBeCloseTo(2, 6);
    expect(report.pairs).toHaveLength(16);
    expect(report.figures[0]).toMatchObject({ figure: "total.p2", verdict: "same", pairs: 16 });
  });

  it("exits 3 on a regression, and 0 on the same within a wider limit", async () => {
    const [base, head] = [await stored("c.json", steady(20_000)), await stored("d.json", steady(22_000))];
    const markdown = at("c.md");
    const worse = await aiw(["compare", base, head, "--markdown", markdown]);
    expect(worse.code).toBe(3);
    expect(worse.stderr).toMatch(
      /aiw: error REGRESSION: total p2 is worse by 10 %;.*; the limit is 5 %\.\n$/,
    );
    expect(worse.stdout).toBe("");
    expect(readFileSync(markdown, "utf8")).toContain("### aiw comparison: regress");
    const wide = await aiw(["compare", base, head, "--max-regression", "0.15", "--json", "-"]);
    expect(wide.code).toBe(0);
    expect(JSON.parse(wide.stdout)).toMatchObject({ verdict: "same", max_regression: 0.15 });
    const back = await aiw(["compare", head, base, "--json", "-"]);
    expect([back.code, JSON.parse(back.stdout).verdict]).toEqual([0, "better"]);
  });

  it("exits 3 on a scene of which less was found, whatever the latency", async () => {
    const truth = (recall: number) => {
      const found = {
        precision: 0.99,
        recall,
        mean_iou: 0.9,
        objects: 100,
        found: 90,
        false_positives: 1,
        ignored: 0,
      };
      return { truth: { ...found, frames: 320, by_class: {} } };
    };
    const base = await stored("e.json", steady(20_000), truth(0.95));
    const head = await stored("f.json", steady(15_000), truth(0.85));
    const { code, stderr } = await aiw(["compare", base, head]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/REGRESSION: recall is worse by 10.5 %/);
    expect(stderr).toMatch(/│ recall +│ 95.0 % │ 85.0 % │ +0.895 │ +exact │ regress/);
  });

  it("shows the percentiles of whole runs, and does not call it the same where the median has trebled", async () => {
    const slow = (share: number) => (n: number) => (n % 5 < share ? 60_000 : 20_000 + (n % 7) * 100);
    const base = await stored("m.json", slow(2));
    const head = await stored("n.json", slow(3));
    const p50 = (path: string) =>
      (JSON.parse(readFileSync(path, "utf8")) as BenchReport).latency_ms.total.p50.toFixed(2);
    expect([p50(base), p50(head)]).toEqual(["20.51", "60.00"]);
    const { code, stderr } = await aiw(["compare", base, head]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/│ total p50, ms +│ 20.51 │ 60.00 │ +2\.9\d\d │ .* │ regress/);
  });

  it("exits 3 where head gave no result at all, however few the frames", async () => {
    const base = await stored("o.json", steady(20_000));
    const { frames, latency_ms: latency } = JSON.parse(readFileSync(base, "utf8")) as BenchReport;
    const nothing = Object.fromEntries(
      Object.entries(latency).map(([name, summary]) => [name, { ...summary, count: 0 }]),
    );
    const head = await stored("p.json", steady(20_000), {
      ...{ latency_ms: nothing, distribution: undefined, parts: undefined },
      frames: { ...frames, results: 0, dropped: { latest_wins: frames.offered } },
    });
    const { code, stderr } = await aiw(["compare", base, head]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/REGRESSION: no result is worse by 100 points/);
  });

  it("exits 4 where the reports have no parts, and shows the ratios", async () => {
    const old = { parts: undefined, distribution: undefined };
    const [base, head] = [
      await stored("g.json", steady(20_000), old),
      await stored("h.json", steady(30_000), old),
    ];
    const { code, stderr } = await aiw(["compare", base, head]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/│ total p50, ms \* +│ .* 1\.\d+ │ +– │ unclear/);
    expect(stderr).toMatch(/COMPARISON_INSUFFICIENT: .*the reports have no parts/);
  });

  it("refuses reports of different machines or settings, says what differs, and judges them when told to", async () => {
    const base = await stored("i.json", steady(20_000));
    const { environment, settings } = JSON.parse(readFileSync(base, "utf8")) as BenchReport;
    const other = {
      environment: { ...environment, cpu: "other cpu", cores: 8, aiw: "2" },
      settings: { ...settings, conf: 0.5 },
    };
    const head = await stored("j.json", steady(20_000), other);
    const refused = await aiw(["compare", base, head]);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toBe(
      `aiw: error NOT_COMPARABLE: ${base} and ${head} differ in cpu (cpu, other cpu), cores (2, 8), conf (0.35, 0.5). Measure both in one job with aiw bench --against, or have them judged all the same with --allow-differences.\n`,
    );
    const allowed = await aiw(["compare", base, head, "--allow-differences"]);
    expect(allowed.code, allowed.stderr).toBe(0);
    expect(allowed.stderr).toContain("differs     cpu: cpu -> other cpu\n");
    expect(allowed.stderr).toContain("differs     aiw: 1 -> 2\n");
  });

  it("leaves alone the report that aiw.yaml names, and refuses to write over one that it reads", async () => {
    const [base, head] = [await stored("q.json", steady(20_000)), await stored("r.json", steady(20_000))];
    const before = readFileSync(head, "utf8");
    writeFileSync(at("aiw.yaml"), `json: ${head}\nmarkdown: ${base}\nmax_regression: 7%\n`);
    const compared = await aiw(["compare", base, head, "--config", at("aiw.yaml"), "--json", "-"]);
    expect(compared.code, compared.stderr).toBe(0);
    expect(JSON.parse(compared.stdout)).toMatchObject({ max_regression: 0.07 });
    symlinkSync(head, at("link.json"));
    for (const target of [head, at("link.json")]) {
      const { code, stderr } = await aiw(["compare", base, head, "--json", target]);
      expect(stderr).toBe(`aiw: error USAGE: --json ${target}: ${head} is read from there. See --help.\n`);
      expect(code).toBe(2);
    }
    expect(readFileSync(head, "utf8")).toBe(before);
  });

  it("warns of reports that were hours apart", async () => {
    const base = await stored("k.json", steady(20_000), { time: "2026-01-01T00:00:00.000Z" });
    const head = await stored("l.json", steady(20_000), { time: "2026-01-01T09:00:00.000Z" });
    const { code, stderr } = await aiw(["compare", base, head]);
    expect(code).toBe(0);
    expect(stderr).toContain("warning     the reports were begun 9 hours apart");
    expect((await aiw(["compare", base, base])).stderr).not.toContain("apart");
  });
});

const SMALL = ["bench", "--fps", "2", "--size", "64x48", "--duration", "2s", "--json", "-"];

describe("aiw bench --against", () => {
  let worker: TableWorker | undefined;
  afterEach(async () => {
    await worker?.close();
  });

  it("runs both sides in turns, finds less at a higher --conf, and exits 3", async () => {
    // One frame a slice: none can be late, however busy the machine is.
    const args = [
      "bench",
      "--fps",
      "1",
      "--duration",
      "4s",
      "--warmup",
      "0s",
      "--conf",
      "0.9",
      "--json",
      "-",
    ];
    const { code, stdout, stderr } = await aiw([...args, "--against", "--conf 0.35"]);
    const report = comparisonSchema.parse(JSON.parse(stdout));
    expect(report.pairs.map(({ first }) => first)).toEqual(["base", "head"]);
    expect(report).toMatchObject({
      ...{ method: "interleaved", slice_s: 1, verdict: "regress" },
      base: { name: "--conf 0.35", settings: { conf: 0.35, fps: 1, duration_s: 1 } },
      head: {
        name: "aiw bench --conf=0.9 --fps=1 --warmup=0s",
        settings: { conf: 0.9, fps: 1, duration_s: 1 },
      },
      differences: [{ what: "conf", base: "0.35", head: "0.9" }],
    });
    expect(report.figures.find(({ figure }) => figure === "recall")).toMatchObject({ verdict: "regress" });
    expect(code).toBe(3);
    expect(stderr).toMatch(/aiw: error REGRESSION: recall is worse by/);
    expect(stderr).toContain("differs     conf: 0.35 -> 0.9\n");
    // Six starts of a worker.
  }, 180_000);

  it("exits 4 with too few pairs, and says how long would do", async () => {
    worker = await TableWorker.start({});
    const remote = ["--worker", `127.0.0.1:${worker.port}`, "--model", "old.onnx"];
    const { code, stdout, stderr } = await aiw([...SMALL, ...remote, "--against", "--warmup 0s"]);
    expect(code, stderr).toBe(4);
    expect(stderr).toMatch(
      /COMPARISON_INSUFFICIENT: .* of 1 pair of slices; some 12 would do: --duration 24s/,
    );
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "insufficient", pairs_needed: 12 });
  });

  it("leaves alone what aiw.yaml says of benches by themselves, and writes none of their reports", async () => {
    worker = await TableWorker.start({});
    const files = { json: at("z.json"), markdown: at("z.md"), junit: at("z.xml"), html: at("z.html") };
    const config = [
      ...Object.entries(files).map(([kind, path]) => `${kind}: ${path}`),
      ...[`out: ndjson:${at("z.ndjson")}`, "frames: 1", "find_max: false", "sweep: fps=1,2"],
      ...["require_stable: true", "max_duration: 1s", 'gates: ["recall>=99%", p95<0.01ms]'],
      ...[`worker: 127.0.0.1:${worker.port}`, "model: old.onnx", "fps: 3"],
    ];
    writeFileSync(at("own.yaml"), config.join("\n"));
    // Of the whole length, and not of the one frame that the file says.
    const args = [
      ...["bench", "--config", at("own.yaml")],
      ...["--duration", "2s", "--size", "64x48", "--warmup", "0s"],
    ];
    const base = `node ${BIN} bench --size 64x48 --config ${at("own.yaml")}`;
    const { code, stdout, stderr } = await aiw([...args, "--json", "-", "--against", base]);
    expect(code, stderr).toBe(4);
    const comparison = comparisonSchema.parse(JSON.parse(stdout));
    expect(comparison).toMatchObject({
      verdict: "insufficient",
      base: { settings: { fps: 3, duration_s: 1 } },
      head: { settings: { fps: 3, duration_s: 1 } },
    });
    expect(readdirSync(folder).filter((name) => name.startsWith("z."))).toEqual([]);
  });

  it("ends with the error of the side that fails", async () => {
    const { code, stdout, stderr } = await aiw([...SMALL, "--against", "--model no.onnx"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^aiw: error MODEL_NOT_FOUND: base: .*no\.onnx.*\n$/);
    expect(stdout).toBe("");
  });

  it("reports the pairs that are complete when it is interrupted, and leaves no process", async () => {
    let opened = 0;
    let third: () => void = () => {};
    const inSecondPair = new Promise<void>((resolve) => (third = resolve));
    // Two trials, then base, head, head: in the second pair.
    worker = await TableWorker.start({
      onInit(connection) {
        connection.initOk();
        if (++opened === 5) third();
      },
    });
    const remote = ["--worker", `127.0.0.1:${worker.port}`, "--model", "old.onnx", "--warmup", "0s"];
    const long = [...SMALL, ...remote, "--duration", "60s"];
    const running = startAiw([...long, "--against", "--conf 0.5"]);
    await inSecondPair;
    const { pid = 0 } = running.child;
    const slices = childrenOf(pid);
    expect(slices).toHaveLength(1);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.finished;
    expect(code, stderr).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({
      pairs: [{ first: "base" }],
      ended_early: "interrupted by SIGINT",
    });
    expect(() => process.kill(slices[0] ?? 0, 0)).toThrow("ESRCH");
  });

  it.each([
    [["--against", "cd base && aiw bench"], "is not run by a shell, which && would need"],
    [["--against", "aiw bench 'x"], "has a quote (') at character 11 that does not end"],
    [["--against", "aiw run"], "there is no word bench in it"],
    [["--against", "no-such-aiw bench"], "there is no program no-such-aiw"],
    [["--against", "bench --nonsense"], "base: unknown option '--nonsense'"],
    [["--against", "bench", "--gate", "p95<1s"], "--gate with --against"],
    [["--against", "bench", "--sweep", "fps=1,2"], "--sweep with --against"],
    [["--against", "bench", "--html", "x.html"], "--html with --against"],
    [["--against", "bench", "--source", "-"], "--source - with --against"],
    [["--against", "bench", "--max-regression", "5"], '--max-regression "5" is not a share'],
    [["--max-regression", "5%"], "--max-regression is the limit of --against"],
  ])("refuses %j", async (args, said) => {
    const { code, stdout, stderr } = await aiw(["bench", ...args]);
    expect(stderr).toMatch(/^aiw: error USAGE: .*\n$/);
    expect(stderr).toContain(said);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

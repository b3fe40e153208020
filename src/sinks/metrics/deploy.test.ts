import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { setUpMetrics } from "./testing.js";

const DEPLOY = new URL("../../../deploy/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, DEPLOY), "utf8");

/** Metrics of the worker and their labels, from worker/aiw_worker/metrics, which has its own test of them. */
const WORKER: Readonly<Record<string, readonly string[]>> = {
  worker_state: ["state"],
  connections_active: [],
  frames_processed_total: [],
  inference_time_ms: [],
  model_load_seconds: [],
  transitions_to_idle_total: [],
};

/** What every scraped series has. */
const SCRAPED = ["instance", "job"];
const HISTOGRAMS = ["ai_result_latency_ms", "ai_stage_latency_ms", "inference_time_ms", "model_load_seconds"];

/** Each exported series' name, with the labels that it has. */
function exported(): ReadonlyMap<string, readonly string[]> {
  const client = setUpMetrics()
    .metrics.catalogue()
    .map(({ name, labels }) => [name, labels] as const);
  const all = [...client, ...Object.entries(WORKER)];
  return new Map(
    all.flatMap(([name, labels]): (readonly [string, readonly string[]])[] => {
      const full = [...labels, ...SCRAPED];
      if (!HISTOGRAMS.includes(name)) return [[name, full]];
      const parts = [`${name}_sum`, `${name}_count`].map((part) => [part, full] as const);
      return [...parts, [`${name}_bucket`, [...full, "le"]] as const];
    }),
  );
}

const FUNCTIONS =
  /\b(?:sum|max|min|count|rate|increase|histogram_quantile|label_values)\b(?=\s*(?:\(|by\b))/g;

interface Used {
  readonly metrics: ReadonlyMap<string, readonly string[]>;
  readonly grouped: readonly string[];
}

/** The metrics that an expression of PromQL names, each with the labels that it is chosen by; and those grouped by. */
function used(expression: string): Used {
  const grouped = [...expression.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) => words(list));
  const bare = expression
    .replace(/\bby\s*\([^)]*\)/g, " ")
    .replace(/\[[^\]]*\]/g, " ")
    .replace(FUNCTIONS, " ");
  const metrics = new Map(
    [...bare.matchAll(/(?<!\w)([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?/g)].map(([, name = "", chosen = ""]) => [
      name,
      words(chosen.replace(/"[^"]*"/g, "")),
    ]),
  );
  return { metrics, grouped };
}

const words = (text: string) => text.match(/[a-zA-Z_]\w*/g) ?? [];

/** Whatever an expression names that is not exported. */
function unknownIn(expression: string): string[] {
  const known = exported();
  const { metrics, grouped } = used(expression);
  const unknown = [...metrics].flatMap(([name, chosen]) => {
    const labels = known.get(name);
    if (labels === undefined) return [name];
    return [...chosen, ...grouped].filter((label) => !labels.includes(label)).map((l) => `${name}{${l}}`);
  });
  return metrics.size === 0 ? ["no metric at all"] : unknown;
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const alerts: Alert[] = parse(read("prometheus/alerts.yml")).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
);

describe("the alert rules", () => {
  it.each(alerts.map((rule) => [rule.alert, rule] as const))(
    "%s uses what is exported, and names labels that its alerts have",
    (_, { expr, annotations }) => {
      expect(unknownIn(expr)).toEqual([]);
      const { metrics, grouped } = used(expr);
      const [name = ""] = metrics.keys();
      const has = grouped.length > 0 ? grouped : (exported().get(name) ?? []);
      const shown = Object.values(annotations).join(" ");
      const named = [...shown.matchAll(/\$labels\.(\w+)/g)].map(([, label = ""]) => label);
      expect(named.filter((label) => !has.includes(label))).toEqual([]);
    },
  );

  it("are all named in promtool's own tests", () => {
    const tests = read("prometheus/alerts.test.yml");
    for (const { alert } of alerts) expect(tests).toContain(`alertname="${alert}"`);
  });

  const promtool = (...args: string[]) =>
    spawnSync("promtool", args, { cwd: fileURLToPath(DEPLOY), encoding: "utf8" });

  it.skipIf(promtool("--version").status !== 0)(
    "are such as promtool takes, and fire when its tests say",
    () => {
      for (const args of [
        ["check", "rules", "prometheus/alerts.yml"],
        ["test", "rules", "prometheus/alerts.test.yml"],
      ]) {
        const { status, stdout, stderr } = promtool(...args);
        expect(status, `promtool ${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
        expect(stdout).toContain("SUCCESS");
      }
    },
  );
});

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describe("the dashboard", () => {
  const { panels, templating } = JSON.parse(read("grafana/aiw.json")) as {
    panels: Panel[];
    templating: { list: { name: string; definition?: string }[] };
  };
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it("uses what is exported", () => {
    const queries = templating.list.flatMap(({ definition }) => definition ?? []);
    for (const expression of expressions) expect(unknownIn(expression), expression).toEqual([]);
    // label_values(METRIC, LABEL)
    for (const query of queries) expect(unknownIn(query.replace(/, \w+\)$/, ")")), query).toEqual([]);
    expect(expressions.length).toBeGreaterThan(20);
  });

  it("leaves nothing out that the client or the worker exports", () => {
    const shown = new Set(expressions.flatMap((expression) => [...used(expression).metrics.keys()]));
    const hidden = [...exported().keys()].filter((name) => !shown.has(name) && !/_(sum|count)$/.test(name));
    // Its bucket bounds are there for queries of one's own; how long the process runs says ai_build_info's series.
    expect(hidden).toEqual([
      "ai_stage_latency_ms_bucket",
      "process_start_time_seconds",
      "model_load_seconds_bucket",
    ]);
  });
});

describe("the reader of expressions", () => {
  it("sees what is not there", () => {
    expect(unknownIn("rate(ai_no_such_total[5m]) > 0")).toEqual(["ai_no_such_total"]);
    expect(unknownIn('ai_drops_total{reasn="x"}')).toEqual(["ai_drops_total{reasn}"]);
    expect(unknownIn("sum by (class) (ai_drops_total)")).toEqual(["ai_drops_total{class}"]);
    expect(unknownIn("ai_result_latency_ms")).toEqual(["ai_result_latency_ms"]);
    expect(unknownIn("1 > 0")).toEqual(["no metric at all"]);
  });
});

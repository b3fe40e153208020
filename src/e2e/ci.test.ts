import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { TableWorker } from "../testing/table-worker.js";
import { readAction, runAction } from "./action-runner.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const REPORTS = ["bench.html", "bench.json", "bench.junit.xml", "bench.log", "bench.md"];

/** A name that breaks whatever does not quote. */
let workspace: string;
let worker: TableWorker | undefined;
beforeEach(() => {
  workspace = join(mkdtempSync(join(tmpdir(), "aiw-ci-")), "it's a $(touch here)");
  mkdirSync(workspace);
});
afterEach(async () => {
  await worker?.close();
  worker = undefined;
  rmSync(resolve(workspace, ".."), { recursive: true, force: true });
});

/** Flags of a bench that needs nothing but a worker that answers at once. */
async function small(): Promise<string[]> {
  worker = await TableWorker.start();
  return [`--worker=127.0.0.1:${worker.port}`, "--warmup=0s", "--size=64x48"];
}

const reports = (folder = "aiw-reports") => readdirSync(join(workspace, folder)).sort();

describe("action.yml", () => {
  const text = readFileSync(join(ROOT, "action.yml"), "utf8");
  const action = readAction(join(ROOT, "action.yml"));

  it("declares the inputs that it uses, and uses those that it declares", () => {
    const used = [...text.matchAll(/\binputs\.([\w-]+)/g)].map(([, name]) => name);
    expect([...new Set(used)].sort()).toEqual(Object.keys(action.inputs).sort());
  });

  it("runs files that are there, and no text that an input could be part of", () => {
    const runs = action.runs.steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
    expect(runs.length).toBeGreaterThan(0);
    for (const run of runs) {
      const file = /^bash "\$GITHUB_ACTION_PATH\/(bench\/ci\/[\w-]+\.sh)"$/.exec(run)?.[1];
      expect(file, run).toBeDefined();
      expect(existsSync(join(ROOT, file!)), file).toBe(true);
    }
  });

  it("pins the actions of others to a major version", () => {
    const uses = action.runs.steps.flatMap(({ uses: name }) => (name === undefined ? [] : [name]));
    expect(uses).toHaveLength(4);
    for (const name of uses) expect(name).toMatch(/^actions\/[\w-]+@v\d+$/);
  });
});

describe("the example of a workflow", () => {
  const { jobs } = parse(readFileSync(join(ROOT, "bench/ci/github-workflow.yml"), "utf8"));
  const steps = Object.values<{ steps: { uses?: string; with?: object }[] }>(jobs).flatMap(
    (job) => job.steps,
  );
  const ours = steps.filter(({ uses }) => /\/aiw@/.test(uses ?? "")).map((step) => step.with ?? {});

  it("uses the action twice", () => expect(ours).toHaveLength(2));

  it.each(ours)("gives inputs that there are, whose flags go together: %j", async (step) => {
    const given = Object.fromEntries(Object.entries(step).map(([name, value]) => [name, String(value)]));
    const { inputs } = readAction(join(ROOT, "action.yml"));
    expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
    const run = await runAction(ROOT, workspace, given);
    // What aiw does not take would be 2; the model of the example is nobody's.
    expect(run.code, run.log).toBe(1);
    expect(run.log).toMatch(/MODEL_NOT_FOUND: .*models\/detector\.onnx is not there/);
  });
});

describe("the action's steps", () => {
  it("end with 0, reports, summary and outputs where every gate passes", async () => {
    const args = [...(await small()), "--frames=150"].join("\n");
    const gates = "\n  p95<60s  \n\nerrors<=0%\n";
    const run = await runAction(ROOT, workspace, { model: "old.onnx", fps: "100", gates, args });
    expect(run.code, run.log).toBe(0);
    const folder = join(workspace, "aiw-reports");
    expect(run.outputs).toEqual({
      ...{ verdict: "pass", "exit-code": "0" },
      ...{ "report-dir": folder, "report-json": join(folder, "bench.json") },
    });
    expect(reports()).toEqual(REPORTS);
    const report = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
    expect(report.gates.map(({ gate }: { gate: string }) => gate)).toEqual(["p95<60s", "errors<=0%"]);
    expect(run.summary.trim()).toBe(readFileSync(join(folder, "bench.md"), "utf8").trim());
    expect(run.used).toMatchObject([
      { uses: expect.stringContaining("actions/cache@"), with: { key: expect.stringMatching(KEY) } },
      { with: { name: "aiw-bench", path: join(folder, "bench.*") } },
    ]);
  });

  it("end with 3 where a gate fails, with the reports and the reason in the summary", async () => {
    const args = [...(await small()), "--frames=100"].join("\n");
    const run = await runAction(ROOT, workspace, {
      model: "old.onnx",
      fps: "100",
      gates: "p95<0.001ms",
      args,
      // Which is of a gate that could not be judged only.
      "allow-insufficient": "true",
    });
    expect(run.code, run.log).toBe(3);
    expect(run.outputs).toMatchObject({ verdict: "fail", "exit-code": "3" });
    expect(reports()).toEqual(REPORTS);
    expect(run.summary).toMatch(/\n {4}aiw: error GATE_FAILED: "p95<0.001ms" does not hold/);
    expect(run.log).toMatch(/^::error title=aiw bench::aiw: error GATE_FAILED: /m);
    expect(run.used.map(({ uses }) => uses)).toContainEqual(
      expect.stringMatching("actions/upload-artifact@"),
    );
  });

  it.each([
    ["false", 4],
    ["true", 0],
  ])("of a gate that cannot be judged, with allow-insufficient %s, end with %i", async (allowed, code) => {
    const args = [...(await small()), "--frames=5"].join("\n");
    const given = { model: "old.onnx", fps: "50", gates: "p95<60s", args, "allow-insufficient": allowed };
    const run = await runAction(ROOT, workspace, given);
    expect(run.code, run.log).toBe(code);
    expect(run.outputs).toMatchObject({ verdict: "insufficient", "exit-code": "4" });
    expect(reports()).toEqual(REPORTS);
  });

  it("end with 1 where the run fails, say why, and claim no report, nor one of an earlier run", async () => {
    const folder = join(workspace, "aiw-reports");
    mkdirSync(folder);
    for (const name of REPORTS) writeFileSync(join(folder, name), "old");
    const run = await runAction(ROOT, workspace, { model: "no such.onnx" });
    expect(run.code, run.log).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: "error", "exit-code": "1", "report-json": "" });
    expect(reports()).toEqual(["bench.log"]);
    expect(run.summary).toMatch(
      /^### aiw bench: no report\n\n {4}aiw: error MODEL_NOT_FOUND: .*no such\.onnx/,
    );
    expect(run.log).toMatch(/^::error title=aiw bench::aiw: error MODEL_NOT_FOUND: /m);
  });

  it("upload nothing where aiw itself is not there, and fail", async () => {
    const run = await runAction(ROOT, workspace, { aiw: "." });
    expect(run.code).toBe(1);
    expect(run.log).toContain(`there is no aiw in ${workspace}`);
    expect(run.outputs).toMatchObject({ verdict: "", "exit-code": "" });
    expect(run.used).toEqual([]);
  });
});

describe("what an input says", () => {
  /** An aiw that notes how it is called. */
  function stub(): string {
    mkdirSync(join(workspace, "stub", "bin"), { recursive: true });
    mkdirSync(join(workspace, "stub", "worker"));
    writeFileSync(join(workspace, "stub", "worker", "requirements.lock"), "");
    writeFileSync(join(workspace, "stub", "package.json"), '{ "type": "module" }');
    const lines = [
      "#!/usr/bin/env node",
      'import { appendFileSync } from "node:fs";',
      "const call = { cwd: process.cwd(), args: process.argv.slice(2) };",
      `appendFileSync(${JSON.stringify(join(workspace, "calls"))}, JSON.stringify(call) + "\\n");`,
    ];
    writeFileSync(join(workspace, "stub", "bin", "aiw.js"), lines.join("\n"), { mode: 0o755 });
    return "stub";
  }

  const benchCall = () =>
    readFileSync(join(workspace, "calls"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .find(({ args }) => args[0] === "bench");

  it("reaches aiw as it was written, and is nowhere executed", async () => {
    const evil = `a "b" 'c' \`touch pwned\` $(touch pwned); touch pwned & \${IFS} \\ *`;
    const lines = `${evil}\nverdict=pass\n::error::no`;
    const given = {
      ...{ aiw: stub(), model: `--${lines}`, source: lines, fps: evil, duration: evil, "max-duration": evil },
      ...{ against: lines, "max-regression": evil, args: evil, gates: `${evil}\n${evil}` },
      ...{
        "report-dir": `reports ${lines}`,
        "artifact-name": lines,
        "allow-insufficient": evil,
        cache: evil,
      },
    };
    const run = await runAction(ROOT, workspace, given);
    expect(run.code, run.log).toBe(0);
    const { args } = benchCall();
    expect(args.slice(1, args.indexOf("--json"))).toEqual([
      ...[`--model=--${lines}`, `--source=${lines}`, `--fps=${evil}`, `--duration=${evil}`],
      ...[`--max-duration=${evil}`, `--against=${lines}`, `--max-regression=${evil}`],
      ...[`--gate=${evil}`, `--gate=${evil}`, evil],
    ]);
    const everything = readdirSync(resolve(workspace, ".."), { recursive: true }) as string[];
    expect(everything.filter((path) => /(^|\/)(pwned|here)$/.test(path))).toEqual([]);
    expect(run.outputs["report-dir"]).toBe(join(workspace, `reports ${lines}`));
    expect(run.log).not.toMatch(/^::error::/m);
  });

  it("names the folder to run in, where the reports go as well", async () => {
    const folder = "models of $(touch pwned)";
    mkdirSync(join(workspace, folder));
    const given = { aiw: stub(), "working-directory": folder, "report-dir": "out/ci" };
    const run = await runAction(ROOT, workspace, given);
    expect(run.code, run.log).toBe(0);
    expect(benchCall().cwd).toBe(join(workspace, folder));
    expect(reports(join(folder, "out/ci"))).toEqual(["bench.log"]);
    expect(readdirSync(workspace)).not.toContain("pwned");
  });

  it("is left to aiw where it is empty", async () => {
    await runAction(ROOT, workspace, { aiw: stub() });
    const { args } = benchCall();
    expect(args.slice(0, 2)).toEqual(["bench", "--json"]);
    expect(args).toContain("--junit");
  });

  it("asks for the reports that a comparison has, where it names another version", async () => {
    await runAction(ROOT, workspace, { aiw: stub(), against: "--threads 1", "max-regression": "10%" });
    const { args } = benchCall();
    const reports = ["--json", "--markdown"].flatMap((flag) => [flag, expect.any(String)]);
    expect(args).toEqual(["bench", "--against=--threads 1", "--max-regression=10%", ...reports]);
  });
});

describe("bench.sh in a plain shell", () => {
  it("makes the machine ready, measures the built-in scene, and leaves the reports", () => {
    const { status, stdout, stderr } = spawnSync(
      "bash",
      [join(ROOT, "bench/ci/bench.sh"), "--frames", "12", "--warmup", "0s", "--gate", "max<60s"],
      { cwd: workspace, encoding: "utf8", env: { ...process.env, AIW_CI_REPORTS: "out" } },
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^\+ aiw init .*\n\+ aiw bench --frames --warmup --gate --json .*\n/);
    expect(stdout).toContain("max<60s");
    expect(reports("out")).toEqual(REPORTS);
    // Nothing but the reports: no aiw.yaml, which would be taken for the user's.
    expect(readdirSync(workspace)).toEqual(["out"]);
  });

  it("shows no value of a flag", () => {
    const secrets = ["--camera=rtsp://u:SECRET@h/x", "--against", "--camera rtsp://u:SECRET@h/x", "SECRET"];
    const { status, stdout, stderr } = spawnSync("bash", [join(ROOT, "bench/ci/bench.sh"), ...secrets], {
      cwd: workspace,
      encoding: "utf8",
      env: { ...process.env, AIW_CI_COMMAND: "true" },
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("+ aiw bench --camera --against --camera --json --markdown\n");
    expect(stdout + stderr).not.toContain("SECRET");
  });

  it("is called by the example with flags that there are", () => {
    symlinkSync(ROOT, join(workspace, "aiw"));
    const options = { cwd: workspace, encoding: "utf8" } as const;
    const { status, stdout } = spawnSync("bash", [join(ROOT, "bench/ci/example.sh")], options);
    // A flag that is none would be 2; the model of the example is nobody's.
    expect(status, stdout).toBe(1);
    expect(stdout).toContain("aiw: error MODEL_NOT_FOUND: model models/detector.onnx is not there");
  });
});

/** Of the runner's system and the environment's Python and lock file. */
const KEY = /^aiw-env-Linux-X64-py3\.\d+\.\d+-[0-9a-f]{16}$/;

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** What GitHub's own schema asks of an action made of steps, as far as ours uses it. */
const Step = z.strictObject({
  id: z.string().optional(),
  if: z.string().optional(),
  shell: z.literal("bash").optional(),
  env: z.record(z.string(), z.string()).default({}),
  run: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.boolean()])).default({}),
});
const Action = z.strictObject({
  name: z.string(),
  description: z.string(),
  branding: z.strictObject({ icon: z.string(), color: z.string() }),
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })),
  runs: z.strictObject({ using: z.literal("composite"), steps: z.array(Step) }),
});
export type Action = z.output<typeof Action>;

export const readAction = (file: string): Action => Action.parse(parse(readFileSync(file, "utf8")));

export interface ActionRun {
  /** Exit code of the first step that failed; 0 where none did. */
  readonly code: number;
  readonly outputs: Record<string, string>;
  readonly summary: string;
  /** What the `run` steps wrote, on both streams. */
  readonly log: string;
  /** The steps that would have run another action, with what. */
  readonly used: readonly { readonly uses: string; readonly with: Record<string, string> }[];
}

type Outputs = Record<string, Record<string, string>>;

/**
 * Runs an action's steps as GitHub's runner does: what `${{ }}` means, which steps a failure skips, what the
 * files of outputs and summary hold. Steps that use another action are noted and skipped.
 * @param root the action's own folder
 * @param workspace where its steps start
 */
export async function runAction(
  root: string,
  workspace: string,
  given: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = {},
): Promise<ActionRun> {
  const action = readAction(join(root, "action.yml"));
  const defaults = Object.entries(action.inputs).map(([name, input]) => [name, input.default]);
  const inputs: Record<string, string> = { ...Object.fromEntries(defaults), ...given };
  const steps: Outputs = {};
  const scratch = mkdtempSync(join(tmpdir(), "aiw-runner-"));
  const summaryFile = join(scratch, "summary");
  writeFileSync(summaryFile, "");
  const used: { uses: string; with: Record<string, string> }[] = [];
  let [code, log] = [0, ""];
  for (const [i, step] of action.runs.steps.entries()) {
    if (!isDue(step.if ?? "success()", code, inputs, steps)) continue;
    const value = (text: string | boolean) => evaluate(String(text), inputs, steps);
    if (step.uses !== undefined) used.push({ uses: step.uses, with: mapValues(step.with, value) });
    if (step.run === undefined) continue;
    const outputFile = join(scratch, `output-${i}`);
    writeFileSync(outputFile, "");
    const finished = await bash(value(step.run), workspace, {
      ...{ ...process.env, RUNNER_OS: "Linux", RUNNER_ARCH: "X64", RUNNER_TEMP: scratch, CI: "true" },
      ...{ GITHUB_ACTION_PATH: root, GITHUB_OUTPUT: outputFile, GITHUB_STEP_SUMMARY: summaryFile },
      ...{ ...env, ...mapValues(step.env, value) },
    });
    if (step.id !== undefined) steps[step.id] = readOutputs(readFileSync(outputFile, "utf8"));
    if (code === 0) code = finished.code;
    log += finished.log;
  }
  const outputs = Object.entries(action.outputs).map(([name, o]) => [name, evaluate(o.value, inputs, steps)]);
  return {
    ...{ code, log, used, outputs: Object.fromEntries(outputs) },
    summary: readFileSync(summaryFile, "utf8"),
  };
}

function mapValues<V>(of: Record<string, V>, change: (value: V) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, change(value)]));
}

function evaluate(text: string, inputs: Record<string, string>, steps: Outputs): string {
  return text.replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_, name: string) => lookUp(name, inputs, steps));
}

/** What is not there is empty, as on GitHub; what no action could mean is an error. */
function lookUp(name: string, inputs: Record<string, string>, steps: Outputs): string {
  const [room, key = "", ...rest] = name.split(".");
  if (room === "inputs" && rest.length === 0 && key in inputs) return inputs[key] ?? "";
  if (room === "steps" && rest.length === 2 && rest[0] === "outputs") return steps[key]?.[rest[1]!] ?? "";
  throw new Error(`\${{ ${name} }} is nothing that this runner knows`);
}

/** Terms joined by &&; without always() a step is skipped once another has failed. */
function isDue(condition: string, code: number, inputs: Record<string, string>, steps: Outputs): boolean {
  const terms = condition.split(" && ");
  if (code !== 0 && !terms.includes("always()")) return false;
  return terms.every((term) => {
    if (term === "always()" || term === "success()") return true;
    const [, name, operator, literal] = /^(\S+) (==|!=) '(.*)'$/.exec(term) ?? [];
    if (name === undefined) throw new Error(`"${term}" is no condition that this runner knows`);
    return (lookUp(name, inputs, steps) === literal) === (operator === "==");
  });
}

/** `shell: bash`, with the flags that GitHub gives it. */
function bash(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number; log: string }> {
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", script];
  const child = spawn("bash", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (log += text));
  }
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => done({ code: code ?? 1, log }));
  });
}

/** Lines "name=value", and values of several lines between "name<<END" and "END". */
function readOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = text.split("\n");
  for (let line = lines.shift(); line !== undefined && lines.length > 0; line = lines.shift()) {
    const [, name, mark, rest = ""] = /^([^=<]+)(=|<<)(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`"${line}" is no output`);
    outputs[name] = mark === "=" ? rest : lines.splice(0, lines.indexOf(rest)).join("\n");
    if (mark === "<<") lines.shift();
  }
  return outputs;
}

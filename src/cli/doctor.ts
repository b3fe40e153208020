import { realpathSync } from "node:fs";
import { availableParallelism, cpus, homedir, release, totalmem, type, userInfo } from "node:os";
import { AiwError, ExitCode } from "../core/errors.js";
import { maskSecrets } from "../core/mask.js";
import { packageVersion } from "../core/version.js";
import { bundleText } from "../doctor/bundle.js";
import { type Check, worst } from "../doctor/check.js";
import { readConfiguration } from "../doctor/configuration.js";
import { examine } from "../doctor/examine.js";
import { doctorTable } from "../reports/doctor-table.js";
import { checkWritable, writeWhole } from "../sinks/whole-file.js";
import { locksOf } from "../worker-process/variants.js";
import type { CommandContext } from "./command-context.js";
import { EMBEDDED_MODEL } from "./default-model.js";
import type { Flag, ParsedFlags } from "./flags.js";
import { Machine } from "./machine.js";
import { flagLayer, refuseValues } from "./settings.js";

/** `aiw doctor`: what works on this machine, and how to mend what does not. Exit 1 on a failure. */
export async function execute(
  flags: readonly Flag[],
  parsed: ParsedFlags,
  context: CommandContext,
): Promise<number> {
  const { env, progress, interrupt: signal } = context;
  const bundle = bundleTarget(parsed);
  const configuration = await readConfiguration({
    named: parsed.config as string | undefined,
    folder: process.cwd(),
    flags: flagLayer(flags, parsed),
    env,
    refuse: refuseValues,
  });
  const { workerDir, variant, cacheDir } = new Machine(context, signal, configuration.settings);
  const examination = await examine({
    env,
    platform: process.platform,
    workerDir,
    ...locksOf(workerDir, variant),
    variant,
    cacheDir,
    embeddedModel: EMBEDDED_MODEL,
    configuration,
    onStep: (text) => progress.step(text),
    onLog: (line) => context.debug && progress.note(`worker: ${line}`),
    signal,
  });
  const checks = examination.checks.map(withoutSecrets);
  progress.clear();
  await writeWhole(
    "-",
    parsed.json === true ? jsonText(checks) : `${doctorTable(checks, tableOptions(env))}\n`,
  );
  if (bundle !== undefined) {
    const { settings, file: config } = configuration;
    const time = new Date().toISOString();
    const facts = {
      time,
      versions: versions(),
      machine: machine(),
      examination,
      checks,
      settings,
      config,
      env,
    };
    await writeWhole(bundle, bundleText(facts, owner(env)));
    progress.note(`aiw: wrote ${bundle}: look through it before you hand it on`);
  }
  return worst(checks) === "failure" ? ExitCode.failed : ExitCode.ok;
}

/** @throws USAGE, OUTPUT_FAILED before anything is looked at */
function bundleTarget({ bundle }: ParsedFlags): string | undefined {
  if (typeof bundle !== "string") return undefined;
  if (bundle === "-") throw new AiwError("USAGE", "--bundle -: name a file, stdout is taken by the checks");
  checkWritable(bundle);
  return bundle;
}

function withoutSecrets(check: Check): Check {
  return { ...check, detail: maskSecrets(check.detail) };
}

function jsonText(checks: readonly Check[]): string {
  const report = { schema: "aiw.doctor/1", aiw: packageVersion(), verdict: worst(checks), checks };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function tableOptions(env: NodeJS.ProcessEnv) {
  const { isTTY, columns } = process.stdout;
  return { color: isTTY && !env.NO_COLOR && !env.CI, width: isTTY && columns > 0 ? columns : undefined };
}

function versions(): Record<string, string> {
  return { aiw: packageVersion(), node: process.version, os: `${type()} ${release()} ${process.arch}` };
}

function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 1e6),
  };
}

/** The home that the account has, whatever HOME says. */
function accountHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** Whose name and home folder a bundle must not hold, by all the names that the home has. */
function owner(env: NodeJS.ProcessEnv): { homes: string[]; userName: string } {
  const homes = [homedir(), accountHome(), env.HOME, env.USERPROFILE].flatMap((home) => {
    if (!home) return [];
    try {
      return [home, realpathSync(home)];
    } catch {
      return [home];
    }
  });
  try {
    return { homes, userName: userInfo().username };
  } catch {
    // An account without an entry, as in some containers.
    return { homes, userName: env.USER ?? env.USERNAME ?? "" };
  }
}

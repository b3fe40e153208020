import { environmentLayer } from "../../dist/config/environment.js";
import { SETTINGS } from "../../dist/config/settings.js";
import * as flags from "../../dist/cli/flags.js";
import { code, table } from "./table.mjs";

/** The flags of each command that takes settings; the words of the first that has one are those that are told. */
const COMMANDS = {
  run: [...flags.COMMON_FLAGS, ...flags.RUN_FLAGS],
  bench: [...flags.COMMON_FLAGS, ...flags.BENCH_FLAGS],
  compare: flags.COMPARE_FLAGS,
  agent: flags.AGENT_FLAGS,
  sessions: [...flags.SESSIONS_LIST_FLAGS, ...flags.SESSIONS_PRUNE_FLAGS],
  worker: flags.WORKER_FLAGS,
  init: flags.INIT_FLAGS,
  doctor: flags.DOCTOR_FLAGS,
};
const GENERAL = flags.GENERAL_FLAGS;

/** What no flag gives, and so no help explains. */
const FILE_ONLY = {
  cameras: "what aiw agent watches, by name: `door: rtsp://10.0.0.5/live`; in place of source and camera",
};
const ENVIRONMENT = environmentLayer({});
/** Beside what the environment's own layer says. */
const MORE_NAMES = { token_file: ["AIW_TOKEN"], worker: [] };

/** Every key of aiw.yaml, with its flag, its name in the environment, and who heeds it. */
export function settingTable() {
  return table(["key", "flag", "environment", "commands", "what it is"], Object.keys(SETTINGS).map(rowOf));
}

function rowOf(name) {
  const given = Object.entries(COMMANDS).flatMap(([command, list]) => {
    const flag = list.find(({ setting }) => setting === name);
    return flag === undefined ? [] : [{ command, flag }];
  });
  const general = GENERAL.find(({ setting }) => setting === name);
  const flag = general ?? given[0]?.flag;
  const text = flag?.help ?? FILE_ONLY[name];
  if (text === undefined) throw new Error(`no flag gives ${name}: FILE_ONLY is to say what it is`);
  const commands = general ? "all" : given.map(({ command }) => command).join(", ") || "agent";
  return [
    code(name),
    flag === undefined ? "" : code(flag.syntax),
    namesOf(name),
    commands,
    withoutTags(text),
  ];
}

function namesOf(name) {
  const own = ENVIRONMENT.describe(name);
  const names = own === name ? [] : own.split(" and ");
  return [...names, ...(MORE_NAMES[name] ?? [])].map(code).join(" ");
}

/** What stands in angle brackets a page would take for a tag. */
const withoutTags = (text) => text.replaceAll("<", "&lt;");

import { type Check, verdicts } from "./check.js";
import { askProviders, parseProviders, type ProvidersOptions } from "./providers.js";
import type { Interpreter } from "./python.js";

const MAKE = "aiw init --engine openvino";
const { ok, warning, failure } = verdicts("engine:openvino", "engine OpenVINO");

/** The engine that the settings name, in the environment that it will run in: there, and really started. */
export async function checkOpenvino(options: ProvidersOptions): Promise<Check> {
  const { interpreter } = options;
  if (interpreter === undefined) {
    return warning(
      "it is not installed: the environment that it runs in is not made yet",
      `Make it: ${MAKE}`,
    );
  }
  const { stdout, ended, lastLine } = await askProviders(interpreter, options, ["openvino"]);
  return judgeOpenvino(stdout, lastLine ?? ended, interpreter.kind);
}

/** @param ended what is to be said of a process that says nothing that is ours */
export function judgeOpenvino(stdout: string, ended: string, kind: Interpreter["kind"]): Check {
  const advice =
    kind === "managed"
      ? `Have its environment made anew: ${MAKE}`
      : `Into the interpreter that AIW_PYTHON names install openvino with pip; or unset that, and: ${MAKE}`;
  const [first, second] = parseProviders(stdout);
  if (first === undefined || !("version" in first)) {
    return failure(first !== undefined && "error" in first ? first.error : `openvino: ${ended}`, advice);
  }
  const why = second !== undefined && "provider" in second ? second.failure : ended;
  return why === null
    ? ok(`openvino ${first.version} starts`)
    : failure(`openvino ${first.version} does not start: ${why}`, advice);
}

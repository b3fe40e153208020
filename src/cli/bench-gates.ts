import { canJudge, type JudgedGate, needsTruth } from "../bench/gates.js";
import { AiwError } from "../core/errors.js";
import type { Gate } from "../core/gate.js";
import { streamName } from "../source/stream-name.js";
import { isSynthetic } from "../source/synthetic-uri.js";
import type { SourceName } from "../config/source-names.js";

/**
 * Refuses the gates that this bench could never judge, before anything is started.
 * @throws NOT_BUILT, USAGE
 */
export function checkGates(gates: readonly Gate[], source: SourceName): void {
  const unbuilt = gates.find((gate) => !canJudge(gate));
  if (unbuilt !== undefined) {
    throw new AiwError("NOT_BUILT", `--gate "${unbuilt.text}": a gate on ${unbuilt.name} is not built yet`);
  }
  const gate = gates.find(needsTruth);
  if (gate === undefined) return;
  if (source.kind === "source" && isSynthetic(source.uri)) return;
  throw new AiwError(
    "USAGE",
    `--gate "${gate.text}": ${gate.name} is known only of a synthetic: source, not of --${source.kind} ${streamName(source.uri)}`,
  );
}

/** @throws GATE_FAILED; GATE_INSUFFICIENT when none failed and one could not be judged */
export function throwIfGatesFailed(gates: readonly JudgedGate[]): void {
  const failed = gates.filter(({ verdict }) => verdict === "fail");
  if (failed.length > 0) {
    const said = failed.map(
      ({ gate, value }) =>
        `"${gate}" does not hold, measured was ${value === null ? "nothing" : Number(value.toFixed(4))}`,
    );
    throw new AiwError("GATE_FAILED", said.join("; "));
  }
  const unjudged = gates.filter(({ verdict }) => verdict === "insufficient");
  if (unjudged.length === 0) return;
  const said = unjudged.map(({ gate, samples, needed }) =>
    samples === 0
      ? `"${gate}" cannot be judged: in the frames there was nothing for it, of the classes and at the size asked for`
      : `"${gate}" cannot be judged, of ${needed} samples needed there are ${samples}`,
  );
  throw new AiwError("GATE_INSUFFICIENT", said.join("; "));
}

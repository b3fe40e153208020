import { systemClock } from "../../dist/core/clock.js";
import { ClientMetrics } from "../../dist/sinks/metrics/client-metrics.js";
import { code, table } from "./table.mjs";

/** Every metric of the client, with its labels. */
export function metricTable() {
  return table(
    ["metric", "labels", "what it is"],
    new ClientMetrics(systemClock)
      .catalogue()
      .map(({ name, labels, help }) => [code(name), labels.map(code).join(" "), help]),
  );
}

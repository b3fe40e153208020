import type { Settings } from "../config/settings.js";
import { systemClock } from "../core/clock.js";
import type { ClientMetrics } from "../sinks/metrics/client-metrics.js";

/** The metrics of a command, and who serves them. */
export interface OpenMetrics {
  readonly metrics: ClientMetrics;
  close(): Promise<void>;
}

/**
 * Serves metrics where the settings say so; before there is anything to count, so that a port that is taken ends the
 * command before it has begun.
 * @param say where people are told of it; a Logger will do
 * @returns undefined where the settings say nothing of it
 * @throws LISTEN_FAILED
 */
export async function openMetrics(
  { metrics: address }: Settings,
  say: { info(text: string): void; warn(text: string): void },
): Promise<OpenMetrics | undefined> {
  if (address === undefined) return undefined;
  // Their modules take their time to load, for those who want none too long.
  const [{ ClientMetrics }, { MetricsServer }] = await Promise.all([
    import("../sinks/metrics/client-metrics.js"),
    import("../sinks/metrics/metrics-server.js"),
  ]);
  const metrics = new ClientMetrics(systemClock);
  const server = await MetricsServer.listen(address, metrics);
  say.info(`metrics at http://${server.address}/metrics`);
  if (!server.isLocal) {
    say.warn(
      `--metrics ${server.address} is not loopback: anyone on that network can read the metrics, camera names included`,
    );
  }
  return { metrics, close: () => server.close() };
}

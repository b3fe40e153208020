import type { Registry } from "prom-client";
import { packageVersion } from "../../core/version.js";
import { collectedCounter, collectedGauge } from "./collected.js";
import type { Health } from "./readiness.js";

/** What is of the process: its build, what it uses (by the names that Prometheus gives to that), and its health. */
export function registerProcessFigures(
  registry: Registry,
  health: () => Health,
  cameraHealth: () => Iterable<readonly [camera: string, health: Health]>,
): void {
  collectedGauge(registry, {
    ...{ name: "ai_build_info", labels: ["version", "node"], help: "1; the labels say what runs" },
    rows: () => [[1, packageVersion(), process.version]],
  });
  collectedGauge(registry, {
    name: "ai_ready",
    help: "What /readyz says: 1 where a frame was processed lately, or none is to be by design",
    rows: () => [[health().ready ? 1 : 0]],
  });
  collectedGauge(registry, {
    ...{ name: "ai_camera_ready", labels: ["camera"], help: "The same of each camera by itself" },
    rows: () => [...cameraHealth()].map(([camera, { ready }]) => [ready ? 1 : 0, camera]),
  });
  collectedGauge(registry, {
    name: "process_start_time_seconds",
    help: "Start of the process since the epoch, seconds",
    rows: () => [[performance.timeOrigin / 1000]],
  });
  collectedGauge(registry, {
    name: "process_resident_memory_bytes",
    help: "Resident memory, bytes",
    rows: () => [[process.memoryUsage.rss()]],
  });
  collectedCounter(registry, {
    name: "process_cpu_seconds_total",
    help: "User and system CPU time, seconds",
    rows: () => {
      const { user, system } = process.cpuUsage();
      return [[(user + system) / 1e6]];
    },
  });
}

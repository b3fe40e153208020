import { writeWhole } from "../sinks/whole-file.js";
import { STALLED_READER_MS, withGrace } from "./with-grace.js";

interface Wanted {
  /** A path, or "-" for stdout. */
  readonly target: string;
  readonly make: () => string | Promise<string>;
}

/**
 * Makes and writes reports. One that fails keeps none of the others from being written.
 * @throws OUTPUT_FAILED of the first that failed
 */
export async function writeEach(reports: readonly Wanted[], interrupt: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  for (const { target, make } of reports) {
    try {
      const text = await make();
      await withGrace(
        interrupt,
        () => STALLED_READER_MS,
        (giveUp) => writeWhole(target, text, giveUp),
      );
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

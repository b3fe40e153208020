import { writeWhole } from "../sinks/whole-file.js";

interface Wanted {
  /** A path, or "-" for stdout. */
  readonly target: string;
  readonly make: () => string | Promise<string>;
}

/**
 * Makes and writes reports. One that fails keeps none of the others from being written.
 * @throws OUTPUT_FAILED of the first that failed
 */
export async function writeEach(reports: readonly Wanted[]): Promise<void> {
  const failures: unknown[] = [];
  for (const { target, make } of reports) {
    await writeWhole(target, await make()).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The test run's own temporary folder, as vitest's global setup; removed at the end with all that
 * tests left there. Its package.json is why it exists: Node reads a stand-in without an extension
 * (`bin/python`) as the nearest package.json above it says, so a stray one in the machine's
 * temporary folder, which anybody may write, would decide what our stand-ins are.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "aiw-tests-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  process.env["TMPDIR"] = folder;
  return () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}

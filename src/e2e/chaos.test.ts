import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isAlive } from "../worker-process/testing/fakes.js";
import { Chaos } from "./chaos/chaos.js";
import { checkSessions, openSessions } from "./chaos/session-files.js";
import { scratchFolder } from "./scratch-folder.js";

/** Another seed or more time, by hand: then the figures are printed. */
const { AIW_CHAOS_SEED, AIW_CHAOS_SECONDS } = process.env;
const SEED = Number(AIW_CHAOS_SEED ?? 7);
const SECONDS = Number(AIW_CHAOS_SECONDS ?? 15);
const MOST_GROWTH_MB = 100;
const EMBEDDED_MODEL = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));
const { file, subfolder } = scratchFolder("chaos");

/** The built-in model under several names, each with a hash of its own: a comment more. */
function models(folder: string): [string, string, string] {
  const bytes = readFileSync(EMBEDDED_MODEL);
  const write = (name: string, comment: string) => {
    // Field 6 of an ONNX ModelProto, its doc_string: what is appended to a protobuf message is one more field.
    const docString = Buffer.concat([Buffer.from([(6 << 3) | 2, comment.length]), Buffer.from(comment)]);
    return file(join(folder, name), Buffer.concat([bytes, docString]));
  };
  return [write("a.onnx", "first"), write("b.onnx", "second"), write("c.onnx", "third")];
}

describe.skipIf(process.platform !== "linux")("kills, cuts, reloads and bad clients, mixed (Linux)", () => {
  it(
    "cost no frame its place in the ledger, no credit, no memory, no session file, and leave no process",
    async () => {
      const modelDir = subfolder("models");
      const sessionsDir = subfolder("sessions");
      const chaos = await Chaos.start({
        seed: SEED,
        seconds: SECONDS,
        modelDir,
        models: models("models"),
        sessionsDir,
        config: file("empty.yaml", ""),
      });
      try {
        await chaos.run();
        expect(chaos.wrong, "what good clients saw").toEqual([]);
        expect(chaos.grownMb, "growth of the worker's memory").toBeLessThan(MOST_GROWTH_MB);
        await chaos.recover(() =>
          expect.poll(() => openSessions(sessionsDir), { timeout: 30_000 }).toEqual([]),
        );
        const reasons = checkSessions(sessionsDir);
        expect([...reasons.keys()]).toEqual(expect.arrayContaining(["end", "recovered", "stopped"]));
        await expect.poll(() => chaos.pids.filter(isAlive), { timeout: 30_000 }).toEqual([]);
      } catch (error) {
        const steps = chaos.steps.slice(-40).join("\n");
        throw new Error(`${String(error)}\n${chaos.report()}\n${steps}`, { cause: error });
      } finally {
        await chaos.close();
      }
      if (AIW_CHAOS_SECONDS !== undefined) process.stdout.write(`${chaos.report()}\n`);
    },
    (SECONDS + 300) * 1000,
  );
});

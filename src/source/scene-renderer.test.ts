import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const renderer = new URL("../../dist/source/scene-renderer.js", import.meta.url);

describe("SceneRenderer", () => {
  it("is closed in a process that has nothing else to do, with a drawn frame not yet reported", async () => {
    // The frame is drawn while this thread is held up, so that its report comes after the thread was told to
    // end. Node ends with 13 when its loop has nothing left and an await is open.
    const script = `
      const { SceneRenderer } = await import(${JSON.stringify(renderer.href)});
      const options = { seed: 1, objects: 6, fps: 12, crowded: false, width: 64, height: 48, format: "rgb24" };
      for (let round = 0; round < 20; round++) {
        const renderer = new SceneRenderer(options);
        const pixels = () => new SharedArrayBuffer(64 * 48 * 3);
        await renderer.draw(pixels(), 0);
        const drawing = renderer.draw(pixels(), 1).catch(() => {});
        await new Promise((resolve) => setImmediate(resolve));
        for (const end = performance.now() + 10; performance.now() < end;);
        await renderer.close();
        await drawing;
      }
      console.log("closed");`;
    const file = join(await mkdtemp(join(tmpdir(), "aiw-renderer-")), "close.mjs");
    await writeFile(file, script);
    const { stdout } = await run(process.execPath, [file]);
    await rm(dirname(file), { recursive: true });
    expect(stdout).toBe("closed\n");
  });
});

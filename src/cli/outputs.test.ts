import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addFlags, RUN_FLAGS } from "./flags.js";
import { checkOutputs, openOutputs } from "./outputs.js";
import { commandSettings } from "./settings.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiw-outputs-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function outputs(...out: string[]) {
  const command = addFlags(new Command("run").exitOverride(), RUN_FLAGS);
  command.parse(
    out.flatMap((value) => ["--out", value]),
    { from: "user" },
  );
  return (await commandSettings(RUN_FLAGS, command.opts(), {})).out ?? [];
}

describe("--out", () => {
  it.each([
    ["jpeg:-", "--out jpeg:-: pictures go into a folder, not to stdout: jpeg:DIR"],
    ["jpeg:", '--out "jpeg:" is not KIND:TARGET, such as "ndjson:-"'],
    ["jpeg", '--out "jpeg" is not KIND:TARGET, such as "ndjson:-"'],
    ["gif:x", "--out gif:x: known kinds are ndjson, jpeg"],
  ])("%s is refused", async (value, message) => {
    await expect(outputs(value)).rejects.toMatchObject({ code: "USAGE", exitCode: 2, message });
  });

  it("writes to each place once, however it is called", async () => {
    mkdirSync(join(root, "a"));
    symlinkSync(join(root, "a"), join(root, "link"));
    const a = `jpeg:${join(root, "a")}`;
    for (const same of [a, `${a}/`, `jpeg:${root}/b/../a`, `jpeg:${root}/link`, `ndjson:${root}/a`]) {
      await expect(outputs(a, same)).rejects.toThrow(/^--out .*: --out .* writes there already$/);
    }
    const missing = join(root, "missing");
    const twice = outputs(`jpeg:${missing}`, `jpeg:${relative(process.cwd(), missing)}`);
    await expect(twice).rejects.toThrow("already");
    await expect(outputs("ndjson:-", "ndjson:-")).rejects.toThrow(
      "--out ndjson:-: --out ndjson:- writes to stdout already",
    );
    expect(await outputs("ndjson:-", a, `jpeg:${root}/b`)).toHaveLength(3);
  });

  it("is checked before anything is made", async () => {
    writeFileSync(join(root, "file"), "");
    const bad = await outputs(`jpeg:${root}/a`, `jpeg:${root}/file`);
    expect(() => checkOutputs(bad)).toThrow(`${root}/file cannot be written (ENOTDIR)`);
    expect(() => checkOutputs([{ kind: "ndjson", target: root }])).toThrow("(EISDIR)");
    checkOutputs(await outputs(`jpeg:${root}/a/b`));
    expect(readdirSync(root)).toEqual(["file"]);
  });

  it("asks for the pixels of frames only where pictures are wanted", async () => {
    const giveUp = new AbortController().signal;
    for (const [kinds, keeps] of [
      [[`ndjson:${root}/x`], false],
      [[`ndjson:${root}/x`, `jpeg:${root}/a`], true],
    ] as const) {
      const sink = await openOutputs(await outputs(...kinds), "ab");
      expect(sink.keepsFrames).toBe(keeps);
      await sink.close(giveUp);
    }
    expect(readdirSync(root).sort()).toEqual(["a", "x"]);
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AiwError } from "../core/errors.js";
import type { Candidate } from "./candidate.js";
import { GraphMaker, type GraphSteps } from "./graph-maker.js";

const FLOAT: Pick<Candidate, "precision" | "size"> = { precision: "fp32", size: undefined };
const CONV = { ...FLOAT, precision: { operators: "conv", keptFloat: "decode" } } as const;
const ALL = { ...FLOAT, precision: { operators: "all", keptFloat: "decode" } } as const;
const REFUSED = new AiwError("WORKER_REFUSED", "can't be quantised");

/** Each file says what it was made of. */
function workshop(steps: Partial<GraphSteps> = {}) {
  const above = mkdtempSync(join(tmpdir(), "aiw-graphs-"));
  onTestFinished(() => rmSync(above, { recursive: true, force: true }));
  const folder = join(above, "work");
  const model = join(above, "model.onnx");
  writeFileSync(model, "model");
  const log: string[] = [];
  const all: GraphSteps = {
    prepare: async (path, size, out) => {
      log.push(`prepare ${size ?? "own"}`);
      await writeFile(out, `${readFileSync(path, "utf8")} prepared ${size ?? "own"}`);
      return { why: size === undefined ? null : "it is quantised already" };
    },
    calibrate: async (prepared, out) => {
      log.push("calibrate");
      await writeFile(out, `ranges of ${readFileSync(prepared, "utf8")}`);
    },
    quantize: async (prepared, ranges, { operators }, out) => {
      log.push(`quantize ${operators}`);
      await writeFile(
        out,
        `${operators}: ${readFileSync(prepared, "utf8")}, ${readFileSync(ranges, "utf8")}`,
      );
    },
    ...steps,
  };
  const maker = () => new GraphMaker(model, folder, all);
  return { model, folder, log, maker, files: () => readdirSync(folder).sort() };
}

describe("graphs", () => {
  it("are the model itself where nothing of it is changed", async () => {
    const { model, maker, log, folder } = workshop();
    expect(await maker().graph(FLOAT)).toBe(model);
    expect(log).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  it("are made of what they need, each once", async () => {
    const { maker, log } = workshop();
    const one = maker();
    const path = await one.graph(CONV);
    expect(readFileSync(path, "utf8")).toBe("conv: model prepared own, ranges of model prepared own");
    await one.graph(CONV);
    await one.graph(ALL);
    expect(log).toEqual(["prepare own", "calibrate", "quantize conv", "quantize all"]);
  });

  it("are made once also for two that ask at the same time", async () => {
    const { maker, log } = workshop();
    const one = maker();
    const [a, b] = await Promise.all([one.graph(CONV), one.graph(CONV), one.prepared(undefined)]);
    expect(a).toBe(b);
    expect(log).toEqual(["prepare own", "calibrate", "quantize conv"]);
  });

  it("of another size are others", async () => {
    const { maker } = workshop();
    const one = maker();
    const sized = await one.graph({ ...FLOAT, size: "640x480" });
    expect(readFileSync(sized, "utf8")).toBe("model prepared 640x480");
    expect(await one.graph({ ...CONV, size: "640x480" })).not.toBe(await one.graph(CONV));
  });

  it("are found again by who comes later, with what keeps them from being quantised", async () => {
    const { maker, log } = workshop();
    const first = maker();
    const made = [await first.graph(CONV), await first.prepared("640x480")];
    const before = log.length;
    const second = maker();
    expect([await second.graph(CONV), await second.prepared("640x480")]).toEqual(made);
    expect(made[1]).toMatchObject({ why: "it is quantised already" });
    expect((await second.prepared(undefined)).why).toBeNull();
    expect(log).toHaveLength(before);
  });

  it("are there whole or not at all", async () => {
    let isFailing = true;
    const { maker, files, log } = workshop({
      quantize: async (_prepared, _ranges, { operators }, out) => {
        log.push(`quantize ${operators}`);
        await writeFile(out, isFailing ? "half" : "whole");
        expect(out.endsWith(".part")).toBe(true);
        if (isFailing) throw REFUSED;
      },
    });
    await expect(maker().graph(CONV)).rejects.toBe(REFUSED);
    const left = files();
    expect(left).toEqual(["fp32-own.json", "fp32-own.onnx", "ranges-own.json"]);
    isFailing = false;
    const path = await maker().graph(CONV);
    expect(readFileSync(path, "utf8")).toBe("whole");
    expect(log).toEqual(["prepare own", "calibrate", "quantize conv", "quantize conv"]);
  });

  it("whose facts could not be written are made again", async () => {
    let isFailing = true;
    const { maker, log } = workshop({
      prepare: async (_, __, out) => {
        log.push("prepare");
        await writeFile(out, "prepared");
        if (isFailing) throw REFUSED;
        return { why: null };
      },
    });
    await expect(maker().prepared(undefined)).rejects.toBe(REFUSED);
    isFailing = false;
    expect((await maker().prepared(undefined)).why).toBeNull();
    expect(log).toEqual(["prepare", "prepare"]);
  });

  it("are all taken away at the end", async () => {
    const { maker, folder, model } = workshop();
    const one = maker();
    await one.graph(CONV);
    await one.clear();
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(model)).toBe(true);
  });
});

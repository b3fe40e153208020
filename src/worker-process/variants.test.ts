import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { locksOf, refuseWithoutWheels, VARIANTS, variantError, variantFor } from "./variants.js";

const WORKER_DIR = fileURLToPath(new URL("../../worker", import.meta.url));

/** What a lock file names: "name==version ; marker" and its hashes, each as one text. */
function entriesOf(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  const text = lines.filter((line) => !line.startsWith("#")).join("\n");
  return text.split(/\n(?=\S)/).map((entry) => entry.trim());
}

const entries = (variant: (typeof VARIANTS)[number]) => entriesOf(locksOf(WORKER_DIR, variant).lockFile);
const nameOf = (entry: string) => /^[\w.-]+/.exec(entry)?.[0] ?? "";
const pinOf = (entry: string) => /^[\w.-]+==[\w.+]+/.exec(entry)?.[0] ?? "";
const without = (all: readonly string[], some: readonly string[]) => all.filter((one) => !some.includes(one));

describe("the locks", () => {
  it("of openvino is that of the CPU and openvino, which reports to nobody", () => {
    const cpu = entries("cpu");
    expect(cpu.length).toBeGreaterThan(10);
    expect(without(cpu, entries("openvino"))).toEqual([]);
    expect(without(entries("openvino"), cpu).map(nameOf)).toEqual(["openvino"]);
  });

  it("of cuda has onnxruntime-gpu in onnxruntime's place, and all else in the same versions", () => {
    const [cpu, cuda] = [entries("cpu").map(pinOf), entries("cuda").map(pinOf)];
    expect(new Set(without(cpu, cuda).map(nameOf))).toEqual(new Set(["onnxruntime"]));
    const added = without(cuda, cpu).map(nameOf);
    expect(added.filter((name) => !name.startsWith("nvidia-"))).toEqual([
      "onnxruntime-gpu",
      "onnxruntime-gpu",
    ]);
  });

  it("of the tools and of exporting have what they share with the CPU's in the same versions", () => {
    const dev = entriesOf(`${WORKER_DIR}/requirements-dev.lock`).map(pinOf);
    expect(without(entries("openvino").map(pinOf), dev)).toEqual([]);
    const cpu = entries("cpu").map(pinOf);
    const exporting = entriesOf(`${WORKER_DIR}/requirements-export.lock`).map(pinOf);
    expect(without(cpu, exporting)).toEqual([]);
  });

  it.each(VARIANTS)("of %s: each package has hashes of its wheels", (variant) => {
    for (const entry of entries(variant))
      expect(entry).toMatch(/^\S+==\S+.*\\\n\s+--hash=sha256:[0-9a-f]{64}/);
  });
});

it("the settings choose a variant", () => {
  expect(variantFor({})).toBe("cpu");
  expect(variantFor({ engine: "auto", device: "cpu" })).toBe("cpu");
  expect(variantFor({ engine: "openvino" })).toBe("openvino");
  expect(variantFor({ engine: "onnxruntime", device: "cuda" })).toBe("cuda");
});

it("what no wheels are built for is refused with the way out", () => {
  for (const [variant, platform, arch] of [
    ["cuda", "darwin", "arm64"],
    ["openvino", "darwin", "x64"],
  ] as const) {
    const refuse = () => refuseWithoutWheels(variant, platform, arch);
    expect(refuse).toThrow(expect.objectContaining({ code: "ENGINE_MISSING", exitCode: 1 }));
    expect(refuse).toThrow(/^--(device cuda|engine openvino): /);
  }
  refuseWithoutWheels("openvino", "darwin", "arm64");
  refuseWithoutWheels("cuda", "linux", "x64");
  for (const platform of ["linux", "darwin", "win32"] as const) refuseWithoutWheels("cpu", platform, "x64");
});

it("an environment that cannot be made says what it was for", () => {
  const offline = new AiwError("ENV_OFFLINE", "no network", { detail: "all of it" });
  expect(variantError(offline, "cuda")).toMatchObject({
    code: "ENV_OFFLINE",
    message: "--device cuda needs an environment of its own: no network",
    detail: "all of it",
  });
  expect(variantError(offline, "cpu")).toBe(offline);
  const stopped = new AiwError("INTERRUPTED", "stopped");
  expect(variantError(stopped, "openvino")).toBe(stopped);
});

import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { possible } from "./possible.js";

const OWN = { width: 640, height: 640 };
const FILLED = { width: 640, height: 480 };
const REFUSED = new AiwError("WORKER_REFUSED", "onnx can't read it");

/** Graphs by their size: what keeps them from being quantised, or why they can't be had. */
function makerOf(graphs: Record<string, string | null | AiwError>) {
  const asked: string[] = [];
  const prepared = (size = "own") => {
    asked.push(size);
    const why = graphs[size] ?? null;
    return why instanceof AiwError ? Promise.reject(why) : Promise.resolve({ path: size, why });
  };
  return { prepared, asked };
}

describe("what can be tried", () => {
  it("is the size that frames fill, in 8 bits", async () => {
    const found = await possible(makerOf({}), FILLED, OWN);
    expect(found).toEqual({ sizes: ["640x480"], notQuantisable: null, leftOut: [] });
  });

  it("is the model's own size where frames fill that", async () => {
    const maker = makerOf({});
    expect(await possible(maker, undefined, OWN)).toEqual({ sizes: [], notQuantisable: null, leftOut: [] });
    expect(maker.asked).toEqual(["own"]);
  });

  it("leaves a size out that the graph can't have, and says how it could", async () => {
    const { sizes, notQuantisable, leftOut } = await possible(makerOf({ "640x480": REFUSED }), FILLED, OWN);
    expect({ sizes, notQuantisable }).toEqual({ sizes: [], notQuantisable: null });
    expect(leftOut).toEqual([
      "640x480 was not tried: the graph is made for 640x640 alone (export it with dynamic=True)",
    ]);
  });

  it("leaves 8 bits out where the model can't be quantised", async () => {
    const { notQuantisable, leftOut } = await possible(
      makerOf({ own: "it has no convolutions" }),
      undefined,
      OWN,
    );
    expect(notQuantisable).toBe("it has no convolutions");
    expect(leftOut).toEqual(["int8 was not tried: it has no convolutions"]);
  });

  it("leaves 8 bits out where the graph can't even be simplified: as it is, it may still run", async () => {
    const { notQuantisable, leftOut } = await possible(makerOf({ own: REFUSED }), undefined, OWN);
    expect(notQuantisable).toBe(REFUSED.message);
    expect(leftOut).toEqual([`int8 was not tried: ${REFUSED.message}`]);
  });

  it.each(["INTERRUPTED", "WORKER_START"] as const)("is not told by %s", async (code) => {
    const error = new AiwError(code, "ended");
    await expect(possible(makerOf({ "640x480": error }), FILLED, OWN)).rejects.toBe(error);
    await expect(possible(makerOf({ own: error }), undefined, OWN)).rejects.toBe(error);
  });
});

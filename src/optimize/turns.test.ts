import { expect, it } from "vitest";
import { turns } from "./turns.js";

it("measures forth and back, one after the other", async () => {
  const order: string[] = [];
  let running = 0;
  await turns(["a", "b", "c"], 3, async (item, round) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    order.push(`${item}${round}`);
    running--;
    return 1;
  });
  expect(order.join(" ")).toBe("a0 b0 c0 c1 b1 a1 a2 b2 c2");
});

it("relates each to the first of the same round", async () => {
  // The machine is twice as slow in the second round.
  const times: Record<string, number> = { a: 10, b: 5 };
  const found = await turns(["a", "b"], 2, (item, round) => Promise.resolve(times[item]! * (round + 1)));
  expect(found).toEqual([
    { item: "a", values: [10, 20], ratios: [1, 1] },
    { item: "b", values: [5, 10], ratios: [0.5, 0.5] },
  ]);
});

it("has nothing to say of nothing", async () => {
  expect(await turns([], 3, () => Promise.resolve(1))).toEqual([]);
});

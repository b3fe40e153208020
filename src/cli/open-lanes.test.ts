import { expect, it } from "vitest";
import { lanesOf } from "./open-lanes.js";

it("looks at sources one after the other, and at each camera beside them", () => {
  const source = (uri: string) => ({ kind: "source", uri }) as const;
  const camera = (uri: string) => ({ kind: "camera", uri }) as const;
  expect(lanesOf([source("a"), source("b")])).toEqual([[source("a"), source("b")]]);
  expect(lanesOf([camera("default")])).toEqual([[camera("default")]]);
  expect(lanesOf([source("a"), source("b"), camera("x"), camera("y")])).toEqual([
    [source("a"), source("b")],
    [camera("x")],
    [camera("y")],
  ]);
  expect(lanesOf([])).toEqual([]);
});

import { expect, it } from "vitest";
import { sourceNames } from "./source-names.js";

it("sourceNames are those of both settings", () => {
  expect(sourceNames({ source: ["a"], camera: ["default"] })).toEqual([
    { kind: "source", uri: "a" },
    { kind: "camera", uri: "default" },
  ]);
  expect(sourceNames({})).toEqual([]);
});

import { expect, it } from "vitest";
import type { RatesReport } from "../bench/report-schema.js";
import { reportJson } from "./report-json.js";

it("puts each list of plain values on one line and says the same", () => {
  const odd = {
    text: '[ "a",\n  "b"\n]',
    list: [1, null, "x [\n y ]"],
    empty: [],
    nested: [{ a: [1, 2] }, { b: [3] }],
  };
  const text = reportJson(odd as unknown as RatesReport);
  expect(JSON.parse(text)).toEqual(odd);
  expect(text).toContain("[1, 2]");
  expect(text.endsWith("}\n")).toBe(true);
});

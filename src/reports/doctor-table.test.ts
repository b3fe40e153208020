import { expect, it } from "vitest";
import { doctorTable } from "./doctor-table.js";

const CHECKS = [
  { title: "Node.js", status: "ok", detail: "20.1.0" },
  { title: "cache folder", status: "warning", detail: "little is left of all", advice: "Free some space." },
  { title: "Python", status: "failure", detail: "none", advice: "Install it." },
] as const;

it("lines up its columns, says how to mend, and counts", () => {
  expect(doctorTable(CHECKS, { color: false }).split("\n")).toEqual([
    "✔ ok       Node.js       20.1.0",
    "! warning  cache folder  little is left of all",
    "                         → Free some space.",
    "✖ failure  Python        none",
    "                         → Install it.",
    "",
    "1 ok, 1 warning, 1 failure",
  ]);
  expect(doctorTable([], { color: false })).toBe("\n0 ok, 0 warnings, 0 failures");
});

it("folds between words, and leaves a long one whole", () => {
  const path = `/${"x".repeat(60)}`;
  const lines = doctorTable(
    [{ title: "Python", status: "ok", detail: `one two three four five six seven eight ${path} end` }],
    {
      color: false,
      width: 60,
    },
  ).split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "✔ ok       Python  one two three four five six seven eight",
    `                   ${path}`,
    "                   end",
  ]);
});

it("colours the status only, and only if asked", () => {
  const colored = doctorTable(CHECKS, { color: true });
  expect(colored).toContain("\u001b[31m✖ failure  \u001b[39mPython");
  // eslint-disable-next-line no-control-regex -- what colours are made of
  expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(doctorTable(CHECKS, { color: false }));
});

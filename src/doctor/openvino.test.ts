import { expect, it } from "vitest";
import { checkOpenvino, judgeOpenvino } from "./openvino.js";

const VERSION = '{"version": "2026.4.1", "listed": ["CPU"]}';
const tried = (failure: string | null) => `${VERSION}\n${JSON.stringify({ provider: "CPU", failure })}\n`;

it("says which version starts", () => {
  expect(judgeOpenvino(tried(null), "exit code 0", "managed")).toEqual({
    ...{ id: "engine:openvino", title: "engine OpenVINO", status: "ok" },
    detail: "openvino 2026.4.1 starts",
  });
});

it.each([
  ["can't be imported", '{"error": "openvino can\'t be imported: no module"}', /imported: no module$/],
  ["does not start", tried("no such plugin"), /2026\.4\.1 does not start: no such plugin$/],
  ["ends the process", `${VERSION}\n`, /2026\.4\.1 does not start: exit code 139$/],
  ["says nothing", "", /openvino: exit code 139$/],
])("one that %s is a failure, with what mends it", (_, stdout, detail) => {
  const managed = judgeOpenvino(stdout, "exit code 139", "managed");
  expect(managed).toMatchObject({ status: "failure", detail: expect.stringMatching(detail) as unknown });
  expect(managed.advice).toBe("Have its environment made anew: aiw init --engine openvino");
  expect(judgeOpenvino(stdout, "exit code 139", "given").advice).toMatch(/AIW_PYTHON.*pip/);
});

it("is told what makes its environment where there is none", async () => {
  const { signal } = new AbortController();
  const options = { interpreter: undefined, env: {}, workerDir: "", cacheDir: "", signal };
  expect(await checkOpenvino(options)).toMatchObject({
    status: "warning",
    advice: "Make it: aiw init --engine openvino",
  });
});

import { expect, it } from "vitest";
import { judgeProviders } from "./providers.js";

const LISTED = JSON.stringify({
  version: "1.32.0",
  listed: ["CUDAExecutionProvider", "CPUExecutionProvider"],
});
const line = (name: string, failure: string | null) =>
  JSON.stringify({ provider: `${name}ExecutionProvider`, failure });

function judge(...lines: string[]) {
  return judgeProviders(`${lines.join("\n")}\n`, "exit code 139", "last line").map(
    ({ id, status, detail }) => ({ id, status, detail }),
  );
}

it("says of each whether it starts", () => {
  expect(judge(LISTED, line("CUDA", null), line("CPU", null))).toEqual([
    {
      id: "provider:CUDAExecutionProvider",
      status: "ok",
      detail: "CUDAExecutionProvider of onnxruntime 1.32.0 starts",
    },
    {
      id: "provider:CPUExecutionProvider",
      status: "ok",
      detail: "CPUExecutionProvider of onnxruntime 1.32.0 starts",
    },
  ]);
});

it("warns of one that is listed and does not start, with its reason; the CPU's is a failure", () => {
  const [cuda, cpu] = judge(LISTED, line("CUDA", "libcublasLt.so.13 is missing"), line("CPU", "bad"));
  expect(cuda).toMatchObject({
    status: "warning",
    detail: "CUDAExecutionProvider is listed but does not start: libcublasLt.so.13 is missing",
  });
  expect(cpu).toMatchObject({ status: "failure", detail: expect.stringContaining("bad") });
});

it("names the one that took the process down, and those that nobody tried", () => {
  expect(judge(LISTED)).toMatchObject([
    {
      status: "warning",
      detail: "CUDAExecutionProvider is listed but does not start: it ended the process (exit code 139)",
    },
    { status: "warning", detail: expect.stringContaining("not tried") },
  ]);
});

it.each([
  [
    "an engine that cannot be imported",
    JSON.stringify({ error: "onnxruntime can't be imported: no libc" }),
    "no libc",
  ],
  ["no answer at all", "", "last line"],
  ["half an answer", '{"version": "1', "last line"],
])("fails at %s", (_, text, said) => {
  expect(judge(text)).toMatchObject([
    { id: "providers", status: "failure", detail: expect.stringContaining(said) },
  ]);
});

it("fails CUDA where the settings want it: not listed, or not started", () => {
  const cpuOnly = JSON.stringify({ version: "1.32.0", listed: ["CPUExecutionProvider"] });
  const [missing, cpu] = judgeProviders(`${cpuOnly}\n${line("CPU", null)}\n`, "", undefined, "cuda");
  expect(missing).toMatchObject({
    id: "provider:CUDAExecutionProvider",
    status: "failure",
    detail: "the settings want device cuda, and onnxruntime 1.32.0 has no CUDAExecutionProvider",
  });
  expect(cpu).toMatchObject({ status: "ok" });
  const text = [LISTED, line("CUDA", "no driver"), line("CPU", null)].join("\n");
  const [fallen] = judgeProviders(text, "", undefined, "cuda");
  expect(fallen).toMatchObject({ status: "failure", detail: expect.stringContaining("no driver") });
});

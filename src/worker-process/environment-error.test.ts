import { expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { environmentError } from "./environment-error.js";

const lacks = (name: string) =>
  new AiwError("WORKER_START", `needs ${name}, which can't be imported`, { workerName: "ENGINE_MISSING" });

it("an interpreter of the user's own that lacks only OpenVINO is told apart from a useless one", () => {
  const given = { python: "/py", kind: "given" } as const;
  expect(environmentError(lacks("openvino"), { ...given, engine: "openvino" })).toMatchObject({
    code: "ENGINE_MISSING",
    message: "AIW_PYTHON=/py: needs openvino, which can't be imported",
    advice: expect.stringContaining("pip"),
  });
  expect(environmentError(lacks("onnxruntime"), given)).toMatchObject({ code: "PYTHON_UNUSABLE" });
});

it("an environment of ours that lacks it is damaged; what else went wrong is left alone", () => {
  const managed = { python: "/py", kind: "managed", engine: "openvino" } as const;
  expect(environmentError(lacks("openvino"), managed)).toMatchObject({ code: "ENV_DAMAGED" });
  const other = new AiwError("WORKER_START", "killed");
  expect(environmentError(other, managed)).toBe(other);
});

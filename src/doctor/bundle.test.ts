import { describe, expect, it } from "vitest";
import { type BundleFacts, bundleText } from "./bundle.js";

const FACTS: BundleFacts = {
  time: "2026-01-02T03:04:05.000Z",
  versions: { aiw: "0.1.0" },
  machine: { cores: 2 },
  checks: [
    {
      id: "source",
      title: "source",
      status: "failure",
      detail: "rtsp://u:S3CR3T@cam/1 refused",
      advice: "See /home/zelda/x.",
    },
  ],
  examination: {
    checks: [],
    installed: ["numpy==2.4.6"],
    workerLog: ["token: |", "  S3CR3T", "model at /home/zelda/m.onnx"],
    ffmpegVersion: "ffmpeg version 6\nbuilt by zelda",
  },
  settings: { source: ["http://cam/v?token=S3CR3T"], conf: 0.5 },
  config: { path: "/home/zelda/aiw.yaml", content: "password:\n  S3CR3T\nfps: 12\n" },
  env: {
    AIW_TOKEN: "S3CR3T-of-aiw",
    AIW_CACHE: "/home/zelda/.cache",
    PATH: "/home/zelda/bin:/usr/bin",
    HTTPS_PROXY: "http://u:S3CR3T@proxy:80",
    OMP_NUM_THREADS: "2",
    MY_PASSWORD: "xS3CR3Tx",
    UNRELATED: "thing",
  },
};

const text = (facts: BundleFacts = FACTS) => bundleText(facts, { homes: ["/home/zelda"], userName: "zelda" });

describe("bundle", () => {
  it("has no secret, no home folder, no user in it", () => {
    expect(text()).not.toMatch(/S3CR3T|zelda/);
  });

  it("has what a bug report needs", () => {
    const bundle = JSON.parse(text());
    expect(bundle).toMatchObject({
      schema: "aiw.bundle/1",
      verdict: "failure",
      versions: { aiw: "0.1.0" },
      checks: [{ id: "source", detail: "rtsp://***@cam/1 refused", advice: "See ~/x." }],
      settings: { conf: 0.5, source: ["http://cam/v?token=***"] },
      config: { path: "~/aiw.yaml", lines: ["password:", "  ***", "fps: 12", ""] },
      python_packages: ["numpy==2.4.6"],
      worker_log: ["token: ***", "  ***", "model at ~/m.onnx"],
      ffmpeg: ["ffmpeg version 6", "built by ***"],
    });
    expect(bundle.environment).toEqual({
      AIW_CACHE: "~/.cache",
      AIW_TOKEN: "***",
      HTTPS_PROXY: "http://***@proxy:80",
      OMP_NUM_THREADS: "2",
      PATH: "~/bin:/usr/bin",
    });
  });

  it("hides the value of any secret variable, wherever it appears", () => {
    const facts = { ...FACTS, versions: { aiw: "said xS3CR3Tx" } };
    expect(JSON.parse(text(facts)).versions.aiw).toBe("said ***");
  });

  it("says that there is no aiw.yaml", () => {
    expect(JSON.parse(text({ ...FACTS, config: undefined })).config).toBeNull();
  });
});

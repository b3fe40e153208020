import { describe, expect, it } from "vitest";
import { secretsOf, shownCommand } from "./shown-command.js";
import { splitCommandLine } from "../core/command-line.js";

const HIDDEN = /S3CR/;

describe("a command line is shown", () => {
  it.each([
    ["bench --camera 'http://10.0.0.9/mjpg?user=S3CR&pwd=S3CRET'", "bench --camera http://10.0.0.9/mjpg"],
    ["bench --camera=rtsp://u:S3CR/ET@h/x", "bench --camera=rtsp://***@h/x"],
    ["bench --camera rtsp://u:S3CR?E@T@h:554/x", "bench --camera rtsp://***@h:554/x"],
    ["bench --source 'rtsp://u:S3CR ET@h/x'", "bench --source rtsp://***@h/x"],
    ["bench --camera '10.0.0.9/mjpg?size=2&token=S3CRET'", "bench --camera '10.0.0.9/mjpg?size=2&token=***'"],
    ["CAM_TOKEN=S3CRET CAM_PASS='S3CR ET' N=1 --threads 1", "CAM_TOKEN=*** CAM_PASS=*** N=1 --threads 1"],
    ["CAM=http://h/x?key=S3CRET bench", "CAM=http://h/x bench"],
    ["docker run -e CAM_TOKEN=S3CRET x bench", "docker run -e CAM_TOKEN=*** x bench"],
    ["tool --password S3CRET --token=S3CRET bench", "tool --password *** --token=*** bench"],
    ["sh -c 'A=1 PASS=S3CRET aiw bench' bench", "sh -c 'A=1 PASS=***' bench"],
    ["curl -H 'X-Auth: S3CRET' bench", "curl -H 'X-Auth: ***' bench"],
  ])("%s", (text, shown) => {
    const words = splitCommandLine(text);
    expect(shownCommand(words)).toBe(shown);
    expect(shown).not.toMatch(HIDDEN);
    expect(secretsOf(words).join("\n")).toMatch(HIDDEN);
  });

  it.each([
    "node ../base/bin/aiw.js bench --fps=5 --classes dog,cat --gate 'p95<150ms'",
    "OMP_NUM_THREADS=1 bench --worker 127.0.0.1:7001 --source 'it'\\''s *.jpg'",
    "bench --source 'synthetic:?seed=7&objects=6' --camera rtsp://h:554/x",
  ])("%s as it is, where nothing in it is secret", (text) => {
    const words = splitCommandLine(text);
    expect(shownCommand(words)).toBe(text);
    expect(secretsOf(words)).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { otherSide, ownSide } from "./against-command.js";
import { addFlags, BENCH_FLAGS, COMMON_FLAGS, GENERAL_FLAGS } from "./flags.js";

const FLAGS = [...COMMON_FLAGS, ...BENCH_FLAGS, ...GENERAL_FLAGS];
const folder = mkdtempSync(join(tmpdir(), "aiw-against-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "aiw"), "", { mode: 0o755 });

function parse(...argv: string[]) {
  const command = addFlags(new Command("bench").exitOverride(), FLAGS);
  command.parse(argv, { from: "user" });
  return command.opts();
}

const other = (text: string, argv: string[] = [], env: NodeJS.ProcessEnv = {}) =>
  otherSide(text, FLAGS, parse(...argv), env);
/** Without node and the path of our own executable. */
const words = ({ args }: { args: readonly string[] }) => args.slice(1);
const OURS = { program: process.execPath };

describe("our own side", () => {
  it("is this aiw with the flags that were given, but for those of the comparison", () => {
    const argv = ["--model", "a b.onnx", "--fps", "10", "--classes", "dog,cat", "--loop", "--camera"];
    const decided = [
      "--against",
      "x",
      "--max-regression",
      "3%",
      "--duration",
      "9s",
      "--json",
      "-",
      "--quiet",
    ];
    const { name, program, args } = ownSide(FLAGS, parse(...argv, ...decided));
    expect(program).toBe(process.execPath);
    expect(args[0]).toMatch(/aiw\.js$/);
    expect(args.slice(1)).toEqual([
      ...["bench", "--model=a b.onnx", "--camera=default", "--classes=dog,cat", "--fps=10", "--loop"],
    ]);
    expect(name).toBe("aiw bench '--model=a b.onnx' --camera=default --classes=dog,cat --fps=10 --loop");
  });

  it("is named without the credentials of its camera", () => {
    const url = "rtsp://user:s3cret@127.0.0.1/cam";
    const side = ownSide(FLAGS, parse("--camera", url));
    expect(side.args).toContain(`--camera=${url}`);
    for (const { name } of [side, other(`bench --camera ${url}`)]) {
      expect(name).toContain("rtsp://***@127.0.0.1/cam");
      expect(name).not.toContain("s3cret");
    }
  });

  it.each([
    "bench --camera 'http://10.0.0.9/mjpg?user=admin&pwd=SECRET'",
    "bench --camera rtsp://u:SEC/RET@h/x",
    "CAM_TOKEN=SECRET CAM_PASS=SECRET --threads 1",
    "CAM_PASS=SECRET aiw run",
    "CAM_PASS=SECRET; aiw bench",
    "CAM_PASS=SECRET aiw bench 'x",
  ])("and the other one are named without the secrets of %j", (text) => {
    let said: string;
    try {
      said = other(text).name;
    } catch (error) {
      said = String(error);
    }
    expect(said).not.toMatch(/SECRET|SEC.RET|admin/);
  });

  it("keeps each of several values a value", () => {
    expect(words(ownSide(FLAGS, parse("--source", "a.jpg", "b.jpg")))).toEqual([
      "bench",
      "--source=a.jpg",
      "--source=b.jpg",
    ]);
  });
});

describe("the other side", () => {
  const given = ["--model", "m.onnx", "--threads", "2", "--fps", "10", "--source", "a.mp4", "--warmup", "1s"];

  it("of flags only is ours with these", () => {
    const side = other("--threads 1 --conf=0.5", given);
    expect(side).toMatchObject(OURS);
    expect(words(side)).toEqual([
      ...["bench", "--threads", "1", "--conf=0.5", "--model=m.onnx", "--source=a.mp4", "--fps=10"],
      "--warmup=1s",
    ]);
  });

  it("of variables only is ours with these in its environment", () => {
    const side = other("A=1 B_2='x y='", given);
    expect(side.env).toEqual({ A: "1", B_2: "x y=" });
    expect(words(side)).toEqual(words(ownSide(FLAGS, parse(...given))));
  });

  it("of a command takes the load from ours, and only where it says nothing of it", () => {
    const side = other("node ../base/bin/aiw.js bench --fps=5", given);
    expect(side.program).toBe("node");
    expect(side.args).toEqual(["../base/bin/aiw.js", "bench", "--fps=5", "--source=a.mp4", "--warmup=1s"]);
    const camera = other("V=1 bench --camera", given);
    expect(camera).toMatchObject({ ...OURS, env: { V: "1" } });
    expect(words(camera)).toEqual(["bench", "--camera", "--fps=10", "--warmup=1s"]);
  });

  it("called aiw is that of PATH, and this one where there is none", () => {
    expect(other("aiw bench", [], { PATH: folder }).program).toBe("aiw");
    const own = other("aiw bench", [], { PATH: "" });
    expect(own).toMatchObject(OURS);
    expect(words(own)).toEqual(["bench"]);
  });

  it.each([
    ["", '--against "" names no command'],
    ["aiw run --model x", "there is no word bench in it"],
    ["bench --json x.json", "gives --json, which is the comparison's own"],
    ["--duration=5s", "gives --duration"],
    ["bench --against bench", "gives --against"],
    ["aiw bench --find-max", "gives --find-max"],
    ["aiw bench 'x", "has a quote (') at character 11 that does not end"],
    ["cd x && aiw bench", "is not run by a shell"],
  ])("%j is refused", (text, said) => {
    expect(() => other(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(() => other(text)).toThrow(said);
  });
});

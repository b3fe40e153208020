import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { NO_FFMPEG, realFfmpeg } from "../source/testing.js";
import { type CameraServer, freePort, mjpegServer, rtspServer } from "../../bench/camera-servers.mjs";
import { childrenOf, hasShared, type Json, jsonLines, media, model, type Running, startAiw } from "./aiw.js";

const CLIP = media("bottle-detection.mp4");
const RUN = ["run", "--model", model("yolox-nano"), "--fps", "5"];
const FFMPEG = realFfmpeg();
/** A Python with the tests' packages, rtsp among them; unset where vitest is run by hand. */
const PYTHON = process.env.AIW_TEST_PYTHON;

/** Whatever a test has started and not ended. */
const servers: CameraServer[] = [];
const runs: Running[] = [];
afterEach(async () => {
  for (const { child } of runs.splice(0)) child.kill("SIGKILL");
  for (const server of servers.splice(0)) await server.kill();
});

function start(...args: string[]): Running {
  const aiw = startAiw([...RUN, ...args]);
  runs.push(aiw);
  return aiw;
}

async function serve(server: Promise<CameraServer>): Promise<CameraServer> {
  const started = await server;
  servers.push(started);
  return started;
}

/** Resolves once so many records of a source have come, in all. */
function records(aiw: Running, source: string, count: number) {
  const one = `.*"source":"${source.replaceAll(/[*.?]/g, "\\$&")}".*\\n`;
  return aiw.sees(new RegExp(`^(?:(?:(?!${one}).*\\n)*${one}){${count}}`));
}

/** Of what aiw has started: its own command line is the user's. */
function refuseSecretsInProcessList(aiw: Running) {
  const children = childrenOf(aiw.child.pid ?? 0);
  // The worker, and ffmpeg.
  expect(children.length).toBeGreaterThan(1);
  for (const child of children) expect(readFileSync(`/proc/${child}/cmdline`, "utf8")).not.toContain("XYZZY");
}

/** How many records have come so far. */
const soFar = async (aiw: Running) => jsonLines((await aiw.sees(/^[^]*\n/))[0]).length;

async function finish(aiw: Running) {
  aiw.child.kill("SIGINT");
  const { code, stdout, stderr } = await aiw.finished;
  const bySource = new Map<string, Json[]>();
  for (const record of jsonLines(stdout)) {
    bySource.set(record.source, [...(bySource.get(record.source) ?? []), record]);
  }
  return { code, stderr, bySource };
}

describe.skipIf(!hasShared || process.platform !== "linux" || FFMPEG === null)(
  `cameras (Linux, with the shared test data and ffmpeg; ${NO_FFMPEG})`,
  () => {
    const mjpeg = (port: number) => serve(mjpegServer(FFMPEG ?? "", port, CLIP));

    it("HTTP MJPEG: detections, and again when its server was killed and started anew", async () => {
      const port = await freePort();
      const name = `http://***@127.0.0.1:${port}/cam.mjpg`;
      const server = await mjpeg(port);
      const aiw = start("--camera", `http://admin:XYZZY@127.0.0.1:${port}/cam.mjpg`);
      await records(aiw, name, 5);
      refuseSecretsInProcessList(aiw);
      await server.kill();
      await aiw.says(/is lost: |has ended after \d+ frames/);
      await mjpeg(port);
      await aiw.says(/is live again after \d+\.\d s: 640x360\n/);
      const before = await soFar(aiw);
      await records(aiw, name, before + 5);
      const { code, stderr, bySource } = await finish(aiw);
      expect(code).toBe(130);
      expect([...bySource.keys()]).toEqual([name]);
      const counts = bySource.get(name)?.map(({ detections }) => detections.length) ?? [];
      expect(counts.every((count) => count > 0)).toBe(true);
      // One ledger over both streams.
      const seqs: number[] = bySource.get(name)?.map(({ seq }) => seq) ?? [];
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect(stderr).toContain(`aiw: camera ${name} is live: 640x360`);
      expect(stderr).not.toContain("XYZZY");
    });

    it.skipIf(PYTHON === undefined).each([
      ["TCP", []],
      ["UDP, where the camera refuses TCP", ["--refuse-tcp" as const]],
    ])(
      "RTSP over %s: detections, and again when its server was killed and started anew",
      async (_, options) => {
        const port = await freePort();
        const name = `rtsp://***@127.0.0.1:${port}/live`;
        const transport = options.length > 0 ? "udp" : "tcp";
        const serving = () => serve(rtspServer(PYTHON ?? "", port, CLIP, ...options));
        const first = await serving();
        const aiw = start("--camera", `rtsp://admin:XYZZY@127.0.0.1:${port}/live`);
        await records(aiw, name, 5);
        expect(first.lines).toEqual(["ready", transport]);
        refuseSecretsInProcessList(aiw);
        await first.kill();
        await aiw.says(/is lost: .*it is opened again\n/);
        const second = await serving();
        await aiw.says(/is live again after /);
        const before = await soFar(aiw);
        await records(aiw, name, before + 5);
        const { code, stderr, bySource } = await finish(aiw);
        expect(code, stderr).toBe(130);
        expect(second.lines).toEqual(["ready", transport]);
        expect(bySource.get(name)?.some(({ detections }) => detections.length > 0)).toBe(true);
      },
    );

    it("several at once on one worker: what happens to one leaves the others alone", async () => {
      const [steady, breaking, absent] = [await freePort(), await freePort(), await freePort()];
      const url = (port: number) => `http://127.0.0.1:${port}/cam.mjpg`;
      const [, server] = [await mjpeg(steady), await mjpeg(breaking)];
      const aiw = start("--camera", url(breaking), url(absent), "--camera", url(steady));
      await aiw.says(new RegExp(`${absent}/cam.mjpg cannot be opened: .*; the others go on\n`));
      await records(aiw, url(breaking), 3);
      await server.kill();
      await aiw.says(new RegExp(`camera ${url(breaking)} (?:is lost|has ended)`));
      const before = await soFar(aiw);
      await records(aiw, url(steady), before + 3);
      const { code, stderr, bySource } = await finish(aiw);
      expect(code).toBe(130);
      expect([...bySource.keys()].sort()).toEqual([url(breaking), url(steady)].sort());
      for (const [source, lines] of bySource) {
        const seqs = lines.map(({ seq }) => seq);
        expect(seqs).toEqual([...new Set<number>(seqs)].sort((a, b) => a - b));
        // On a machine that is busy otherwise a live frame may give way to the next.
        const said = new RegExp(`^${source}: (\\d+) frames?: (\\d+) results?, 0 errors, (\\d+) dropped`, "m");
        const [offered, results, dropped] = (said.exec(stderr) ?? []).slice(1).map(Number);
        expect([results, offered], stderr).toEqual([lines.length, lines.length + (dropped ?? NaN)]);
      }
    });
  },
);

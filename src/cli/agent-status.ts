import { Writable } from "node:stream";
import type { Lane } from "../agent/lane.js";
import { agentLine } from "../reports/agent-line.js";
import { refreshLine } from "./live-view.js";
import type { Progress } from "./progress.js";

/** Between two changes of the line, milliseconds. */
const REFRESH_MS = 1_000;

/** On a terminal a line that says how each camera is. @returns what takes it away */
export function showStatus(progress: Progress, lanes: () => readonly Lane[]): () => void {
  if (!progress.isLive) return () => {};
  let before = new Map<Lane, number>();
  let beforeMs = performance.now();
  const { end } = refreshLine(progress, REFRESH_MS, (columns) => {
    const nowMs = performance.now();
    const results = new Map(lanes().map((lane) => [lane, lane.stream.counts().results]));
    const cameras = [...results].map(([lane, count]) => ({
      name: lane.camera,
      state: lane.watch.stateName,
      fps: ((count - (before.get(lane) ?? 0)) * 1000) / (nowMs - beforeMs),
    }));
    [before, beforeMs] = [results, nowMs];
    return agentLine(cameras, columns);
  });
  return () => {
    end();
    progress.clear();
  };
}

/** A stream whose writes are whole lines, each handed on without its end. */
export function linesTo(take: (line: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      const line = String(chunk).replace(/\n$/, "");
      if (line !== "") take(line);
      done();
    },
  });
}

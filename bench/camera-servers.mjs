// Stand-ins for cameras: processes that serve a clip on loopback, for tests and for the scripts of this folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const RTSP_SERVER = fileURLToPath(new URL("rtsp-server.py", import.meta.url));
/** How often it is looked whether a server is up, milliseconds. */
const LOOK_MS = 20;

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

export async function rtspServer(python, port, clip, ...options) {
  const child = spawn(python, [RTSP_SERVER, String(port), clip, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  const output = createInterface(child.stdout);
  output.on("line", (line) => lines.push(line));
  const dead = failed(child);
  while (!lines.includes("ready")) await Promise.race([once(output, "line"), dead]);
  return { lines, kill: () => kill(child) };
}

export async function mjpegServer(ffmpeg, port, clip, filter = "null") {
  const input = ["-re", "-stream_loop", "-1", "-i", clip];
  const output = ["-an", "-vf", filter, "-f", "mpjpeg", "-listen", "1", `http://127.0.0.1:${port}/cam.mjpg`];
  const child = spawn(ffmpeg, ["-nostdin", "-loglevel", "quiet", ...input, ...output], { stdio: "ignore" });
  const dead = failed(child);
  while (!isUp(port)) await Promise.race([setTimeout(LOOK_MS), dead]);
  return { lines: [], kill: () => kill(child) };
}

/**
 * Whether somebody listens there, or has been found already (and then listens no more), without connecting:
 * it serves but one. Linux only; proc(5) has the states.
 */
function isUp(port) {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return new RegExp(`${local} [0-9A-F]+:[0-9A-F]+ (?:0A|01) `).test(readFileSync("/proc/net/tcp", "latin1"));
}

/** Fails when the process ends; that is nobody's concern once it serves. */
function failed(child) {
  // Nor does it outlive us: whoever starts it may be gone before it is up, as a test that ran out of time.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const dead = once(child, "exit").then(([code]) => {
    throw new Error(`the server ended with exit code ${code}`);
  });
  dead.catch(() => {});
  return dead;
}

async function kill(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, it, onTestFinished } from "vitest";
import { NO_FFMPEG, realFfmpeg } from "../source/testing.js";
import { startAiw } from "./aiw.js";

const DETECTOR = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));
const EVERY_MS = 50;

/** An HTTP camera whose frames have the size that it is told, for all who look and from the next frame on. */
async function camera() {
  let frame = Buffer.alloc(0);
  const clients = new Set<ServerResponse>();
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame" });
    clients.add(response);
    response.on("close", () => clients.delete(response));
  }).listen(0, "127.0.0.1");
  const timer = setInterval(() => {
    const head = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${frame.length}\r\n\r\n`;
    for (const client of clients)
      client.write(Buffer.concat([Buffer.from(head), frame, Buffer.from("\r\n")]));
  }, EVERY_MS);
  onTestFinished(() => {
    clearInterval(timer);
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const resize = async (width: number, height: number) => {
    const create = { width, height, channels: 3, background: "green" } as const;
    frame = await sharp({ create }).jpeg().toBuffer();
  };
  return { url: `http://127.0.0.1:${port}/cam`, resize };
}

it.skipIf(realFfmpeg() === null)(
  `a camera's change of resolution is followed, opened anew only where the shape changes (${NO_FFMPEG})`,
  async () => {
    const { url, resize } = await camera();
    await resize(320, 240);
    const aiw = startAiw(["run", "--model", DETECTOR, "--camera", url, "--size", "320x240"]);
    onTestFinished(() => void aiw.child.kill("SIGKILL"));
    await aiw.sees(/"width":320,"height":240/);
    await resize(640, 480);
    await aiw.sees(/"width":640,"height":480/);
    await resize(640, 240);
    await aiw.says(/is opened anew: its frames have 640x240 now\n.* is live again after .*: 640x240\n/);
    const before = (await aiw.sees(/^[^]*\n/))[0].split("\n").length;
    await aiw.sees(new RegExp(`^(?:.*\n){${before}}.*"width":640,"height":240`));
    aiw.child.kill("SIGINT");
    const { code, stderr } = await aiw.finished;
    expect(code, stderr).toBe(130);
    expect(stderr.match(/opened anew/g)).toHaveLength(1);
    expect(stderr).not.toMatch(/is lost|has ended/);
  },
);
